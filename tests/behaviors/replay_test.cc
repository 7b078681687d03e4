// SPDX-License-Identifier: Apache-2.0
// A question is asked once and answered once: neither the app that repeats its request nor a
// window that repeats its answer gets anything out of an old one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::ConsentAnswer;
using permissions::ConsentQuestion;
using testing::SizeIs;

enum class Ending { kGranted, kRefused, kTimeOut };
enum class Start { kNone, kRestart, kCrash };

Person PersonOf(Ending ending) {
  return [ending](const ConsentQuestion& question) {
    if (ending == Ending::kGranted) return fakes::ScriptedConsentPrompt::AllowAll(question);
    ConsentAnswer answer = fakes::ScriptedConsentPrompt::Refusal(question);
    if (ending == Ending::kTimeOut) answer.decision = permissions::ConsentDecision::kExpired;
    return answer;
  };
}

v1::GrantRequest::State StateOf(Ending ending) {
  switch (ending) {
    case Ending::kGranted:
      return v1::GrantRequest::STATE_GRANTED;
    case Ending::kRefused:
      return v1::GrantRequest::STATE_DENIED;
    case Ending::kTimeOut:
      break;
  }
  return v1::GrantRequest::STATE_EXPIRED;
}

class Replay {
 public:
  Replay() { EXPECT_TRUE(adapter_.PushDurably({ChatEvent("club"), ChatEvent("family")})); }

