// SPDX-License-Identifier: Apache-2.0
#include "permissions/consent_preview.h"

#include <limits>
#include <utility>

#include "permissions/canonical_json.h"

namespace postern::permissions {
namespace {

// Nothing has a line for what is not seen.
constexpr EnumName<View> kViews[] = {
    {View::kWhole, "whole"}, {View::kMetadata, "metadata"}, {View::kWithheld, "withheld"}};
constexpr int64_t kCountMax = std::numeric_limits<uint32_t>::max();

}  // namespace

std::string ToJson(const ConsentPreview& preview) {
  json lines = json::array();
  for (const PreviewLine& line : preview.lines) {
    lines.push_back({{"chat", line.chat},
                     {"sender", line.sender},
                     {"text", line.text},
                     {"time", absl::ToUnixSeconds(line.time)},
                     {"view", NameOf(kViews, line.view)}});
  }
  return Dump({{"chats", preview.chats},
               {"known", preview.known},
               {"lines", std::move(lines)},
               {"messages", preview.messages},
               {"readable_now", preview.readable_now}});
}

absl::StatusOr<ConsentPreview> PreviewFromJson(std::string_view text) {
  const absl::StatusOr<json> value = Parse(text);
  if (!value.ok()) return value.status();
  JsonReader reader(*value);
  ConsentPreview preview;
  preview.known = reader.Bool("known");
  preview.chats = static_cast<uint32_t>(reader.Integer("chats", 0, kCountMax));
  preview.messages = static_cast<uint32_t>(reader.Integer("messages", 0, kCountMax));
  preview.readable_now = static_cast<uint32_t>(reader.Integer("readable_now", 0, kCountMax));
  for (const json& item : reader.Array("lines", kPreviewLinesMax)) {
    JsonReader line(item);
    PreviewLine& read = preview.lines.emplace_back();
    read.chat = line.String("chat");
    read.sender = line.String("sender");
    read.text = line.String("text");
    read.time = absl::FromUnixSeconds(line.Integer("time", 0, kUnixSecondsMax));
    read.view = ReadEnum(line, "view", kViews);
    if (!line.ok()) return line.status();
  }
  return CanonicalOnly(std::move(preview), reader, text);
}

}  // namespace postern::permissions
