// SPDX-License-Identifier: Apache-2.0
#include "broker/retention_thread.h"

#include <spdlog/spdlog.h>

namespace postern::broker {

RetentionThread::RetentionThread(EventLog& log, const RetentionPolicy& policy,
                                 const platform::Clock& clock)
    : log_(log), clock_(clock) {
  policies_.fallback = policy;
  const bool keeps_all =
      policy.age == absl::InfiniteDuration() && policy.bytes == RetentionPolicy().bytes;
  if (!keeps_all) thread_ = std::thread([this] { Loop(); });
}

RetentionThread::~RetentionThread() {
  stopping_.store(true);
  {
    platform::MutexLock lock(mutex_);
    stop_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void RetentionThread::Loop() {
  while (!stopping_.load()) {
    const auto result =
        RunRetention(log_, policies_, clock_.Now(), [this] { return stopping_.load(); });
    if (!result.ok() && !stopping_.load()) {
      spdlog::error("event=retention_failed code={}", static_cast<int>(result.status().code()));
    }
    platform::MutexLock lock(mutex_);
    if (!stopping_.load()) stop_.WaitFor(mutex_, kRetentionInterval);
  }
}

}  // namespace postern::broker