  // An app that the person let see chats, some days ago.
  Program Reader() {
    Program app = harness_.App("Reader", {kChatsRead});
    harness_.clock().Advance(kDays);
    return app;
  }
  Program Begin(const Program& app, Start start) {
    if (start == Start::kNone) return app;
    if (start == Start::kRestart) harness_.Restart();
    if (start == Start::kCrash) harness_.RestartAsAfterCrash();
    owner_ = harness_.Owner();
    return harness_.Reconnect(app);
  }
  v1::RequestGrantRequest Wish() {
    v1::RequestGrantRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.add_scopes(v1::SCOPE_MESSAGES_READ);
    request.set_purpose("to show more");
    return request;
  }
  static grpc::Status Ask(const Program& app, const v1::RequestGrantRequest& request,
                          v1::GrantRequest& asked) {
    v1::RequestGrantResponse response;
    const grpc::Status status = app->grant->RequestGrant(Patiently().get(), request, &response);
    asked = response.grant_request();
    return status;
  }
  // Follows a question until it no longer waits.
  static grpc::Status Follow(const Program& app, const std::string& id, v1::GrantRequest& last) {
    v1::GetGrantRequestRequest request;
    request.set_grant_request_id(id);
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    v1::GetGrantRequestResponse response;
    grpc::Status status;
    do {
      status = app->grant->GetGrantRequest(Patiently().get(), request, &response);
    } while (status.ok() && response.grant_request().state() == v1::GrantRequest::STATE_PENDING &&
             Steady::now() < deadline);
    last = response.grant_request();
    return status;
  }
  // All that the app holds or held, as its owner sees it.
  std::vector<std::string> Held(const Program& app) {
    v1::ListGrantsRequest request;
    request.set_principal(app.principal);
    v1::ListGrantsResponse response;
    const grpc::Status status = owner_->owner->ListGrants(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    std::vector<std::string> held;
    for (const v1::OwnedGrant& grant : response.grants()) {
      held.push_back(grant.grant().id() + " " + v1::Grant::State_Name(grant.grant().state()));
    }
    std::sort(held.begin(), held.end());
    return held;
  }
  void Revoke(const std::string& grant_id) {
    v1::RevokeGrantRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_grant_id(grant_id);
    v1::RevokeGrantResponse response;
    const grpc::Status status = owner_->owner->RevokeGrant(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
  }

  // Longer than any refusal silences.
  static constexpr absl::Duration kDays = absl::Hours(24 * 8);

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  Program owner_ = harness_.Owner();
};

class ReplayedRequestTest : public Replay,
                            public testing::TestWithParam<std::tuple<Ending, Start>> {};

TEST_P(ReplayedRequestTest, AsksNobodyAndGivesNothingMore) {
  const auto [ending, start] = GetParam();
  Program app = Reader();
  harness_.Decide("Reader", PersonOf(ending));
  const v1::RequestGrantRequest request = Wish();
  v1::GrantRequest first;
  v1::GrantRequest last;
  ASSERT_TRUE(Ask(app, request, first).ok());
  ASSERT_TRUE(Follow(app, first.id(), last).ok());
  ASSERT_EQ(last.state(), StateOf(ending));
  // The one from before, and the new one.
  std::vector<std::string> held = Held(app);
  ASSERT_THAT(held, SizeIs(ending == Ending::kGranted ? 2 : 1));
  const size_t asked = harness_.asked().size();

  // From now on the person would say yes.
  harness_.Decide("Reader", PersonOf(Ending::kGranted));
  app = Begin(app, start);
  if (ending == Ending::kGranted) {
    Revoke(held.at(0).substr(0, held.at(0).find(' ')));
    Revoke(held.at(1).substr(0, held.at(1).find(' ')));
    held = Held(app);
  }
  // With neither grant left it is still the app that was let in.
  v1::GrantRequest again;
  grpc::Status status = Ask(app, request, again);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(again.id(), first.id());
  status = Follow(app, first.id(), last);
  if (start == Start::kNone) {
    EXPECT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(last.state(), StateOf(ending));
  } else {
    EXPECT_EQ(ReasonOf(status), "NOT_FOUND") << Text(status);
  }
  // Under the same id nothing else can be slipped in.
  v1::RequestGrantRequest changed = request;
  changed.add_scopes(v1::SCOPE_MESSAGES_SEND);
  EXPECT_EQ(ReasonOf(Ask(app, changed, again)), "REQUEST_ID_CONFLICT");
  EXPECT_THAT(harness_.asked(), SizeIs(asked));
  EXPECT_EQ(Held(app), held);
}

std::string NameOf(const testing::TestParamInfo<std::tuple<Ending, Start>>& info) {
  static constexpr const char* kEndings[] = {"Granted", "Refused", "TimeOut"};
  static constexpr const char* kStarts[] = {"SameRun", "Restart", "Crash"};
  return std::string(kEndings[static_cast<size_t>(std::get<0>(info.param))]) +
         kStarts[static_cast<size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(
    All, ReplayedRequestTest,
    testing::Combine(testing::Values(Ending::kGranted, Ending::kRefused, Ending::kTimeOut),
                     testing::Values(Start::kNone, Start::kRestart, Start::kCrash)),
    NameOf);

class ReplayTest : public Replay, public testing::TestWithParam<Start> {};

TEST_P(ReplayTest, AQuestionThatWaitedForItsAnswerIsGoneAfterAStart) {
  const Program before = Reader();
  harness_.Decide("Reader", [](const ConsentQuestion&) { return std::nullopt; });
  const size_t asked = harness_.asked().size();
  const v1::RequestGrantRequest request = Wish();
  v1::GrantRequest first;
  ASSERT_TRUE(Ask(before, request, first).ok());
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while (harness_.asked().size() == asked && Steady::now() < deadline) std::this_thread::yield();
  ASSERT_THAT(harness_.asked(), SizeIs(asked + 1));
  const std::vector<std::string> held = Held(before);

  harness_.Decide("Reader", PersonOf(Ending::kGranted));
  const Program app = Begin(before, GetParam());
  v1::GrantRequest last;
  EXPECT_EQ(ReasonOf(Follow(app, first.id(), last)), "NOT_FOUND");
  ASSERT_TRUE(Ask(app, request, last).ok());
  EXPECT_EQ(last.id(), first.id());
  EXPECT_EQ(ReasonOf(Follow(app, first.id(), last)), "NOT_FOUND");
  EXPECT_THAT(harness_.asked(), SizeIs(asked + 1));
  EXPECT_EQ(Held(app), held);
}

// The yes was said to an earlier question of the same words; under its own id, and under the id of
// the one that is open now.
TEST_P(ReplayTest, AnAnswerThatWasGivenBeforeGrantsNothing) {
  Program app = Reader();
  ConsentAnswer earlier;
  harness_.Decide("Reader", [&](const ConsentQuestion& question) {
    earlier = fakes::ScriptedConsentPrompt::AllowAll(question);
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  v1::GrantRequest asked;
  v1::GrantRequest last;
  ASSERT_TRUE(Ask(app, Wish(), asked).ok());
  const std::string first_id = asked.id();
  ASSERT_TRUE(Follow(app, first_id, last).ok());
  const std::vector<std::string> held = Held(app);
  app = Begin(app, GetParam());
  for (const bool new_id : {false, true}) {
    harness_.Decide("Reader", [&, new_id](const ConsentQuestion& question) {
      ConsentAnswer answer = earlier;
      if (new_id) answer.question_id = question.question_id;
      return answer;
    });
    harness_.clock().Advance(kDays);
    ASSERT_TRUE(Ask(app, Wish(), asked).ok());
    EXPECT_NE(asked.id(), first_id);
    EXPECT_EQ(ReasonOf(Follow(app, asked.id(), last)), "CONSENT_UNAVAILABLE");
    EXPECT_EQ(Held(app), held);
  }
  // An honest answer to it would have been taken.
  harness_.Decide("Reader", PersonOf(Ending::kGranted));
  harness_.clock().Advance(kDays);
  ASSERT_TRUE(Ask(app, Wish(), asked).ok());
  ASSERT_TRUE(Follow(app, asked.id(), last).ok());
  EXPECT_EQ(last.state(), v1::GrantRequest::STATE_GRANTED);
  EXPECT_THAT(Held(app), SizeIs(held.size() + 1));
}

INSTANTIATE_TEST_SUITE_P(All, ReplayTest, testing::Values(Start::kRestart, Start::kCrash),
                         [](const auto& info) {
                           return info.param == Start::kRestart ? "Restart" : "Crash";
                         });

TEST(ReplayByAnotherTest, AQuestionIsOfNoUseToAnotherApp) {
  Replay replay;
  const Program app = replay.Reader();
  const Program other = replay.harness_.App("Other", {kChatsRead});
  replay.harness_.clock().Advance(Replay::kDays);
  v1::GrantRequest asked;
  v1::GrantRequest last;
  ASSERT_TRUE(Replay::Ask(app, replay.Wish(), asked).ok());
  EXPECT_EQ(ReasonOf(Replay::Follow(other, asked.id(), last)), "NOT_FOUND");
  ASSERT_TRUE(Replay::Follow(app, asked.id(), last).ok());
  EXPECT_EQ(ReasonOf(Replay::Follow(other, asked.id(), last)), "NOT_FOUND");
}

}  // namespace
}  // namespace postern::behaviors
