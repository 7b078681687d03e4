// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/owner_key.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include "clients/owner/owner_secrets.h"
#include "platform/status_macros.h"
#include "platform/tls_identity.h"

namespace postern::owner {
namespace {

absl::Status Explained(platform::SecretStoreState state) {
  switch (state) {
    case platform::SecretStoreState::kLocked:
      return absl::FailedPreconditionError(
          "The keyring is locked, and the owner's key is in it. Unlock it and try again.");
    case platform::SecretStoreState::kNoService:
      return absl::FailedPreconditionError(
          "No Secret Service answers on this session bus. Start one, e.g. gnome-keyring-daemon.");
    case platform::SecretStoreState::kNoSessionBus:
      return absl::FailedPreconditionError(
          "There is no session bus here, and with it no keyring. Run this in your desktop session, "
          "or "
          "set DBUS_SESSION_BUS_ADDRESS.");
    case platform::SecretStoreState::kReady:
      break;
  }
  return absl::FailedPreconditionError("The keyring gave no answer. Try again.");
}

}  // namespace

absl::StatusOr<OwnerIdentity> ReadOwnerIdentity(const Paths& paths) {
  ASSIGN_OR_RETURN(const auto store, OpenOwnerSecrets(paths));
  auto key = store->Lookup(kOwnerKeyName);
  if (absl::IsNotFound(key.status())) {
    return absl::FailedPreconditionError(
        "The keyring holds no owner's key for this profile. posternd makes it when it first "
        "starts.");
  }
  if (absl::IsUnavailable(key.status())) return Explained(store->State());
  if (!key.ok()) return key.status();
  ASSIGN_OR_RETURN(std::string certificate,
                   platform::MakeCertificate(*key, {.common_name = "postern owner"}, absl::Now()));
  return OwnerIdentity{*std::move(key), std::move(certificate)};
}

}  // namespace postern::owner
