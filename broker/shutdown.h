// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <atomic>

#include "broker/rpc_status.h"

namespace postern::broker {

// Says to every waiting handler that the daemon stops. Set once; who sets it wakes the waits.
class Shutdown {
 public:
  void Begin() { begun_.store(true, std::memory_order_release); }
  bool begun() const { return begun_.load(std::memory_order_acquire); }
  static absl::Status Refusal() {
    return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SHUTTING_DOWN,
                        "the broker is stopping; connect again in a moment");
  }

 private:
  std::atomic<bool> begun_{false};
};

}  // namespace postern::broker
