// SPDX-License-Identifier: Apache-2.0
#include "broker/loop_guard.h"

#include <gtest/gtest.h>

#include "broker/limits.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"

namespace postern::broker {
namespace {

using permissions::ChatId;

bool Resemble(std::string_view a, std::string_view b) {
  return TextSignature(7, a).Resembles(TextSignature(7, b));
}

TEST(TextSignature, IsOfTheWordsAndNothingElse) {
  EXPECT_TRUE(Resemble("Is anybody home?", "is ANYBODY - home"));
  EXPECT_TRUE(Resemble("[12:01:05] hello", "(#7) [12:01:06] hello hello"));
  EXPECT_TRUE(Resemble("¿Qué tal?", "¿Qué tal? ¿Qué tal?"));
  EXPECT_FALSE(Resemble("yes", "no"));
  EXPECT_FALSE(Resemble("Bob via BobChat: yes", "Bob via BobChat: no"));
  EXPECT_FALSE(Resemble("hello", "hello there"));
  // Nothing but figures and marks: those count.
  EXPECT_TRUE(Resemble("12:30", "12:30"));
  EXPECT_FALSE(Resemble("12:30", "12:31"));
  EXPECT_FALSE(Resemble("👍", "👎"));
  EXPECT_FALSE(Resemble("", "x"));
}

TEST(TextSignature, OfLongTextsAWordMayDiffer) {
  std::string text;
  for (int i = 0; i < 40; ++i)
    text += "word" + std::string(1, static_cast<char>('a' + i % 26)) +
            std::string(static_cast<size_t>(i / 26), 'x') + " ";
  EXPECT_TRUE(Resemble(text, text + "more"));
  EXPECT_TRUE(Resemble(text, text + "more words"));
  EXPECT_FALSE(Resemble(text, text + "so many more words"));
}

TEST(TextSignature, KnowsWhatIsInsideAnother) {
  const TextSignature plain(7, "Is anybody home?");
  EXPECT_TRUE(plain.IsWithin(TextSignature(7, "Bob (via BobChat): Is anybody home?")));
  EXPECT_FALSE(TextSignature(7, "Bob (via BobChat): Is anybody home?").IsWithin(plain));
}

TEST(TextSignature, OfAnotherProcessMeansNothing) {
  EXPECT_FALSE(TextSignature(7, "hello").Resembles(TextSignature(8, "hello")));
}

TEST(TextSignature, OfAHugeTextIsBounded) {
  const std::string text(kSignatureBytesMax, 'a');
  EXPECT_TRUE(Resemble(text, text + " and what follows"));
}

class LoopGuardTest : public testing::Test {
 protected:
  LoopGuard::Entry Enter(uint8_t app, uint64_t chat, std::string_view text, Trail trail = {1, {}}) {
    return guard_.Enter(AppOf(app), IdOf<ChatId>(chat), text, trail);
  }
  bool IsOpen(uint8_t app, uint64_t chat, std::string_view text) {
    return Enter(app, chat, text).wait > absl::ZeroDuration();
  }

  fakes::FakeClock clock_;
  LoopGuard guard_{clock_};
};

TEST_F(LoopGuardTest, FindsWhatAnotherAppJustSentWhereThisOneReads) {
  const auto everywhere = [](ChatId) { return true; };
  const auto nowhere = [](ChatId) { return false; };
  EXPECT_FALSE(guard_.FindCause(AppOf(2), "hello", everywhere).has_value());
  Enter(1, 1, "hello", {1, {"a"}});
  Enter(3, 2, "hello", {2, {"b"}});
  EXPECT_FALSE(guard_.FindCause(AppOf(2), "goodbye", everywhere).has_value());
  EXPECT_FALSE(guard_.FindCause(AppOf(2), "hello", nowhere).has_value());
  // The one that has come furthest.
  auto cause = guard_.FindCause(AppOf(2), "Bob: hello", everywhere);
  ASSERT_TRUE(cause.has_value());
  EXPECT_EQ(cause->chat, IdOf<ChatId>(2));
  EXPECT_EQ(cause->trail, (Trail{2, {"b"}}));
  cause = guard_.FindCause(AppOf(2), "hello", [](ChatId chat) { return chat == IdOf<ChatId>(1); });
  ASSERT_TRUE(cause.has_value());
  EXPECT_EQ(cause->trail, (Trail{1, {"a"}}));
  // Its own words are nobody's answer, and what was long ago is none.
  cause = guard_.FindCause(AppOf(3), "hello", everywhere);
  ASSERT_TRUE(cause.has_value());
  EXPECT_EQ(cause->chat, IdOf<ChatId>(1));
  clock_.Advance(kEchoSoon);
  EXPECT_FALSE(guard_.FindCause(AppOf(2), "hello", everywhere).has_value());
}

TEST_F(LoopGuardTest, OpensOnTheThirdOfTheSameAfterTwoCameBack) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(IsOpen(1, 1, "hello"));
    guard_.Arrived("hello");
    clock_.Advance(absl::Seconds(1));
  }
  const LoopGuard::Entry third = Enter(1, 1, "hello");
  EXPECT_TRUE(third.opened);
  EXPECT_EQ(third.wait, kBreakerOpen);
  const LoopGuard::Entry fourth = Enter(1, 1, "something else");
  EXPECT_FALSE(fourth.opened);
  EXPECT_EQ(fourth.wait, kBreakerOpen);
  // Elsewhere, and for others, it is shut.
  EXPECT_FALSE(IsOpen(1, 2, "hello"));
  EXPECT_FALSE(IsOpen(2, 1, "hello"));
}

