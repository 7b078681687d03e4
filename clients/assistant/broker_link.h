// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "clients/sdk/client.h"

namespace postern::assistant {

// The connection to the broker, made beside everything else: a client of ours is answered while
// posternd is away and while the user is still being asked.
//
// It begins with the first call of a tool: clients start a server only to see what it is, and end
// it at once, which would put a question before the user and take it away again.
//
// Asks the user once a process. A no, and an access that was taken back, are final until then;
// everything else is tried again, less and less often. Once connected the SDK mends what breaks.
class BrokerLink {
 public:
  BrokerLink(v1::Manifest manifest, sdk::ClientOptions options);
  // Leaves the thread behind: it may be waiting for a person, and ends with the process.
  ~BrokerLink() = default;
  BrokerLink(const BrokerLink&) = delete;
  BrokerLink& operator=(const BrokerLink&) = delete;

  // The client, once there is one; waits a little for it. UNAVAILABLE while the user is being
  // asked, else what stands in the way. Thread-safe.
  absl::StatusOr<std::shared_ptr<sdk::Client>> Client();

 private:
  struct State;
  const std::shared_ptr<State> state_;  // shared with the connecting thread
};

}  // namespace postern::assistant
