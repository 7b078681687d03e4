// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/token.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>
#include <sys/random.h>

#include "clients/sdk/files.h"

namespace postern::assistant {
namespace {

constexpr size_t kTokenBytes = 32;

}  // namespace

std::string TokenPath(const std::string& state_directory) {
  return absl::StrCat(state_directory, "/http-token");
}

absl::StatusOr<std::string> LoadToken(const std::string& state_directory) {
  if (absl::Status made = sdk::MakePrivateDirectory(state_directory); !made.ok()) return made;
  const std::string path = TokenPath(state_directory);
  std::string random(kTokenBytes, '\0');
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return absl::InternalError("no random bytes for a token");
  }
  const std::string fresh = absl::BytesToHexString(random);
  const absl::Status written = sdk::WriteNewPrivateFile(
      path, {reinterpret_cast<const uint8_t*>(fresh.data()), fresh.size()});
  if (written.ok()) return fresh;
  if (!absl::IsAlreadyExists(written)) return written;
  const auto kept = sdk::ReadTrustedFile(path, sdk::FileTrust::kPrivate);
  if (!kept.ok()) return kept.status();
  std::string token(reinterpret_cast<const char*>(kept->data()), kept->size());
  if (token.size() == 2 * kTokenBytes) return token;
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": is not a token. Remove it, and a new one is made."));
}

bool SameToken(const std::string& one, const std::string& other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace postern::assistant
