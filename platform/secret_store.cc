// SPDX-License-Identifier: Apache-2.0
#include "platform/secret_store.h"

namespace postern::platform {

std::string_view SecretStoreStateName(SecretStoreState state) {
  switch (state) {
    case SecretStoreState::kReady:
      return "ready";
    case SecretStoreState::kLocked:
      return "locked";
    case SecretStoreState::kNoService:
      return "no-service";
    case SecretStoreState::kNoSessionBus:
      return "no-session-bus";
  }
  return "unknown";
}

absl::Status CheckSecretName(std::string_view name) {
  if (name.empty() || name.size() > kSecretNameBytesMax) {
    return absl::InvalidArgumentError("a secret's name has 1 to 128 bytes");
  }
  for (const char c : name) {
    if (c <= ' ' || c > '~')
      return absl::InvalidArgumentError("a secret's name is printable ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckSecret(std::span<const uint8_t> secret) {
  if (secret.empty() || secret.size() > kSecretBytesMax) {
    return absl::InvalidArgumentError("a secret has 1 to 4096 bytes");
  }
  return absl::OkStatus();
}

}  // namespace postern::platform
