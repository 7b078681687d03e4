// SPDX-License-Identifier: Apache-2.0
#include "broker/consent_desk.h"

#include <atomic>
#include <future>

#include "broker/owner_sight.h"
#include "tests/broker/consent_desk_fixture.h"

namespace postern::broker {
namespace {

using permissions::ConsentQuestion;
using permissions::Grant;
using permissions::QuestionKind;
using permissions::Scope;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// --- Nagging ---

TEST_F(ConsentDeskTest, AThousandNewKeysOfOneProgramAreOneSummaryAndNoStorm) {
  prompt_.SetAnswer(No);
  std::vector<absl::Time> shown;
  uint32_t turned_away = 0;
  for (int i = 0; i < 1000; ++i, clock_.Advance(absl::Seconds(1))) {
    const absl::StatusOr<std::string> id = desk_->Ask(EnrolmentOf(i));
    if (id.ok()) {
      EXPECT_EQ(WaitEnd(Key(i), *id).state, State::kDenied);
      shown.push_back(clock_.Now());
      continue;
    }
    ++turned_away;
    ASSERT_EQ(id.status().code(), absl::StatusCode::kResourceExhausted) << id.status();
    ASSERT_EQ(ReasonOf(id.status()), v1::ERROR_REASON_CONSENT_SILENCED);
    ASSERT_THAT(ToGrpc(id.status()).error_details(), testing::HasSubstr("retry_after_seconds"));
  }
  // Three times no, five minutes apart, and that was it.
  ASSERT_THAT(shown, SizeIs(3));
  EXPECT_GE(shown[1] - shown[0], absl::Minutes(5));
  EXPECT_GE(shown[2] - shown[1], absl::Minutes(5));
  EXPECT_THAT(prompt_.asked(), SizeIs(3));
  const auto notices = NoticesOf(v1::OwnerNotice::KIND_QUESTIONS_SILENCED);
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].count(), turned_away);
  ASSERT_TRUE(notifier_.WaitFor(1));
  EXPECT_THAT(notifier_.shown(), SizeIs(1));

  // A week of silence, for new keys and a new daemon too.
  Restart();
  EXPECT_EQ(desk_->Ask(EnrolmentOf(2000)).status().code(), absl::StatusCode::kResourceExhausted);
  clock_.Advance(absl::Hours(24 * 7));
  EXPECT_TRUE(desk_->Ask(EnrolmentOf(2000)).ok());
}

TEST_F(ConsentDeskTest, AKeyThatWasJustAskedAboutWaitsAndAnotherProgramDoesNot) {
  prompt_.SetAnswer(Yes);
  ASSERT_EQ(AskAndWait(EnrolmentOf(1)).state, State::kGranted);
  EXPECT_EQ(desk_->Ask(EnrolmentOf(1)).status().code(), absl::StatusCode::kResourceExhausted);
  ConsentDesk::Request other = EnrolmentOf(2);
  other.pidfd.Reset();
  EXPECT_EQ(AskAndWait(std::move(other)).state, State::kGranted);
}

TEST_F(ConsentDeskTest, WhereNobodyCanBeAskedNothingIsRemembered) {
  prompt_.SetAnswer(Nobody);
  for (int i = 0; i < 20; ++i) {
    const ConsentDesk::Status status = AskAndWait(EnrolmentOf(1));
    ASSERT_EQ(status.state, State::kUnavailable);
    ASSERT_EQ(status.obstacle, ConsentDesk::Obstacle::kNobody);
    ASSERT_EQ(ReasonOf(ConsentDesk::WhyUnanswered(status)), v1::ERROR_REASON_CONSENT_UNAVAILABLE);
  }
  EXPECT_THAT(apps_->All(), IsEmpty());
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_ASKED), IsEmpty());
  const auto notices = NoticesOf(v1::OwnerNotice::KIND_QUESTION_WAITING);
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].count(), 20u);
  // Somebody has come: the same key, at once.
  prompt_.SetAnswer(Yes);
  EXPECT_EQ(AskAndWait(EnrolmentOf(1)).state, State::kGranted);
}

