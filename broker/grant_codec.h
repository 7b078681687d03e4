// SPDX-License-Identifier: Apache-2.0
// Grants as decisions know them, to the contract's form and back. Ids go through a mapping that the
// caller names: the broker's own text form in storage, a principal's pseudonyms on the wire.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <string>

#include "permissions/grant.h"
#include "postern/v1/grant.pb.h"
#include "postern/v1/manifest.pb.h"

namespace postern::broker {

// How ids are written in the contract's form.
struct GrantIdForm {
  absl::FunctionRef<std::string(permissions::GrantId)> grant;
  absl::FunctionRef<std::string(permissions::AccountId)> account;
  absl::FunctionRef<std::string(permissions::ChatId)> chat;
};

v1::Grant GrantToProto(const permissions::Grant& grant, const GrantIdForm& form);

// The stored form: with the broker's own ids and the principal beside it.
v1::Grant GrantToStored(const permissions::Grant& grant);
// DATA_LOSS when the stored form makes no sense.
absl::StatusOr<permissions::Grant> GrantFromStored(const v1::Grant& stored,
                                                   const permissions::Principal& principal);

}  // namespace postern::broker
