// SPDX-License-Identifier: Apache-2.0
// Small functions that only headers hold: compiled once more to be counted (CMakeLists.txt), so
// what is tested elsewhere by the way is here too.
#include <gtest/gtest.h>

#include <string>

#include "permissions/consent_memory.h"
#include "permissions/display_text.h"
#include "permissions/ids.h"
#include "permissions/rate_limit.h"
#include "permissions/scope.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

TEST(Inline, AScopeIsTakenOutOfASetAndNoOther) {
  ScopeSet scopes{Scope::kMessagesRead, Scope::kExport};
  scopes.Remove(Scope::kMessagesRead);
  EXPECT_EQ(scopes, ScopeSet{Scope::kExport});
  scopes.Remove(Scope::kMessagesRead);
  EXPECT_EQ(scopes, ScopeSet{Scope::kExport});
  ScopeSet again;
  ASSERT_TRUE(ScopeSet::FromBits(scopes.bits(), again));
  EXPECT_EQ(again, scopes);
}

TEST(Inline, WhatHasNotTheBytesOfAnIdIsNone) {
  const std::string bytes(33, 'x');
  EXPECT_EQ(ChatId::FromRaw(bytes.substr(0, 16)).view(), bytes.substr(0, 16));
  EXPECT_TRUE(ChatId::FromRaw(bytes.substr(0, 15)).empty());
  EXPECT_TRUE(ChatId::FromRaw(bytes.substr(0, 17)).empty());
  EXPECT_EQ(Principal::FromRaw(bytes.substr(0, 32)).view(), bytes.substr(0, 32));
  EXPECT_TRUE(Principal::FromRaw(bytes.substr(0, 31)).empty());
  EXPECT_TRUE(Principal::FromRaw(bytes).empty());
}

TEST(Inline, ABucketKnowsWhatIsMissing) {
  TokenBucket bucket(60, absl::Hours(1));
  EXPECT_EQ(bucket.missing(), 0);
  EXPECT_EQ(bucket.Take({}, 7), absl::ZeroDuration());
  EXPECT_EQ(bucket.missing(), 7);
  bucket.Resize(30, absl::Hours(1));
  EXPECT_EQ(bucket.missing(), 7);
}

TEST(Inline, MayAskFromTheVeryMomentOn) {
  ConsentMemory memory;
  const Principal principal = Principal::FromRaw(std::string(32, 'x'));
  memory.RecordAsked(principal, kNow);
  const absl::Time from = memory.MayAskFrom(principal, "app", kNow);
  EXPECT_GT(from, kNow);
  EXPECT_FALSE(memory.MayAsk(principal, "app", from - absl::Seconds(1)));
  EXPECT_TRUE(memory.MayAsk(principal, "app", from));
}

TEST(Inline, APurposeMayBeLongerThanAName) {
  const std::string text(kNameGraphemesMax + 1, 'x');
  EXPECT_NE(CleanName(text), text);
  EXPECT_EQ(CleanPurpose(text), text);
}

}  // namespace
}  // namespace postern::permissions