TEST_F(ConsentDeskTest, ACrashOfTheWindowIsNoRefusalAndNoWayToAskAgainAtOnce) {
  prompt_.SetAnswer(Crash);
  for (int i = 0; i < 5; ++i) {
    const ConsentDesk::Status status = AskAndWait(EnrolmentOf(i));
    ASSERT_EQ(status.state, State::kUnavailable) << i;
    ASSERT_EQ(status.obstacle, ConsentDesk::Obstacle::kAgentFailed);
    // A new key of the same program waits as long as the first.
    ASSERT_EQ(desk_->Ask(EnrolmentOf(100 + i)).status().code(),
              absl::StatusCode::kResourceExhausted);
    clock_.Advance(absl::Minutes(5));
  }
  // Five in the hour that has passed, and that is enough for everybody.
  EXPECT_EQ(desk_->Ask(EnrolmentOf(50)).status().code(), absl::StatusCode::kResourceExhausted);
  clock_.Advance(absl::Hours(1));
  // Five crashes, and no week of silence: the user never said no.
  prompt_.SetAnswer(Yes);
  EXPECT_EQ(AskAndWait(EnrolmentOf(50)).state, State::kGranted);
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_DENIED), IsEmpty());
}

TEST_F(ConsentDeskTest, WindowsThatAreTakenBackAgainAndAgainAreNoWayToNag) {
  const absl::StatusOr<std::string> id = desk_->Ask(EnrolmentOf(1));
  ASSERT_TRUE(id.ok());
  ASSERT_TRUE(prompt_.WaitForAsked(1));
  desk_->Withdraw(Key(1), *id);
  EXPECT_EQ(WaitEnd(Key(1), *id).state, State::kWithdrawn);
  EXPECT_EQ(desk_->Ask(EnrolmentOf(2)).status().code(), absl::StatusCode::kResourceExhausted);
}

// --- What was asked is what is answered ---

TEST_F(ConsentDeskTest, AQuestionThatChangesClosesTheOneBefore) {
  const absl::StatusOr<std::string> first = desk_->Ask(EnrolmentOf(1));
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(prompt_.WaitForAsked(1));
  // The same again: the same question.
  EXPECT_EQ(*desk_->Ask(EnrolmentOf(1)), *first);
  // Another: the window closes, and the key waits like everybody.
  ConsentDesk::Request changed = EnrolmentOf(1);
  changed.question.required_scopes.Add(Scope::kMessagesSend);
  EXPECT_EQ(desk_->Ask(std::move(changed)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(WaitEnd(Key(1), *first).state, State::kWithdrawn);
  EXPECT_THAT(apps_->All(), IsEmpty());
  EXPECT_THAT(prompt_.asked(), SizeIs(1));
}

TEST_F(ConsentDeskTest, AQuestionThatNobodySawYetIsReplaced) {
  const absl::StatusOr<std::string> shown = desk_->Ask(EnrolmentOf(1));
  ASSERT_TRUE(prompt_.WaitForAsked(1));
  const absl::StatusOr<std::string> waiting = desk_->Ask(EnrolmentOf(2));
  ConsentDesk::Request changed = EnrolmentOf(2, "Reader 2");
  const absl::StatusOr<std::string> replaced = desk_->Ask(std::move(changed));
  ASSERT_TRUE(replaced.ok()) << replaced.status();
  EXPECT_NE(*waiting, *replaced);
  prompt_.SetAnswer(Yes);
  EXPECT_EQ(WaitEnd(Key(1), *shown).state, State::kGranted);
  EXPECT_EQ(WaitEnd(Key(2), *waiting).state, State::kWithdrawn);
  EXPECT_EQ(WaitEnd(Key(2), *replaced).state, State::kGranted);
  EXPECT_THAT(prompt_.asked(), SizeIs(2));
  EXPECT_EQ(prompt_.asked().back().claimed_name, "Reader 2");
}

TEST_F(ConsentDeskTest, AnAnswerToAnEarlierQuestionGrantsNothing) {
  prompt_.SetAnswer(No);
  ASSERT_EQ(AskAndWait(EnrolmentOf(1)).state, State::kDenied);
  clock_.Advance(absl::Hours(1));
  const ConsentQuestion earlier = prompt_.asked().front();
  prompt_.SetAnswer([&](const ConsentQuestion&) { return Yes(earlier); });
  EXPECT_EQ(AskAndWait(EnrolmentOf(1)).state, State::kDenied);
  EXPECT_THAT(apps_->All(), IsEmpty());
}

TEST_F(ConsentDeskTest, AQuestionIsFollowedByItsAskerAndForgottenByARestart) {
  prompt_.SetAnswer(No);
  const absl::StatusOr<std::string> id = desk_->Ask(EnrolmentOf(1));
  EXPECT_EQ(WaitEnd(Key(1), *id).state, State::kDenied);
  EXPECT_EQ(desk_->Find(Key(2), *id).status().code(), absl::StatusCode::kNotFound);
  Restart();
  EXPECT_EQ(desk_->Find(Key(1), *id).status().code(), absl::StatusCode::kNotFound);
  // And asking again right after it is turned away as it was before.
  EXPECT_EQ(desk_->Ask(EnrolmentOf(1)).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(ConsentDeskTest, WhatWasDecidedIsInTheAccessHistory) {
  prompt_.SetAnswer(No);
  AskAndWait(EnrolmentOf(1));
  clock_.Advance(absl::Hours(1));
  prompt_.SetAnswer(Yes);
  AskAndWait(EnrolmentOf(1));
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_ASKED), ElementsAre("enroll", "enroll"));
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_DENIED), ElementsAre("enroll"));
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_GRANTED), ElementsAre("enroll"));
  // So that a yes that nobody gave does not go unseen.
  EXPECT_THAT(NoticesOf(v1::OwnerNotice::KIND_ACCESS_CHANGED), SizeIs(1));
}

