// SPDX-License-Identifier: Apache-2.0
// `postern` as an ordinary app: `messages ...` and `chats list --granted` hold no power of the
// owner's. They have a key of their own, ask like everybody, and see what the person allowed.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clients/postern/command.h"
#include "clients/sdk/client.h"

namespace postern::cli {

inline constexpr char kOwnAppId[] = "org.postern.cli";

// Where `postern` keeps its own key as an app.
std::string OwnStateDirectory(const owner::Paths& paths);

// What `postern` says of itself when it asks to read and send.
v1::Manifest OwnManifest();

// Connects as an app; asks the user first when it must, and tells on stderr that it waits. Errors
// as sdk::Client::Connect.
absl::StatusOr<std::unique_ptr<sdk::Client>> ConnectApp(Context& context);
// The same for any manifest, with key and certificates in 'state_directory'.
absl::StatusOr<std::unique_ptr<sdk::Client>> ConnectApp(Context& context,
                                                        const v1::Manifest& manifest,
                                                        const std::string& state_directory);

// All chats that were allowed, without participants.
absl::StatusOr<std::vector<v1::Chat>> AllChats(sdk::Client& client);
absl::StatusOr<std::vector<v1::Account>> AllAccounts(sdk::Client& client);
// One chat with its participants, or nothing when it cannot be seen.
std::optional<v1::Chat> ChatWithParticipants(sdk::Client& client, const std::string& chat_id);
// The chat that 'text' names: an id, the start of one, or a name. INVALID_ARGUMENT, saying which
// there are, when none or several fit.
absl::StatusOr<v1::Chat> FindChat(sdk::Client& client, const std::string& text);

}  // namespace postern::cli
