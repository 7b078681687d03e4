// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/skipped_chats.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "clients/sdk/files.h"

namespace postern::translator {
namespace {

// What can be read back: see sdk::ReadTrustedFile.
constexpr size_t kFileBytesMax = 64 * 1024;

}  // namespace

// A chat a line: its id, a space, the name in the settings with escapes.
absl::Status SkippedChats::Load() {
  const auto read = sdk::ReadTrustedFile(path_, sdk::FileTrust::kOnlyWeWrite);
  if (absl::IsNotFound(read.status())) return absl::OkStatus();
  if (!read.ok()) return read.status();
  const std::string text(read->span().begin(), read->span().end());
  bool stale = false;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    std::string name;
    if (parts.first.empty() || !absl::CUnescape(parts.second, &name) || name.empty()) {
      return absl::FailedPreconditionError(
          absl::StrCat(path_,
                       ": is not what this program wrote. Delete it, and see that `skip` has "
                       "the chats' present names."));
    }
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      kept_.emplace(parts.first, name);
    } else {
      stale = true;
    }
  }
  if (stale) Keep();
  return absl::OkStatus();
}

bool SkippedChats::Has(const std::string& chat_id, const std::string& name) {
  bool is_skipped = false;
  bool is_new = false;
  for (const std::string& one : names_) {
    if (one == chat_id) is_skipped = true;  // needs no memory
    if (absl::EqualsIgnoreCase(one, name)) is_new |= kept_.emplace(chat_id, one).second;
  }
  if (is_new) Keep();
  return is_skipped || std::any_of(kept_.begin(), kept_.end(),
                                   [&](const auto& chat) { return chat.first == chat_id; });
}

bool SkippedChats::Found(const std::string& name) const {
  return std::any_of(kept_.begin(), kept_.end(),
                     [&](const auto& chat) { return chat.second == name; });
}

void SkippedChats::Forget() {
  kept_.clear();
  std::error_code error;
  std::filesystem::remove(path_, error);
}

void SkippedChats::Keep() {
  std::string text;
  for (const auto& [id, name] : kept_) absl::StrAppend(&text, id, " ", absl::CEscape(name), "\n");
  absl::Status kept;
  if (text.size() > kFileBytesMax) {
    kept = absl::ResourceExhaustedError("too many chats have these names");
  } else {
    const std::string whole = path_ + ".new";
    std::error_code error;
    std::filesystem::remove(whole, error);  // what a run left that was killed here
    kept = sdk::WriteNewPrivateFile(whole,
                                    {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    if (kept.ok()) std::filesystem::rename(whole, path_, error);
    if (kept.ok() && error) kept = absl::UnavailableError(error.message());
  }
  if (kept.ok()) return;
  screen_.Note(
      absl::StrCat("skip: a chat that is renamed while this is not running will not be "
                   "known again. ",
                   std::string(kept.message())));
}

}  // namespace postern::translator
