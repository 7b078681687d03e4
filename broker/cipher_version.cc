// SPDX-License-Identifier: Apache-2.0
#include "broker/cipher_version.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <string>
#include <vector>

#include "broker/absl_text.h"

namespace postern::broker {
namespace {

// Older releases have other page defaults, and 3.x another format.
constexpr int kMajorMin = 4;
constexpr int kMinorMin = 6;

}  // namespace

absl::Status CheckCipherVersion(std::string_view version) {
  const std::vector<std::string> parts = absl::StrSplit(AbslText(version), absl::ByAnyChar(". "));
  int major = 0;
  int minor = 0;
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &major) ||
      !absl::SimpleAtoi(parts[1], &minor)) {
    return absl::FailedPreconditionError(absl::StrCat("unknown SQLCipher version", kUseSqlcipher));
  }
  if (major < kMajorMin || (major == kMajorMin && minor < kMinorMin)) {
    return absl::FailedPreconditionError(
        absl::StrCat("SQLCipher ", major, ".", minor, " is too old", kUseSqlcipher));
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
