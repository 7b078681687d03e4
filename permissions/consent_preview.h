// SPDX-License-Identifier: Apache-2.0
// "What this app would see": what the broker answers to a draft of the person's answer, while the
// question stands. Canonical JSON, as the question and the answer are.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "permissions/decide.h"

namespace postern::permissions {

// As many as a person looks at; the count says how many more there are.
inline constexpr size_t kPreviewLinesMax = 20;
// Of a message's text, in graphemes.
inline constexpr size_t kPreviewTextMax = 200;

// One message as the app would see it. All texts are cleaned (display_text.h).
struct PreviewLine {
  std::string chat;
  // Empty: the user.
  std::string sender;
  // Empty unless 'view' is kWhole.
  std::string text;
  // Whole seconds.
  absl::Time time;
  View view = View::kMetadata;

  bool operator==(const PreviewLine&) const = default;
};

struct ConsentPreview {
  // Whether the broker could tell; the rest is at its defaults otherwise.
  bool known = false;
  // Chats that the draft opens.
  uint32_t chats = 0;
  // Of the newest messages that were looked at: those the app would have seen as they came, at
  // least as metadata, and those it could read at once, as history.
  uint32_t messages = 0;
  uint32_t readable_now = 0;
  // The newest of 'messages', newest first, at most kPreviewLinesMax.
  std::vector<PreviewLine> lines;

  bool operator==(const ConsentPreview&) const = default;
};

std::string ToJson(const ConsentPreview& preview);
// INVALID_ARGUMENT for all that is not canonical.
absl::StatusOr<ConsentPreview> PreviewFromJson(std::string_view json);

}  // namespace postern::permissions
