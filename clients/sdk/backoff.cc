// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/backoff.h"

#include <algorithm>

#include "platform/secret_bytes.h"

namespace postern::sdk {
namespace {

uint32_t Seed() {
  uint8_t bytes[4];
  platform::FillRandom(bytes);
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

}  // namespace

Backoff::Backoff(BackoffOptions options)
    : options_(options), next_(options.first), random_(Seed()) {}

absl::Duration Backoff::Next(absl::Duration at_least) {
  const double part = std::uniform_real_distribution<double>(0, options_.jitter)(random_);
  const absl::Duration wait = next_ * (1 - part);
  next_ = std::min(next_ * 2, options_.longest);
  return std::max(wait, at_least);
}

Pause::Pause(std::function<void(absl::Duration)> wait) : wait_(std::move(wait)) {}

bool Pause::For(absl::Duration duration) {
  if (wait_) {
    if (stopped()) return false;
    wait_(duration);
    return !stopped();
  }
  const absl::Time end = absl::Now() + duration;
  platform::MutexLock lock(mutex_);
  while (!stopped_) {
    // The wall clock may step: a wait is then at most repeated once, never endless.
    const absl::Duration left = std::min(end - absl::Now(), duration);
    if (left <= absl::ZeroDuration()) return true;
    if (!changed_.WaitFor(mutex_, left)) return !stopped_;
  }
  return false;
}

void Pause::Stop() {
  platform::MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

bool Pause::stopped() const {
  platform::MutexLock lock(mutex_);
  return stopped_;
}

}  // namespace postern::sdk
