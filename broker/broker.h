// SPDX-License-Identifier: Apache-2.0
// Builds the parts of the daemon, starts and stops them. It decides nothing.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/broker_options.h"

namespace postern::broker {

// Thread-safe.
class Broker {
 public:
  // Opens storage and keys and serves. Errors are Store::Open's and Door::Open's; UNAVAILABLE when
  // the secret store cannot answer, FAILED_PRECONDITION when a key is gone while what it opens is
  // there: a new one is never made then.
  static absl::StatusOr<std::unique_ptr<Broker>> Start(BrokerOptions options);
  // Stops.
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Tells every stream that the daemon stops, ends all calls and connections, and returns when they
  // are gone. Calling it again does nothing.
  void Stop();

  // What the owner must know now; empty when all is well.
  std::vector<std::string> warnings() const;

 private:
  struct Running;
  explicit Broker(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace postern::broker
