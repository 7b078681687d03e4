// SPDX-License-Identifier: Apache-2.0
// Work that must not hold up the window: a thread that runs calls one after the other and hands
// their results back to GTK's thread.
#pragma once

#include <absl/base/thread_annotations.h>

#include <deque>
#include <functional>
#include <thread>

#include "platform/mutex.h"

namespace postern::settings {

class Lane {
 public:
  // Runs on GTK's thread.
  using Result = std::function<void()>;
  // Runs on the lane's thread; what it returns runs on GTK's.
  using Job = std::function<Result()>;

  Lane();
  // Waits for the job that runs; what waits behind it is dropped, and so are results that GTK has
  // not taken yet.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // False, and nothing done, when too much waits already: the broker hangs.
  bool Post(Job job);

 private:
  // More waiting than a person can click in the time-out of one call.
  static constexpr size_t kWaitingMax = 64;

  void Loop();

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::deque<Job> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::settings