// --- Session ---

TEST_F(ConsentDeskTest, NobodyIsAskedWhileTheScreenIsLockedOrAnotherSessionIsInFront) {
  prompt_.SetAnswer(Yes);
  for (const auto& [presence, cause] :
       {std::pair(platform::SessionPresence::kLocked, "locked"),
        std::pair(platform::SessionPresence::kElsewhere, "other_session")}) {
    session_.Set(presence);
    EXPECT_FALSE(desk_->person_present());
    const absl::Status refused = desk_->Ask(EnrolmentOf(1)).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_CONSENT_UNAVAILABLE);
    EXPECT_THAT(ToGrpc(refused).error_details(), testing::HasSubstr(cause));
  }
  EXPECT_THAT(prompt_.asked(), IsEmpty());
  session_.Set(platform::SessionPresence::kUnknown);
  EXPECT_EQ(AskAndWait(EnrolmentOf(1)).state, State::kGranted);
}

TEST_F(ConsentDeskTest, LockingTheScreenClosesTheWindowAndGrantsNothing) {
  const absl::StatusOr<std::string> id = desk_->Ask(EnrolmentOf(1));
  ASSERT_TRUE(prompt_.WaitForAsked(1));
  const absl::StatusOr<std::string> waiting = desk_->Ask(EnrolmentOf(2));
  session_.Set(platform::SessionPresence::kLocked);
  const ConsentDesk::Status status = WaitEnd(Key(1), *id);
  EXPECT_EQ(status.state, State::kUnavailable);
  EXPECT_EQ(status.obstacle, ConsentDesk::Obstacle::kLocked);
  EXPECT_EQ(WaitEnd(Key(2), *waiting).state, State::kUnavailable);
  EXPECT_THAT(prompt_.asked(), SizeIs(1));
  EXPECT_THAT(apps_->All(), IsEmpty());
}

// --- Messages that the person confirms ---

TEST_F(ConsentDeskTest, ThePersonSeesTheVeryMessageAndItsOutcomeIsToldOnce) {
  Enrolled(1);
  std::atomic<int> yes = 0;
  std::atomic<int> no = 0;
  const auto count = [&](bool allowed) { ++(allowed ? yes : no); };
  const auto id = desk_->AskToSend(Key(1), "Bob\n", "Hello\nBob", OwnPidfd(), count);
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(WaitEnd(Key(1), *id).state, State::kGranted);
  const ConsentQuestion shown = prompt_.asked().back();
  EXPECT_EQ(shown.kind, QuestionKind::kSendMessage);
  EXPECT_EQ(shown.message_text, "Hello\nBob");
  EXPECT_EQ(shown.subject, "Bob");
  EXPECT_EQ(shown.known_name, "Reader");
  prompt_.SetAnswer(No);
  EXPECT_EQ(WaitEnd(Key(1), *desk_->AskToSend(Key(1), "Bob", "No", OwnPidfd(), count)).state,
            State::kDenied);
  Stop();
  EXPECT_EQ(yes, 1);
  EXPECT_EQ(no, 1);
  Start();
}

