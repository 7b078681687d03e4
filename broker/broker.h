// SPDX-License-Identifier: Apache-2.0
// Builds the parts of the daemon, starts and stops them. It decides nothing.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/config.h"
#include "broker/consent_prompt.h"
#include "broker/door.h"
#include "broker/limits.h"
#include "broker/notifier.h"
#include "platform/clock.h"
#include "platform/secret_store.h"
#include "platform/session_watch.h"
#include "platform/unique_fd.h"
#include "platform/unit_starter.h"

namespace postern::broker {

// What the world gives the daemon. The references must outlive it.
struct BrokerOptions {
  const platform::Clock& clock;
  platform::SecretStore& secrets;
  ConsentPrompt& prompt;
  Config config;
  // Both exist and are the user's alone.
  std::string data_dir;
  std::string socket_path;
  // A listening socket inherited from the service manager, or none.
  platform::UniqueFd listener;
  // Where the user is told things; without one, the journal is.
  Notifier* notifier = nullptr;
  // Between the rounds of what is done now and then, in time that really passes.
  absl::Duration upkeep_interval = kUpkeepInterval;
  // Whether the person is here; without one, they count as present.
  platform::SessionWatch* session = nullptr;
  // Starts systemd units of apps; without one, no app is started.
  platform::UnitStarter start_unit = {};
  // Makes the daemon stop, once everything was removed; may be empty.
  std::function<void()> stop = {};
  // How long a stream's reader may make no progress. Tests shorten it.
  absl::Duration reader_stall_max = kReaderStallMax;
};

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
