// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <string>

#include "broker/attach_news.h"
#include "broker/config.h"
#include "broker/consent_prompt.h"
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
  // How long a client is gone before apps are told. Tests shorten it.
  absl::Duration detach_grace = kDetachGrace;
};

}  // namespace postern::broker
