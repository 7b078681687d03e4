// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/attention.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

using v1::OwnerNotice;

TEST(WantsAttention, AWarningDoesAndSilenceDoesNot) {
  v1::GetStatusResponse status;
  EXPECT_FALSE(WantsAttention(status));
  status.set_paused(true);
  EXPECT_FALSE(WantsAttention(status)) << "by the user's own hand";
  status.add_warnings("The log is damaged.");
  EXPECT_TRUE(WantsAttention(status));
}

// Those that are added one day too, until somebody decides otherwise here.
TEST(WantsAttention, EveryNoticeDoesButThoseOfWhatTheUserAllowed) {
  const google::protobuf::EnumDescriptor& kinds = *v1::OwnerNotice_Kind_descriptor();
  for (int i = 0; i < kinds.value_count(); ++i) {
    const auto kind = static_cast<OwnerNotice::Kind>(kinds.value(i)->number());
    v1::GetStatusResponse status;
    status.add_notices()->set_kind(kind);
    const bool allowed =
        kind == OwnerNotice::KIND_ACCESS_CHANGED || kind == OwnerNotice::KIND_ACCESS_REMINDER;
    EXPECT_EQ(WantsAttention(status), !allowed) << kinds.value(i)->name();
    status.add_notices()->set_kind(OwnerNotice::KIND_LOOP_STOPPED);
    EXPECT_TRUE(WantsAttention(status)) << "beside " << kinds.value(i)->name();
  }
}

}  // namespace
}  // namespace postern::cli
