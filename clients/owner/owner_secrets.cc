// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/owner_secrets.h"

#include <absl/strings/str_cat.h>

#include <filesystem>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "platform/atomic_file.h"
#include "platform/secret_file_store.h"
#include "platform/status_macros.h"

namespace postern::owner {
namespace {

// posternd's own bound on the same file.
constexpr size_t kPassphraseBytesMax = 1024;

// Returns the passphrase file that the configuration chooses, or nothing for the Secret Service.
absl::StatusOr<std::string> PassphraseFile(const std::string& config_file) {
  std::error_code error;
  if (!std::filesystem::exists(config_file, error)) return std::string();
  const toml::parse_result config = toml::parse_file(config_file);
  if (!config) {
    return absl::FailedPreconditionError(
        absl::StrCat(config_file, " cannot be read; `posternd --check-config` says why."));
  }
  if (config["secrets"]["store"].value_or(std::string()) != "passphrase-file") return std::string();
  return config["secrets"]["passphrase_file"].value_or(std::string());
}

}  // namespace

absl::StatusOr<std::unique_ptr<platform::SecretStore>> OpenOwnerSecrets(const Paths& paths) {
  ASSIGN_OR_RETURN(const std::string passphrase_file, PassphraseFile(paths.config_file));
  if (passphrase_file.empty()) return platform::MakeSecretServiceStore(paths.data_directory);
  const std::string store_file = paths.data_directory + "/secrets";
  std::error_code error;
  // Looking must not make one: the store is posternd's to begin.
  if (!std::filesystem::exists(store_file, error)) {
    return absl::FailedPreconditionError(
        "There is no owner's key yet. posternd makes it when it first starts.");
  }
  auto passphrase = platform::ReadSecretFile(passphrase_file, kPassphraseBytesMax);
  if (!passphrase.ok()) {
    return absl::FailedPreconditionError(std::string(passphrase.status().message()));
  }
  return platform::OpenPassphraseFileStore(store_file, *std::move(passphrase));
}

}  // namespace postern::owner
