// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include "clients/sdk/channel.h"
#include "clients/sdk/options.h"
#include "clients/sdk/stubs.h"
#include "postern/v1/manifest.pb.h"

namespace postern::sdk {

// Asks the user, once, to allow this program, and waits for the answer on the stubs' own channel.
// OK when granted. PERMISSION_DENIED CONSENT_REFUSED, DEADLINE_EXCEEDED CONSENT_REFUSED (nobody
// answered), or what the broker says. CANCELLED when 'canceller' was.
absl::Status Enroll(Stubs& stubs, const v1::Manifest& manifest, const ClientOptions& options,
                    Canceller& canceller);

// Turns a failed call into the SDK's status; a broker that is not the pinned one, or not there, is
// said in words.
absl::Status ToClientStatus(const grpc::Status& status);

// UNAVAILABLE, with what to do, when there is no socket at 'path' at all; else OK.
absl::Status CheckSocketIsThere(const std::string& path);

// Says whether a read-only call or stream that ended so is worth another try: IsRetriable, and what
// gRPC makes of a connection that broke in the middle.
bool IsBrokenConnection(const absl::Status& status);

}  // namespace postern::sdk