TEST_F(ConsentDeskTest, SendsWaitInLineAndOnlySoMany) {
  Enrolled(1);
  prompt_.SetAnswer(nullptr);
  std::atomic<int> refused = 0;
  std::vector<std::string> ids;
  for (size_t i = 0; i < kPendingSendsPerAppMax; ++i) {
    const auto id = desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(),
                                     [&](bool allowed) { refused += allowed ? 0 : 1; });
    ASSERT_TRUE(id.ok()) << id.status();
    ids.push_back(*id);
  }
  ASSERT_TRUE(prompt_.WaitForAsked(2));
  const absl::Status more =
      desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(), [](bool) {}).status();
  EXPECT_EQ(ReasonOf(more), v1::ERROR_REASON_LIMIT_EXCEEDED);
  // Ten minutes later the ones in line are refused without a window.
  clock_.Advance(absl::Minutes(11));
  prompt_.SetAnswer(No);
  EXPECT_EQ(WaitEnd(Key(1), ids[0]).state, State::kDenied);
  for (size_t i = 1; i < ids.size(); ++i) {
    EXPECT_EQ(WaitEnd(Key(1), ids[i]).state, State::kExpired);
  }
  // Of the app's enrolment, and of the first message.
  EXPECT_THAT(prompt_.asked(), SizeIs(2));
  Stop();
  EXPECT_EQ(refused, static_cast<int>(ids.size()));
  Start();
}

TEST_F(ConsentDeskTest, ThreeRefusedMessagesAreEnoughForAnHourAndSilenceNoOtherQuestion) {
  Enrolled(1);
  prompt_.SetAnswer(No);
  for (int i = 0; i < 3; ++i) {
    const auto id = desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(), [](bool) {});
    ASSERT_TRUE(id.ok()) << id.status();
    WaitEnd(Key(1), *id);
  }
  const absl::Status fourth =
      desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(), [](bool) {}).status();
  EXPECT_EQ(ReasonOf(fourth), v1::ERROR_REASON_CONSENT_SILENCED);
  EXPECT_TRUE(desk_->Ask(EnrolmentOf(2)).ok());
  clock_.Advance(absl::Hours(1));
  EXPECT_TRUE(desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(), [](bool) {}).ok());
}

TEST_F(ConsentDeskTest, StoppingRefusesEveryMessageThatWaits) {
  Enrolled(1);
  prompt_.SetAnswer(nullptr);
  std::atomic<int> refused = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(desk_
                    ->AskToSend(Key(1), "Bob", "text", OwnPidfd(),
                                [&](bool allowed) { refused += allowed ? 0 : 1; })
                    .ok());
  }
  desk_->Stop();
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(ReasonOf(desk_->Ask(EnrolmentOf(9)).status()), v1::ERROR_REASON_SHUTTING_DOWN);
}

TEST_F(ConsentDeskTest, ThrowingAnAppOutClosesItsQuestions) {
  Enrolled(1);
  prompt_.SetAnswer(nullptr);
  const auto id = desk_->AskToSend(Key(1), "Bob", "text", OwnPidfd(), [](bool) {});
  ASSERT_TRUE(prompt_.WaitForAsked(2));
  desk_->WithdrawAll(Key(1));
  EXPECT_EQ(WaitEnd(Key(1), *id).state, State::kWithdrawn);
}

// --- The owner's own ---

class OwnerQuestionTest : public ConsentDeskTest {
 protected:
  // Ends an hour from now.
  Grant EnrolledForAnHour(int key) {
    Grant grant = Enrolled(key);
    const absl::Time end = clock_.Now() + absl::Hours(1);
    EXPECT_TRUE(apps_
                    ->ChangeGrant(grant.id,
                                  [&](Grant& changed) {
                                    changed.validity = {permissions::ValidityKind::kUntil, end};
                                    return absl::OkStatus();
                                  })
                    .ok());
    grant.validity = {permissions::ValidityKind::kUntil, end};
    return grant;
  }
};

