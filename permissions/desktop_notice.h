// SPDX-License-Identifier: Apache-2.0
// What posternd has postern-consent show as a desktop notification (postern-consent --notify).
// Canonical JSON, as questions are.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace postern::permissions {

// Some sentences; longer ones are cut by whoever makes the notice.
inline constexpr size_t kNoticeTextBytesMax = 4096;

struct DesktopNotice {
  // Plain text for people, valid UTF-8; never message text.
  std::string text;

  bool operator==(const DesktopNotice&) const = default;
};

std::string ToJson(const DesktopNotice& notice);
// INVALID_ARGUMENT for all that is not canonical, empty or over kNoticeTextBytesMax.
absl::StatusOr<DesktopNotice> NoticeFromJson(std::string_view json);

}  // namespace postern::permissions
