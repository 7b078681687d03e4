// SPDX-License-Identifier: Apache-2.0
// What a chat says it can carry, and what that refuses.
#include "broker/capabilities.h"

#include <gtest/gtest.h>

#include "broker/rpc_status.h"

namespace postern::broker {
namespace {

std::string Missing(const absl::Status& status) {
  if (status.ok()) return {};
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT);
  return ErrorInfoOf(status).metadata().at("capability");
}

TEST(Capabilities, EachLevelHasItsName) {
  v1::ChatCapabilities can;
  int levels = 0;
  const google::protobuf::Descriptor& fields = *v1::ChatCapabilities::descriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = fields.field(i);
    if (field->enum_type() != v1::CapabilityLevel_descriptor()) {
      EXPECT_EQ(RequireCapability(can, field->name()).code(), absl::StatusCode::kInternal);
      continue;
    }
    ++levels;
    for (int level = 0; level < v1::CapabilityLevel_ARRAYSIZE; ++level) {
      v1::ChatCapabilities::GetReflection()->SetEnumValue(&can, field, level);
      const bool rejected = level == v1::CAPABILITY_LEVEL_REJECTED;
      const bool dropped = level == v1::CAPABILITY_LEVEL_DROPPED;
      EXPECT_EQ(Missing(RequireCapability(can, field->name())), rejected ? field->name() : "");
      EXPECT_EQ(Missing(RequireWhole(can, field->name())),
                rejected || dropped ? field->name() : "");
    }
    can.Clear();
  }
  EXPECT_EQ(levels, 26);
  EXPECT_EQ(RequireCapability(can, "teleport").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(RequireWhole(can, "teleport").code(), absl::StatusCode::kInternal);
}

TEST(Capabilities, WhatIsNotSaidHasNoBound) {
  const v1::ChatCapabilities can;
  EXPECT_TRUE(CheckTextBytes(can, 1 << 30).ok());
  EXPECT_TRUE(CheckAttachmentBytes(can, uint64_t{1} << 40).ok());
  EXPECT_TRUE(CheckEditAge(can, absl::InfinitePast(), absl::FromUnixSeconds(1)).ok());
  EXPECT_TRUE(CheckDeleteAge(can, absl::InfinitePast(), absl::FromUnixSeconds(1)).ok());
  EXPECT_TRUE(CheckReaction(can, ":party:", 1000).ok());
}

TEST(Capabilities, BoundsHoldToTheLast) {
  v1::ChatCapabilities can;
  can.set_text_bytes_max(100);
  can.set_attachment_bytes_max(1000);
  can.mutable_edit_age_max()->set_seconds(60);
  can.mutable_delete_age_max()->set_nanos(500'000'000);
  const absl::Time now = absl::FromUnixSeconds(1'000'000);
  EXPECT_TRUE(CheckTextBytes(can, 100).ok());
  EXPECT_EQ(Missing(CheckTextBytes(can, 101)), "text_bytes_max");
  EXPECT_EQ(ErrorInfoOf(CheckTextBytes(can, 101)).metadata().at("limit"), "100");
  EXPECT_TRUE(CheckAttachmentBytes(can, 1000).ok());
  EXPECT_EQ(Missing(CheckAttachmentBytes(can, 1001)), "attachment_bytes_max");
  EXPECT_TRUE(CheckEditAge(can, now - absl::Seconds(60), now).ok());
  EXPECT_EQ(Missing(CheckEditAge(can, now - absl::Seconds(61), now)), "edit_age_max");
  // A clock that runs ahead makes nothing old.
  EXPECT_TRUE(CheckEditAge(can, now + absl::Hours(1), now).ok());
  EXPECT_TRUE(CheckDeleteAge(can, now - absl::Milliseconds(500), now).ok());
  EXPECT_EQ(Missing(CheckDeleteAge(can, now - absl::Milliseconds(501), now)), "delete_age_max");
}

TEST(Capabilities, ReactionsAreThoseThatTheChatTakes) {
  v1::ChatCapabilities can;
  can.set_reactions_per_person_max(2);
  EXPECT_TRUE(CheckReaction(can, "👍", 1).ok());
  EXPECT_EQ(Missing(CheckReaction(can, "👍", 2)), "reactions_per_person_max");
  // Where one is the most, the next one takes its place.
  can.set_reactions_per_person_max(1);
  EXPECT_TRUE(CheckReaction(can, "👍", 1).ok());
  can.add_allowed_reactions("👍");
  EXPECT_EQ(Missing(CheckReaction(can, "🦆", 0)), "allowed_reactions");
  can.clear_allowed_reactions();
  can.set_custom_emoji(v1::CAPABILITY_LEVEL_DROPPED);
  EXPECT_EQ(Missing(CheckReaction(can, ":party:", 0)), "custom_emoji");
  EXPECT_TRUE(CheckReaction(can, "::", 0).ok());
  can.set_reaction(v1::CAPABILITY_LEVEL_REJECTED);
  EXPECT_EQ(Missing(CheckReaction(can, "👍", 0)), "reaction");
}

}  // namespace
}  // namespace postern::broker