TEST_F(OwnerQuestionTest, AGrantLastsLongerOnceThePersonSaidSo) {
  const Grant grant = EnrolledForAnHour(1);
  const absl::StatusOr<Grant> extended = desk_->AskToExtend(owner(), grant.id);
  ASSERT_TRUE(extended.ok()) << extended.status();
  EXPECT_EQ(extended->validity.kind, permissions::ValidityKind::kUntilRevoked);
  EXPECT_EQ(extended->id, grant.id);
  EXPECT_EQ(extended->scopes, grant.scopes);
  EXPECT_EQ(apps_->Find(Key(1))->grants.at(0), *extended);
  const ConsentQuestion shown = prompt_.asked().back();
  EXPECT_EQ(shown.kind, QuestionKind::kExtendGrant);
  EXPECT_EQ(shown.held_scopes, grant.scopes);
  EXPECT_EQ(shown.held_until, grant.validity.expire_time);
  EXPECT_EQ(shown.known_name, "Reader");
  // It has no end any more.
  EXPECT_EQ(desk_->AskToExtend(owner(), grant.id).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(OwnerQuestionTest, AnExtensionThatIsRefusedOrCannotBeAskedChangesNothing) {
  const Grant grant = EnrolledForAnHour(1);
  prompt_.SetAnswer(No);
  EXPECT_EQ(ReasonOf(desk_->AskToExtend(owner(), grant.id).status()),
            v1::ERROR_REASON_CONSENT_REFUSED);
  prompt_.SetAnswer(Nobody);
  EXPECT_EQ(ReasonOf(desk_->AskToExtend(owner(), grant.id).status()),
            v1::ERROR_REASON_CONSENT_UNAVAILABLE);
  EXPECT_EQ(apps_->Find(Key(1))->grants.at(0).validity, grant.validity);
  EXPECT_EQ(desk_->AskToExtend(owner(), permissions::GrantId()).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(OwnerQuestionTest, WhatEndsWhileThePersonThinksDoesNotComeAlive) {
  const Grant grant = EnrolledForAnHour(1);
  prompt_.SetAnswer([&](const ConsentQuestion& question) {
    clock_.Advance(absl::Hours(1));
    return Yes(question);
  });
  EXPECT_FALSE(desk_->AskToExtend(owner(), grant.id).ok());
  EXPECT_EQ(apps_->Find(Key(1))->grants.at(0).validity, grant.validity);
  EXPECT_EQ(desk_->AskToExtend(owner(), grant.id).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Between the answer and its carrying out lies a moment in which the user can throw the app out.
TEST_F(ConsentDeskTest, AYesIsNotOverTheUsersLaterWord) {
  Enrolled(1);
  for (const QuestionKind kind : {QuestionKind::kEnrollApp, QuestionKind::kWidenGrant}) {
    prompt_.SetAnswer([&](const permissions::ConsentQuestion& question) {
      apps_->Revoke(Key(1)).IgnoreError();
      return Yes(question);
    });
    ConsentDesk::Request request = EnrolmentOf(1);
    request.question.kind = kind;
    const ConsentDesk::Status status = AskAndWait(std::move(request));
    EXPECT_EQ(status.state, State::kWithdrawn);
    EXPECT_FALSE(status.grant.has_value());
    EXPECT_EQ(apps_->StandingOf(Key(1)), Standing::kRevoked);
    for (const Grant& grant : apps_->Find(Key(1))->grants) {
      EXPECT_EQ(grant.state, permissions::GrantState::kRevoked);
    }
    clock_.Advance(absl::Hours(2));
  }
}

// Several calls of one program share one question; another program is asked about by itself.
TEST_F(OwnerQuestionTest, SightIsAskedForOnceForEachConnection) {
  OwnerSight sight(*desk_, clock_);
  Caller one = owner();
  one.connection = {1};
  Caller other = owner();
  other.connection = {2};
  prompt_.SetAnswer(nullptr);
  auto first = std::async(std::launch::async, [&] { return sight.Admit(one, "Reader", nullptr); });
  auto second = std::async(std::launch::async, [&] { return sight.Admit(one, "Reader", nullptr); });
  ASSERT_TRUE(prompt_.WaitForAsked(1));
  EXPECT_EQ(prompt_.asked().back().kind, QuestionKind::kView);
  EXPECT_EQ(prompt_.asked().back().subject, "Reader");
  prompt_.SetAnswer(Yes);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(prompt_.asked().size(), 1u);
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_GRANTED), ElementsAre("view"));

  prompt_.SetAnswer(No);
  EXPECT_EQ(ReasonOf(sight.Admit(other, "Reader", nullptr)), v1::ERROR_REASON_CONSENT_REFUSED);
  EXPECT_TRUE(sight.Admit(one, "Reader", nullptr).ok());
  EXPECT_EQ(prompt_.asked().size(), 2u);
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_DENIED), ElementsAre("view"));
}

TEST_F(OwnerQuestionTest, SightEndsWithTimeAndWithTheScreensLock) {
  OwnerSight sight(*desk_, clock_);
  prompt_.SetAnswer(Yes);
  ASSERT_TRUE(sight.Admit(owner(), "", nullptr).ok());
  clock_.Advance(kOwnerSight - absl::Seconds(1));
  ASSERT_TRUE(sight.Admit(owner(), "", nullptr).ok());
  EXPECT_EQ(prompt_.asked().size(), 1u);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(sight.Admit(owner(), "", nullptr).ok());
  EXPECT_EQ(prompt_.asked().size(), 2u);
  sight.TakeBack();
  ASSERT_TRUE(sight.Admit(owner(), "", nullptr).ok());
  EXPECT_EQ(prompt_.asked().size(), 3u);
  // A lock between the answer and its taking hold counts too.
  sight.TakeBack();
  prompt_.SetAnswer([&](const permissions::ConsentQuestion& question) {
    sight.TakeBack();
    return Yes(question);
  });
  EXPECT_EQ(sight.Admit(owner(), "", nullptr).code(), absl::StatusCode::kAborted);
}

TEST_F(OwnerQuestionTest, OnlyAYesConfirms) {
  prompt_.SetAnswer(Yes);
  EXPECT_TRUE(desk_
                  ->AskToConfirm(QuestionKind::kUnseal, "Bob", owner(), nullptr,
                                 ConsentDesk::SubjectObjected::kYes)
                  .ok());
  EXPECT_TRUE(prompt_.asked().back().subject_objected);
  EXPECT_EQ(prompt_.asked().back().subject, "Bob");
  for (const auto& answer : {HeldPrompt::Answer(No), HeldPrompt::Answer(Crash)}) {
    prompt_.SetAnswer(answer);
    EXPECT_FALSE(desk_->AskToConfirm(QuestionKind::kPurge, "", owner()).ok());
  }
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_DENIED), ElementsAre("purge"));
  EXPECT_THAT(RowsOf(v1::ACCESS_VERB_GRANTED), IsEmpty());
}

