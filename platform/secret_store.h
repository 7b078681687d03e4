// SPDX-License-Identifier: Apache-2.0
// Where keys rest. Nothing here ever falls back: a store that cannot answer says why, and whoever
// asked waits or stops. A key made anew because the old one could not be read is data lost.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "platform/secret_bytes.h"

namespace postern::platform {

// The largest secret that a store takes. A private key in PEM is about 240 bytes.
inline constexpr size_t kSecretBytesMax = 4096;
// Names are ours ("database-key", "spool-key:<app id>"), never a stranger's text.
inline constexpr size_t kSecretNameBytesMax = 128;

enum class SecretStoreState {
  kReady,
  kLocked,        // it is there and closed: the user has to unlock it
  kNoService,     // nobody on the session bus offers secrets, or who does gives no answer in time
  kNoSessionBus,  // there is no session bus to ask on
};

// One word for logs and for people: "ready", "locked", "no-service", "no-session-bus".
std::string_view SecretStoreStateName(SecretStoreState state);

// Thread-safe. A call may block for as long as the implementation's stated bound.
class SecretStore {
 public:
  virtual ~SecretStore() = default;

  // What the store can do now. Nothing is remembered between calls.
  virtual SecretStoreState State() = 0;
  // NOT_FOUND only when the store is open and holds no such secret; UNAVAILABLE when it cannot tell
  // (State() then says why); INVALID_ARGUMENT for a name out of bounds; DATA_LOSS when what is
  // stored cannot be what was given to Store.
  virtual absl::StatusOr<SecretBytes> Lookup(std::string_view name) = 0;
  // Stores or replaces; OK means that it is stored. UNAVAILABLE as above; INVALID_ARGUMENT for a
  // name or secret that is empty or too large.
  virtual absl::Status Store(std::string_view name, std::span<const uint8_t> secret) = 0;
  // OK also when there was none.
  virtual absl::Status Erase(std::string_view name) = 0;
  // What it is, for people: "Secret Service", "passphrase file".
  virtual std::string Describe() const = 0;
  // The same secrets for several calls in a row, such as those of a start: what each call would
  // begin and end is begun once. Null where there is nothing to save. Of the thread that asked, and
  // not for long: what restarts meanwhile is gone to it (UNAVAILABLE).
  virtual std::unique_ptr<SecretStore> OpenSession() { return nullptr; }
};

// How long the Secret Service may take for one call. A provider that is starting takes about a
// second; a dead one must not hang the daemon's start.
inline constexpr absl::Duration kSecretServiceTimeout = absl::Seconds(10);

// The desktop's Secret Service (gnome-keyring, KeePassXC, ...). 'profile' is the data directory
// that the secrets belong to: two of them do not mix. Never prompts: unlocking is the user's
// business.
std::unique_ptr<SecretStore> MakeSecretServiceStore(std::string profile,
                                                    absl::Duration timeout = kSecretServiceTimeout);

// Shared by the implementations: INVALID_ARGUMENT when out of bounds.
absl::Status CheckSecretName(std::string_view name);
absl::Status CheckSecret(std::span<const uint8_t> secret);

}  // namespace postern::platform
