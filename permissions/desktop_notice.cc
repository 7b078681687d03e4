// SPDX-License-Identifier: Apache-2.0
#include "permissions/desktop_notice.h"

#include <utility>

#include "permissions/canonical_json.h"

namespace postern::permissions {

std::string ToJson(const DesktopNotice& notice) { return Dump({{"text", notice.text}}); }

absl::StatusOr<DesktopNotice> NoticeFromJson(std::string_view text) {
  const absl::StatusOr<json> value = Parse(text);
  if (!value.ok()) return value.status();
  JsonReader reader(*value);
  DesktopNotice notice{reader.String("text")};
  if (notice.text.empty() || notice.text.size() > kNoticeTextBytesMax) {
    reader.Fail("text", "missing or too long");
  }
  return CanonicalOnly(std::move(notice), reader, text);
}

}  // namespace postern::permissions
