// SPDX-License-Identifier: Apache-2.0
#include "broker/capabilities.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>
#include <string>

#include "broker/absl_text.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

std::optional<v1::CapabilityLevel> LevelOf(const v1::ChatCapabilities& capabilities,
                                           std::string_view name) {
  const google::protobuf::FieldDescriptor* field =
      v1::ChatCapabilities::descriptor()->FindFieldByName(std::string(name));
  if (field == nullptr || field->enum_type() != v1::CapabilityLevel_descriptor()) {
    return std::nullopt;
  }
  return static_cast<v1::CapabilityLevel>(
      v1::ChatCapabilities::GetReflection()->GetEnumValue(capabilities, field));
}

absl::Status OverBound(std::string_view capability, int64_t limit, std::string_view what) {
  return ReasonStatus(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT,
      absl::StrCat(AbslText(what), "; see '", AbslText(capability), "' of its capabilities"),
      {{"capability", std::string(capability)}, {"limit", absl::StrCat(limit)}});
}

absl::Duration AgeMax(const google::protobuf::Duration& age) {
  return absl::Seconds(age.seconds()) + absl::Nanoseconds(age.nanos());
}

bool IsCustom(std::string_view emoji) {
  return emoji.size() > 2 && emoji.front() == ':' && emoji.back() == ':';
}

}  // namespace

absl::Status NotSupportedByChat(std::string_view capability) {
  return ReasonStatus(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT,
      absl::StrCat("this chat cannot do '", AbslText(capability), "'; see its capabilities"),
      {{"capability", std::string(capability)}});
}

absl::Status RequireCapability(const v1::ChatCapabilities& capabilities, std::string_view name) {
  const std::optional<v1::CapabilityLevel> level = LevelOf(capabilities, name);
  if (!level.has_value()) return absl::InternalError("a capability that no chat has");
  return *level == v1::CAPABILITY_LEVEL_REJECTED ? NotSupportedByChat(name) : absl::OkStatus();
}

absl::Status RequireWhole(const v1::ChatCapabilities& capabilities, std::string_view name) {
  RETURN_IF_ERROR(RequireCapability(capabilities, name));
  return LevelOf(capabilities, name) == v1::CAPABILITY_LEVEL_DROPPED ? NotSupportedByChat(name)
                                                                     : absl::OkStatus();
}

absl::Status CheckTextBytes(const v1::ChatCapabilities& capabilities, uint64_t bytes) {
  if (capabilities.text_bytes_max() == 0 || bytes <= capabilities.text_bytes_max()) {
    return absl::OkStatus();
  }
  return OverBound("text_bytes_max", capabilities.text_bytes_max(),
                   "the text is longer than this chat carries");
}

absl::Status CheckAttachmentBytes(const v1::ChatCapabilities& capabilities, uint64_t bytes) {
  if (capabilities.attachment_bytes_max() == 0 || bytes <= capabilities.attachment_bytes_max()) {
    return absl::OkStatus();
  }
  return OverBound("attachment_bytes_max",
                   static_cast<int64_t>(capabilities.attachment_bytes_max()),
                   "the attachment is larger than this chat carries");
}

absl::Status CheckEditAge(const v1::ChatCapabilities& capabilities, absl::Time created,
                          absl::Time now) {
  if (!capabilities.has_edit_age_max()) return absl::OkStatus();
  const absl::Duration age_max = AgeMax(capabilities.edit_age_max());
  if (now - created <= age_max) return absl::OkStatus();
  return OverBound("edit_age_max", absl::ToInt64Seconds(age_max),
                   "the message is too old to be edited in this chat");
}

absl::Status CheckDeleteAge(const v1::ChatCapabilities& capabilities, absl::Time created,
                            absl::Time now) {
  if (!capabilities.has_delete_age_max()) return absl::OkStatus();
  const absl::Duration age_max = AgeMax(capabilities.delete_age_max());
  if (now - created <= age_max) return absl::OkStatus();
  return OverBound("delete_age_max", absl::ToInt64Seconds(age_max),
                   "the message is too old to be deleted for everybody in this chat");
}

absl::Status CheckReaction(const v1::ChatCapabilities& capabilities, std::string_view emoji,
                           uint32_t standing) {
  RETURN_IF_ERROR(RequireWhole(capabilities, "reaction"));
  if (IsCustom(emoji)) RETURN_IF_ERROR(RequireWhole(capabilities, "custom_emoji"));
  const auto& allowed = capabilities.allowed_reactions();
  if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), emoji) == allowed.end()) {
    return NotSupportedByChat("allowed_reactions");
  }
  const uint32_t most = capabilities.reactions_per_person_max();
  // One is replaced by the next, as every network does it that allows one.
  if (most <= 1 || standing < most) return absl::OkStatus();
  return OverBound("reactions_per_person_max", most,
                   "the user has as many reactions on this message as this chat allows");
}

}  // namespace postern::broker
