// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/waiting.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "platform/clock.h"

namespace postern::cli {
namespace {

constexpr char kText[] = "Waiting: Postern is asking you.";
// What is refused at once is not waited for.
constexpr absl::Duration kDelay = absl::Milliseconds(500);

}  // namespace

Waiting::Waiting(Context& context) : err_(context.err) {
  if (!context.json) thread_ = std::thread([this] { Tick(); });
}

Waiting::~Waiting() {
  if (!thread_.joinable()) return;
  {
    platform::MutexLock lock(mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Waiting::Tick() {
  const platform::SystemClock clock;
  const absl::Duration start = clock.Elapsed();
  platform::MutexLock lock(mutex_);
  while (!ended_ && clock.Elapsed() - start < kDelay) {
    changed_.WaitFor(mutex_, kDelay - (clock.Elapsed() - start));
  }
  if (ended_) return;
  if (::isatty(STDERR_FILENO) == 0) return err_.Line(kText);
  while (!ended_) {
    const auto seconds = static_cast<int>(absl::ToInt64Seconds(clock.Elapsed() - start));
    std::fprintf(stderr, "\r%s %d:%02d ", kText, seconds / 60, seconds % 60);
    std::fflush(stderr);
    changed_.WaitFor(mutex_, absl::Seconds(1));
  }
  // Takes the line away again: what came of it is printed next.
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace postern::cli
