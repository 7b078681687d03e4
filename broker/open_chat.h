// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "broker/asker.h"
#include "broker/parts.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "permissions/scope.h"

namespace postern::broker {

// A chat that an app may do something in.
struct OpenChat {
  permissions::AccountId account;
  // What the network calls it.
  std::string remote_id;
  // What people call it; may be empty.
  std::string name;
  // Borrows from the directory.
  permissions::ObjectFacts facts;
};

// OK when the app has 'scope' anywhere; else the refusal that says why it has not.
absl::Status RequireScope(const Viewer& viewer, permissions::Scope scope);
// Returns the chat, whatever is open in it. NOT_FOUND, naming 'field', when there is none.
absl::StatusOr<OpenChat> FindChat(const Parts& parts, permissions::ChatId chat,
                                  std::string_view field);
// Returns the chat if 'scope' is open in it. Where it is not, it is NOT_FOUND as if it were not
// there; when the app has the scope nowhere, the refusal says so.
absl::StatusOr<OpenChat> FindOpenChat(const Parts& parts, const Asker& asker,
                                      permissions::ChatId chat, permissions::Scope scope,
                                      std::string_view field);

}  // namespace postern::broker
