// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/file_key.h"

#include <absl/strings/str_cat.h>
#include <sys/stat.h>

#include <cerrno>

#include "clients/sdk/files.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

constexpr size_t kKeyBytes = 32;

// An empty file is what a crash between making and keying it leaves: it holds nothing.
bool HoldsSomething(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno != ENOENT;
  return info.st_size > 0;
}

}  // namespace

absl::StatusOr<platform::SecretBytes> LoadFileKey(const std::string& app_id,
                                                  const std::string& path) {
  ASSIGN_OR_RETURN(const std::string data, DataHome());
  const auto secrets = platform::MakeSecretServiceStore(data + "/postern-clients");
  return LoadNamedFileKey(*secrets, absl::StrCat("file-key:", app_id), "file", path);
}

absl::StatusOr<platform::SecretBytes> LoadNamedFileKey(platform::SecretStore& secrets,
                                                       const std::string& name,
                                                       std::string_view what,
                                                       const std::string& path) {
  const std::string file(what);
  auto key = secrets.Lookup(name);
  if (key.ok()) {
    if (key->size() != kKeyBytes) {
      return absl::FailedPreconditionError(
          absl::StrCat("the secret ", name, " is not a ", file, "'s key; nothing was changed"));
    }
    return key;
  }
  if (!absl::IsNotFound(key.status())) return key.status();
  // A locked keyring can look empty. Ask again in words before anything is made.
  if (secrets.State() != platform::SecretStoreState::kReady) {
    return absl::UnavailableError(absl::StrCat("the ", secrets.Describe(), " is not open"));
  }
  if (HoldsSomething(path) || HoldsSomething(path + "-wal")) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": there is a ", file, ", but its key is gone from the ", secrets.Describe(),
        "; restore the keyring, or move the ", file, " away and lose what waits in it"));
  }
  platform::SecretBytes made = platform::RandomSecret(kKeyBytes);
  RETURN_IF_ERROR(secrets.Store(name, made.span()));
  return made;
}

}  // namespace postern::sdk