TEST_F(LoopGuardTest, AnEchoOverASlowNetworkTakesFive) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(IsOpen(1, 1, "hello")) << i;
    clock_.Advance(absl::Seconds(3));
    guard_.Arrived("hello");
    clock_.Advance(absl::Seconds(3));
  }
  EXPECT_TRUE(IsOpen(1, 1, "hello"));
}

TEST_F(LoopGuardTest, WithoutAnEchoTheSameMayBeSaidTenTimesAMinute) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(IsOpen(1, 1, "noted")) << i;
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_TRUE(IsOpen(1, 1, "noted"));
  // At a slower pace for ever.
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(IsOpen(1, 2, "noted")) << i;
    clock_.Advance(absl::Seconds(6));
  }
}

TEST_F(LoopGuardTest, WhatAnotherAppSendsBackIsAnEchoToo) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(IsOpen(1, 1, "hello"));
    EXPECT_FALSE(IsOpen(2, 2, "hello"));
  }
  EXPECT_TRUE(IsOpen(1, 1, "hello"));
}

TEST_F(LoopGuardTest, PeopleWhoSayTheSameSlowlyAreNoLoop) {
  // Two people over one bridge, each after the other, every two seconds.
  for (int i = 0; i < 4; ++i) {
    guard_.Arrived("haha");
    EXPECT_FALSE(IsOpen(1, 1 + static_cast<uint64_t>(i % 2), "haha")) << i;
    clock_.Advance(absl::Seconds(2));
  }
}

TEST_F(LoopGuardTest, WatchesCloselyAfterItWasOpenAndForgivesInTheEnd) {
  const auto loop = [&] {
    absl::Duration wait;
    for (int i = 0; i < 3 && wait == absl::ZeroDuration(); ++i) {
      wait = Enter(1, 1, "hello").wait;
      guard_.Arrived("hello");
    }
    return wait;
  };
  absl::Duration expected = kBreakerOpen;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(loop(), expected) << i;
    clock_.Advance(expected);
    // The first echo is enough now.
    expected = std::min(expected * 2, kBreakerOpenMax);
    EXPECT_FALSE(IsOpen(1, 1, "hello"));
    guard_.Arrived("hello");
    EXPECT_EQ(Enter(1, 1, "hello").wait, expected);
    clock_.Advance(expected);
    expected = std::min(expected * 2, kBreakerOpenMax);
    if (i < 1) continue;
    clock_.Advance(kBreakerWatched);
    expected = kBreakerOpen;
  }
}

TEST_F(LoopGuardTest, WhatDidNotGoOutDoesNotCount) {
  for (int i = 0; i < 100; ++i) {
    const LoopGuard::Entry entry = Enter(1, 1, "hello");
    ASSERT_EQ(entry.wait, absl::ZeroDuration()) << i;
    guard_.Arrived("hello");
    guard_.Withdraw(AppOf(1), entry.number);
  }
}

TEST_F(LoopGuardTest, RemembersSoMuchOfOneAppAndNothingOfAnotherIsLost) {
  Enter(2, 1, "hello");
  guard_.Arrived("hello");
  Enter(2, 1, "hello");
  guard_.Arrived("hello");
  for (size_t i = 0; i < 4 * kRecentSendsMax; ++i) {
    EXPECT_FALSE(IsOpen(1, i, "flood word" + std::string(i % 50, 'x')));
  }
  EXPECT_TRUE(IsOpen(2, 1, "hello"));
}

}  // namespace
}  // namespace postern::broker
