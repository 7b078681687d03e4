// SPDX-License-Identifier: Apache-2.0
#include "broker/told_capabilities.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "platform/digest.h"

namespace postern::broker {
namespace {

void ForgetUnknownLevels(v1::ChatCapabilities& capabilities) {
  const google::protobuf::Reflection& fields = *capabilities.GetReflection();
  const google::protobuf::Descriptor& type = *capabilities.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = type.field(i);
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM &&
        !v1::CapabilityLevel_IsValid(fields.GetEnumValue(capabilities, field))) {
      fields.ClearField(&capabilities, field);
    }
  }
}

bool IsAge(const google::protobuf::Duration& age) {
  return age.seconds() >= 0 && age.seconds() <= kDurationSecondsMax && age.nanos() >= 0 &&
         age.nanos() < 1'000'000'000;
}

}  // namespace

bool TakeCapabilities(v1::ChatCapabilities& capabilities) {
  const auto& reactions = capabilities.allowed_reactions();
  if (reactions.size() > kAllowedReactionsMax ||
      std::any_of(reactions.begin(), reactions.end(), [](const std::string& emoji) {
        return emoji.empty() || emoji.size() > kEmojiBytesMax;
      })) {
    return false;
  }
  if (!IsAge(capabilities.edit_age_max()) || !IsAge(capabilities.delete_age_max())) return false;
  capabilities.DiscardUnknownFields();
  ForgetUnknownLevels(capabilities);
  SetCapabilityHash(capabilities);
  return true;
}

void SetCapabilityHash(v1::ChatCapabilities& capabilities) {
  capabilities.clear_hash();
  std::string rest;
  {
    google::protobuf::io::StringOutputStream stream(&rest);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    capabilities.SerializeToCodedStream(&coded);
  }
  capabilities.set_hash(IdTextFromRaw(platform::Sha256(rest).substr(0, 16)));
}

}  // namespace postern::broker
