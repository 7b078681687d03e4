// SPDX-License-Identifier: Apache-2.0
// The attack surface on one screen: every method of the contract, who may call it and which scope
// it needs. A method that is not here does not run; tests/permissions walks the contract's
// descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "permissions/scope.h"

namespace postern::permissions {

// Who may call, as bits.
enum Callers : uint8_t {
  // A key of this user that has no role yet.
  kUnknownKey = 1,
  kApps = 2,
  kGatekeepers = 4,
  kOwner = 8,
  kEnrolled = kApps | kGatekeepers | kOwner,
  kAnyKey = kUnknownKey | kEnrolled,
  // A key whose access was taken back: for what it is asked to do because of that.
  kRevokedKey = 16,
};

struct MethodAccess {
  // E.g. "/postern.v1.EventService/Subscribe".
  std::string_view full_method;
  uint8_t callers;
  // Without this scope an app is refused (the least, where several will do); the handler asks for
  // it, after it has looked at the request's form, and decides for each object. Unset where the
  // handler filters item by item. Owner and gatekeepers need no scope.
  std::optional<Scope> scope;
};

// Returns the method's row, or null: then the call is refused.
const MethodAccess* FindMethodAccess(std::string_view full_method);
// All rows, for tests and the README's list.
std::span<const MethodAccess> AllMethodAccess();

}  // namespace postern::permissions
