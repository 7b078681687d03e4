// SPDX-License-Identifier: Apache-2.0
// What the user is asked, and what came of it.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

#include "clients/sdk/client.h"
#include "clients/translator/config.h"
#include "clients/translator/screen.h"

namespace postern::translator {

// What this program says of itself. With a server it is another program to Postern, of another key,
// whose manifest names the server: what the user allowed the one that keeps everything on this
// device says nothing about the other.
absl::StatusOr<v1::Manifest> ManifestOf(const Config& config);

// Where it keeps its key and what it remembers; made when it is missing. Errors as
// sdk::MakeStateDirectory.
absl::StatusOr<std::string> StateDirectoryOf(const Config& config);

enum class Reach {
  kOnce,  // gives up when posternd does not answer
  kWait,  // a service: waits for it as long as it takes, and until the user can be asked
};
// Connects; asks the user first when they have not been asked. Errors as sdk::Client::Connect.
absl::StatusOr<std::unique_ptr<sdk::Client>> Connect(const Config& config, Reach reach,
                                                     Screen& screen);

// As sdk::EraseIfOver; what cannot be told now, the next start tells.
void EraseIfOver(const Config& config, const std::function<void()>& erase);

// OK where the user allowed it to read what comes in; else PERMISSION_DENIED, since without that
// there would be silence and no word why.
absl::Status CheckMayRead(sdk::Client& client);

// Whether this program may write in a chat without that the user is asked each time.
absl::StatusOr<bool> MayWriteUnasked(sdk::Client& client, const std::string& chat_id);

// Asks the user for one more right, in one chat or (empty) wherever they choose, and waits for the
// answer. Errors as sdk::AskForGrant.
absl::Status AskFor(sdk::Client& client, v1::Scope scope, const std::string& chat_id,
                    const std::string& purpose, Screen& screen);

}  // namespace postern::translator
