// SPDX-License-Identifier: Apache-2.0
// The events that an adapter has told, in its order, and how far they are durable.
#pragma once

#include <cstdint>
#include <vector>

#include "clients/conformance/breaches.h"
#include "clients/conformance/door.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::conformance {

// Not thread-safe.
class TakenEvents {
 public:
  // The adapter has come: from where on it has to tell. Gives the durable position.
  uint64_t Begin();
  void Take(const v1::SourcedEvent& sourced, Breaches& breaches);
  // All that was taken is durable. Gives the position.
  uint64_t Acknowledge();

  const std::vector<TakenEvent>& all() const { return all_; }

 private:
  std::vector<TakenEvent> all_;
  uint64_t durable_position_ = 0;
  uint64_t last_position_ = 0;  // of this session
};

}  // namespace postern::conformance
