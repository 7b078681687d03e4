// SPDX-License-Identifier: Apache-2.0
#include "permissions/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "permissions/ids.h"

namespace postern::permissions {
namespace {

TEST(Scope, RefusesUnknownNamesAndNumbers) {
  for (const char* name :
       {"", "messages", "messages:", "Messages:read", "messages:read ", "unknown"}) {
    EXPECT_EQ(ParseScope(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
  for (int number : {-1, 0, kScopeCount + 1, 256 + 3}) {
    EXPECT_FALSE(ScopeFromNumber(number).ok()) << number;
  }
}

TEST(Scope, NameAndNumberComeBack) {
  std::set<std::string_view> names, sentences;
  for (int number = 1; number <= kScopeCount; ++number) {
    const Scope scope = ScopeFromNumber(number).value();
    EXPECT_EQ(ParseScope(ScopeName(scope)).value(), scope);
    names.insert(ScopeName(scope));
    sentences.insert(ScopeSentence(scope));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kScopeCount));
  EXPECT_EQ(sentences.size(), static_cast<size_t>(kScopeCount));
}

TEST(ScopeSet, RefusesBitsOfNoScope) {
  ScopeSet set{Scope::kForward};
  EXPECT_FALSE(ScopeSet::FromBits(1u, set));
  EXPECT_FALSE(ScopeSet::FromBits(1u << 29, set));
  EXPECT_EQ(set, ScopeSet{Scope::kForward});
  EXPECT_TRUE(ScopeSet::FromBits(1u << 28 | 1u << 1, set));
  EXPECT_THAT(set.ToVector(), testing::ElementsAre(Scope::kChatsRead, Scope::kExport));
}

TEST(Scope, ImpliesAndOpensAreTwoSidesOfOneThing) {
  for (int held = 1; held <= kScopeCount; ++held) {
    const ScopeSet implied = WithImplied({static_cast<Scope>(held)});
    for (int wanted = 1; wanted <= kScopeCount; ++wanted) {
      EXPECT_EQ(implied.Has(static_cast<Scope>(wanted)),
                ScopesOpening(static_cast<Scope>(wanted)).Has(static_cast<Scope>(held)))
          << held << " " << wanted;
    }
  }
  EXPECT_FALSE(WithImplied({Scope::kMessagesMetadata}).Has(Scope::kMessagesRead));
  EXPECT_FALSE(WithImplied({Scope::kMessagesSendAsk}).Has(Scope::kMessagesReply));
  EXPECT_TRUE(WithImplied({Scope::kMessagesSend}).Has(Scope::kMessagesDraft));
}

TEST(Scope, OfWritingAreTheSecondHalfButExport) {
  for (int number = 1; number <= kScopeCount; ++number) {
    const Scope scope = static_cast<Scope>(number);
    EXPECT_EQ(IsWriteScope(scope), scope >= Scope::kMessagesDraft && scope != Scope::kExport)
        << ScopeName(scope);
  }
}

// E.g. of a newer broker's database: shown as unknown, among the more serious ones.
TEST(Scope, ThatNobodyKnowsIsShownAsUnknown) {
  for (const int number : {0, kScopeCount + 1, 255}) {
    const Scope scope = static_cast<Scope>(number);
    EXPECT_EQ(ScopeName(scope), "unknown");
    EXPECT_EQ(ScopeSentence(scope), "unknown");
    EXPECT_TRUE(IsWriteScope(scope));
  }
}

TEST(Principal, RefusesWhatIsNotSixtyFourHexDigits) {
  const std::string good(64, 'a');
  EXPECT_TRUE(Principal::FromHex("").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1)).empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1) + "g").empty());
  EXPECT_TRUE(Principal::FromHex(good + "a").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1) + "/").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1) + ":").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1) + "G").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(1) + "@").empty());
  EXPECT_TRUE(Principal::FromHex(good.substr(2) + "-1").empty());
  EXPECT_TRUE(Principal::FromHex("0x" + good.substr(2)).empty());
  EXPECT_EQ(Principal::FromHex(good).ToHex(), good);
  EXPECT_EQ(Principal::FromHex(std::string(64, 'A')).ToHex(), good);
  EXPECT_EQ(Principal::FromHex(std::string(64, '9')).ToHex(), std::string(64, '9'));
}

}  // namespace
}  // namespace postern::permissions
