// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include <string>
#include <utility>

#include "clients/sdk/channel.h"
#include "clients/sdk/options.h"
#include "clients/sdk/stubs.h"
#include "platform/mutex.h"

namespace postern::sdk {

// What a client and its subscriptions share. Thread-safe.
class ClientCore {
 public:
  ClientCore(const Identity& identity, ClientOptions client_options)
      : options(std::move(client_options)),
        principal(identity.principal),
        stubs(MakeChannel(identity)) {}

  const ClientOptions options;
  const std::string principal;
  Stubs stubs;

  // The error that ended this client for good, or OK.
  absl::Status ended() const;
  // Remembers 'status' when it is such an error, so that a revoked app does not storm.
  void Note(const absl::Status& status);

 private:
  mutable platform::Mutex mutex_;
  absl::Status ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::sdk