TEST_F(OwnerQuestionTest, TheOwnersQuestionsGoFirstAndEndWithTheirCaller) {
  const Grant grant = EnrolledForAnHour(1);
  prompt_.SetAnswer(nullptr);
  const auto shown = desk_->Ask(EnrolmentOf(2));
  ASSERT_TRUE(prompt_.WaitForAsked(2));
  const auto waiting = desk_->Ask(EnrolmentOf(3));
  ASSERT_TRUE(waiting.ok());
  std::atomic<bool> gone = false;
  auto extended = std::async(std::launch::async, [&] {
    return desk_->AskToExtend(owner(), grant.id, [&] { return gone.load(); });
  });
  while (desk_->pending() < 3) std::this_thread::yield();
  desk_->Withdraw(Key(2), *shown);
  ASSERT_TRUE(prompt_.WaitForAsked(3));
  EXPECT_EQ(prompt_.asked().back().kind, QuestionKind::kExtendGrant);
  gone = true;
  EXPECT_EQ(extended.get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(OwnerQuestionTest, AStolenOwnerKeyAsksNoMoreOftenThanAPersonBears) {
  prompt_.SetAnswer(No);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReasonOf(desk_->AskToConfirm(QuestionKind::kExport, "", owner())),
              v1::ERROR_REASON_CONSENT_REFUSED);
  }
  EXPECT_EQ(ReasonOf(desk_->AskToConfirm(QuestionKind::kExport, "", owner())),
            v1::ERROR_REASON_CONSENT_SILENCED);
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(ReasonOf(desk_->AskToConfirm(QuestionKind::kExport, "", owner())),
            v1::ERROR_REASON_CONSENT_REFUSED);
}

}  // namespace
}  // namespace postern::broker
