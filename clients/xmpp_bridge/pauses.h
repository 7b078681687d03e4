// SPDX-License-Identifier: Apache-2.0
// Waiting that ends with the bridge.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

namespace postern::xmpp_bridge {

// Before something is tried again that failed for now.
inline constexpr absl::Duration kRetryPause = absl::Seconds(2);

// Thread-safe.
class Pauses {
 public:
  // Waits a little; false when the bridge is stopping.
  bool For(absl::Duration pause);
  // The bridge is stopping: ends every wait, those that are yet to begin too.
  void End();
  bool ended();

 private:
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace postern::xmpp_bridge
