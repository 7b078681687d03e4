// SPDX-License-Identifier: Apache-2.0
// SIGTERM and SIGINT, as something that waits can end with.
#pragma once

#include <absl/time/time.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace postern::crm {

// Make it before any other thread: they inherit that these signals are not theirs.
class Stopper {
 public:
  Stopper();
  ~Stopper();
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  // Calls 'wake' when it is time to stop, from a thread of its own; at once when that was before.
  // An empty one takes the last back; when it returns, that is not running.
  void OnStop(std::function<void()> wake);
  bool stopped() const { return stopped_; }
  // Waits; false when it is time to stop.
  bool Wait(absl::Duration duration);

 private:
  void Run();

  std::atomic<bool> stopped_ = false;
  std::atomic<bool> ending_ = false;
  std::mutex mutex_;
  std::condition_variable condition_;
  std::function<void()> wake_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace postern::crm
