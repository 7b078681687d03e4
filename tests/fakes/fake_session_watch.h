// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include "platform/mutex.h"
#include "platform/session_watch.h"

namespace postern::fakes {

// A session that a test locks and unlocks. Passes the same contract suite as the real watch
// (tests/platform/session_watch_contract.h). Thread-safe.
class FakeSessionWatch final : public platform::SessionWatch {
 public:
  platform::SessionPresence presence() const override {
    platform::MutexLock lock(mutex_);
    return presence_;
  }
  void Watch(std::function<void()> changed) override {
    platform::MutexLock calling(call_mutex_);
    changed_ = std::move(changed);
  }
  // Returns when whoever watches has been told.
  void Set(platform::SessionPresence presence) {
    {
      platform::MutexLock lock(mutex_);
      if (presence_ == presence) return;
      presence_ = presence;
    }
    platform::MutexLock calling(call_mutex_);
    if (changed_) changed_();
  }

 private:
  mutable platform::Mutex mutex_;
  platform::SessionPresence presence_ ABSL_GUARDED_BY(mutex_) = platform::SessionPresence::kPresent;
  platform::Mutex call_mutex_;
  std::function<void()> changed_ ABSL_GUARDED_BY(call_mutex_);
};

}  // namespace postern::fakes
