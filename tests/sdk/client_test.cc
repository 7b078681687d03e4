// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "clients/sdk/grants.h"
#include "clients/sdk/silence.h"
#include "clients/sdk/stubs.h"
#include "tests/fakes/scoped_environment.h"
#include "tests/sdk/fake_broker.h"

namespace postern::sdk {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ClientTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Client>> Connect() { return Connect(broker_.OptionsFor("app")); }
  absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options) {
    return Client::Connect(AppManifest(), std::move(options));
  }
  std::string File(const std::string& name) const { return folder_.path() + "/" + name; }

  TemporaryFolder folder_;
  FakeBroker broker_{folder_.path()};
};

using Connecting = ClientTest;
using Enrolling = ClientTest;
using AskingForMore = ClientTest;
using Following = ClientTest;
using Sending = ClientTest;

TEST_F(Connecting, RefusesWithoutAPinnedCertificate) {
  std::filesystem::remove(File("broker.pem"));
  const absl::Status status = Connect().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), StartsWith("posternd has not run yet for this user"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(File("broker.pem")));
  EXPECT_EQ(broker_.state.calls, 0);
}

TEST_F(Connecting, WhatPosterndHasNotMadeYetIsWaitedForAndWhatIsNamedIsNot) {
  ClientOptions options = broker_.OptionsFor("app");
  options.broker_certificate_path.clear();
  const fakes::ScopedEnvironment environment({{"XDG_DATA_HOME", folder_.path()}});
  const absl::Status not_yet = Connect(options).status();
  EXPECT_TRUE(absl::IsUnavailable(not_yet)) << not_yet;
  EXPECT_TRUE(IsRetriable(not_yet));
  EXPECT_THAT(std::string(not_yet.message()),
              StartsWith("posternd has not run yet for this user (there is no " +
                         File("postern/broker.pem")));
  options.broker_certificate_path = File("none.pem");
  EXPECT_FALSE(IsRetriable(Connect(options).status()));
}

TEST_F(Connecting, RefusesAPinnedCertificateThatOthersCanWrite) {
  ::chmod(File("broker.pem").c_str(), 0622);
  EXPECT_TRUE(absl::IsFailedPrecondition(Connect().status()));
  EXPECT_EQ(broker_.state.calls, 0);
}

TEST_F(Connecting, RefusesAPinnedCertificateThatIsALink) {
  std::filesystem::rename(File("broker.pem"), File("other.pem"));
  std::filesystem::create_symlink(File("other.pem"), File("broker.pem"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Connect().status()));
}

TEST_F(Connecting, FailsClosedOnAnotherBrokerAndSaysSo) {
  broker_.Stop();
  broker_.ReplaceIdentity();
  broker_.Start();
  const absl::Status status = Connect().status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(broker_.state.calls, 0);
}

TEST_F(Connecting, RefusesAKeyThatOthersCanRead) {
  ASSERT_TRUE(Connect().ok());
  ::chmod(File("app/key.pem").c_str(), 0640);
  EXPECT_TRUE(absl::IsFailedPrecondition(Connect().status()));
}

TEST_F(Connecting, GivesUpWhenNoBrokerIsThere) {
  broker_.Stop();
  std::vector<absl::Duration> waits;
  ClientOptions options = broker_.OptionsFor("app");
  options.wait = [&](absl::Duration wait) { waits.push_back(wait); };
  const absl::Status status = Connect(options).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(std::string(status.message()), "posternd is not running (no socket at " +
                                               options.socket_path +
                                               "); start it, e.g. systemctl --user start posternd");
  EXPECT_GT(waits.size(), 3u);
  absl::Duration total;
  for (const absl::Duration wait : waits) total += wait;
  EXPECT_LE(total, options.reach_timeout);
}

TEST_F(Connecting, WaitsLessForASocketThatIsNotThereThanForABrokerThatDoesNotAnswer) {
  broker_.Stop();
  ClientOptions options = broker_.OptionsFor("app");
  options.reach_timeout = absl::Seconds(15);
  absl::Duration total;
  options.wait = [&](absl::Duration wait) { total += wait; };
  EXPECT_TRUE(absl::IsUnavailable(Connect(options).status()));
  EXPECT_LE(total, absl::Seconds(2));
}

TEST_F(Connecting, SaysInWordsThatABrokerLeftItsSocketBehind) {
  broker_.Stop();
  ClientOptions options = broker_.OptionsFor("app");
  std::ofstream(options.socket_path) << "";  // refuses, as a socket that nobody listens on
  const absl::Status status = Connect(options).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(
      std::string(status.message()),
      StartsWith("posternd is not running (nobody answers at " + options.socket_path + ")"));
}

TEST_F(Connecting, KeepsItsKeyPrivateAndTheSameAcrossRuns) {
  const auto first = Connect();
  ASSERT_TRUE(first.ok()) << first.status();
  struct stat info {};
  ASSERT_EQ(::stat(File("app/key.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(File("app").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  const auto second = Connect();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ((*first)->principal(), (*second)->principal());
  EXPECT_EQ((*first)->principal(), broker_.state.principal);
}

TEST_F(Enrolling, ReportsARefusal) {
  broker_.state.enrolled = false;
  broker_.state.enroll_answer = v1::EnrollResponse::STATE_DENIED;
  const absl::Status status = Connect().status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_CONSENT_REFUSED);
  EXPECT_EQ(broker_.state.enroll_calls, 1);
}

TEST_F(Enrolling, ReportsThatNobodyAnswered) {
  broker_.state.enrolled = false;
  broker_.state.enroll_answer = v1::EnrollResponse::STATE_EXPIRED;
  EXPECT_TRUE(absl::IsDeadlineExceeded(Connect().status()));
}

TEST_F(Enrolling, DoesNotAskWhenRevoked) {
  broker_.state.revoked = true;
  const absl::Status status = Connect().status();
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_GRANT_REVOKED);
  EXPECT_EQ(broker_.state.enroll_calls, 0);
}

TEST_F(Enrolling, AsksOnceAndThenFollowsOnTheSameChannel) {
  broker_.state.enrolled = false;
  std::vector<v1::EnrollResponse::State> states;
  ClientOptions options = broker_.OptionsFor("app");
  options.on_enrollment = [&](const v1::EnrollResponse& r) { states.push_back(r.state()); };
  const auto client = Connect(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_THAT(states, ::testing::ElementsAre(v1::EnrollResponse::STATE_PENDING,
                                             v1::EnrollResponse::STATE_GRANTED));
  broker_.AddEvents(1);
  const auto events = (*client)->Subscribe({.start = v1::SubscribeRequest::START_OLDEST});
  EXPECT_EQ(events->Next()->id(), "e0");
  EXPECT_EQ(broker_.state.enroll_calls, 1);
}

v1::RequestGrantRequest MoreWish() {
  v1::RequestGrantRequest wish;
  wish.add_scopes(v1::SCOPE_MESSAGES_SEND);
  wish.set_purpose("Sends.");
  return wish;
}

// What an app hears that was refused for 'reason' and may try again in so many seconds.
absl::Status Refused(const char* reason, const char* seconds) {
  return ToStatus(
      Refusal(grpc::StatusCode::PERMISSION_DENIED, reason, {{"retry_after_seconds", seconds}}));
}

TEST_F(AskingForMore, WaitsForThePersonAndSaysWhenTheyAreAsked) {
  broker_.state.grant_answers = {v1::GrantRequest::STATE_PENDING, v1::GrantRequest::STATE_GRANTED};
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  int asking = 0, waits = 0;
  EXPECT_EQ(AskForGrant(**client, MoreWish(),
                        {.on_asking = [&] { ++asking; },
                         .wait = [&](absl::Duration) { return ++waits > 0; }}),
            absl::OkStatus());
  EXPECT_EQ(asking, 1);
  EXPECT_EQ(waits, 2);
  ASSERT_EQ(broker_.state.grant_requests.size(), 1u);
  EXPECT_FALSE(broker_.state.grant_requests.front().request_id().empty());
  EXPECT_EQ(broker_.state.grant_requests.front().purpose(), "Sends.");
}

TEST_F(AskingForMore, TellsANoFromNoAnswer) {
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  const auto at_once = [](absl::Duration) { return true; };
  broker_.state.grant_answers = {v1::GrantRequest::STATE_DENIED};
  const absl::Status no = AskForGrant(**client, MoreWish(), {.on_asking = {}, .wait = at_once});
  EXPECT_TRUE(absl::IsPermissionDenied(no)) << no;
  EXPECT_EQ(ErrorReasonOf(no), v1::ERROR_REASON_CONSENT_REFUSED);
  broker_.state.grant_answers = {v1::GrantRequest::STATE_EXPIRED};
  const absl::Status none = AskForGrant(**client, MoreWish(), {.on_asking = {}, .wait = at_once});
  EXPECT_TRUE(absl::IsDeadlineExceeded(none)) << none;
  EXPECT_EQ(ErrorReasonOf(none), v1::ERROR_REASON_CONSENT_REFUSED);
}

TEST_F(AskingForMore, WaitsNoLongerThanAnyQuestionStands) {
  broker_.state.grant_answers = {v1::GrantRequest::STATE_PENDING};
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Duration waited;
  const absl::Status status =
      AskForGrant(**client, MoreWish(), {.on_asking = {}, .wait = [&](absl::Duration wait) {
                                           waited += wait;
                                           return true;
                                         }});
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_EQ(waited, absl::Minutes(15));
}

TEST_F(AskingForMore, EndsWhenTheProgramDoes) {
  broker_.state.grant_answers = {v1::GrantRequest::STATE_PENDING};
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(absl::IsCancelled(AskForGrant(
      **client, MoreWish(), {.on_asking = {}, .wait = [](absl::Duration) { return false; }})));
}

TEST_F(AskingForMore, EndsWhenTheBrokerGoesAway) {
  broker_.state.grant_answers = {v1::GrantRequest::STATE_PENDING};
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status =
      AskForGrant(**client, MoreWish(), {.on_asking = {}, .wait = [&](absl::Duration) {
                                           broker_.Stop();
                                           return true;
                                         }});
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

TEST_F(AskingForMore, SaysWhyNobodyWasAsked) {
  broker_.state.grant_refusal = "CONSENT_SILENCED";
  const auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  bool asking = false;
  const absl::Status status =
      AskForGrant(**client, MoreWish(), {.on_asking = [&] { asking = true; }, .wait = {}});
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_CONSENT_SILENCED) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("few questions an hour"));
  EXPECT_FALSE(asking);
}

TEST(WaitInWords, IsRoundedUpAndHasTwoUnitsAtMost) {
  EXPECT_EQ(WaitInWords(absl::Milliseconds(39'500)), "40 s");
  EXPECT_EQ(WaitInWords(absl::Seconds(60)), "1 min");
  EXPECT_EQ(WaitInWords(absl::Seconds(3488)), "59 min");
  EXPECT_EQ(WaitInWords(absl::Seconds(3599)), "1 h");
  EXPECT_EQ(WaitInWords(absl::Minutes(61)), "1 h 1 min");
  EXPECT_EQ(WaitInWords(absl::Hours(24 * 7) - absl::Minutes(30)), "7 d");
  EXPECT_EQ(WaitInWords(absl::Hours(50)), "2 d 2 h");
  EXPECT_EQ(WaitInWords(-absl::Seconds(1)), "0 s");
}

TEST(Questions, ArePutLaterWhenOnlyTheMomentIsWrong) {
  EXPECT_TRUE(CanBeAskedLater(Refused("CONSENT_SILENCED", "600")));
  EXPECT_TRUE(CanBeAskedLater(Refused("CONSENT_UNAVAILABLE", "")));
  EXPECT_FALSE(CanBeAskedLater(Refused("CONSENT_REFUSED", "")));
  EXPECT_FALSE(CanBeAskedLater(Refused("GRANT_REVOKED", "")));
  EXPECT_FALSE(CanBeAskedLater(absl::UnavailableError("")));
  EXPECT_FALSE(CanBeAskedLater(absl::OkStatus()));
  // Where Postern does not say when, and where that is too soon or a week.
  EXPECT_EQ(AskPauseOf(Refused("CONSENT_UNAVAILABLE", "")), absl::Seconds(30));
  EXPECT_EQ(AskPauseOf(Refused("CONSENT_SILENCED", "2")), absl::Seconds(30));
  EXPECT_EQ(AskPauseOf(Refused("CONSENT_SILENCED", "600")), absl::Seconds(600));
  EXPECT_EQ(AskPauseOf(Refused("CONSENT_SILENCED", "604800")), absl::Hours(1));
}

TEST(Questions, AreHeldBackInWordsThatSayWhoseRefusalsItWasAndUntilWhen) {
  EXPECT_THAT(SilenceInWords(Refused("CONSENT_SILENCED", "604800")),
              AllOf(HasSubstr("several times in a row"), HasSubstr("again in 7 d")));
  EXPECT_THAT(SilenceInWords(Refused("CONSENT_SILENCED", "3600")),
              AllOf(HasSubstr("for all programs together"), HasSubstr("again in 1 h")));
  EXPECT_THAT(SilenceInWords(Refused("CONSENT_SILENCED", "")), HasSubstr("again later"));
}

TEST(Grants, CountWhileTheyStand) {
  v1::GetSelfResponse self;
  const auto add = [&](v1::Grant::State state, v1::Scope scope) {
    self.add_grants()->set_state(state);
    self.mutable_grants()->rbegin()->add_scopes(scope);
  };
  add(v1::Grant::STATE_ACTIVE, v1::SCOPE_CHATS_READ);
  add(v1::Grant::STATE_SUSPENDED, v1::SCOPE_MESSAGES_READ);
  add(v1::Grant::STATE_REVOKED, v1::SCOPE_MESSAGES_SEND);
  add(v1::Grant::STATE_EXPIRED, v1::SCOPE_EXPORT);
  add(v1::Grant::STATE_UNSPECIFIED, v1::SCOPE_FORWARD);
  EXPECT_THAT(HeldScopes(self),
              ::testing::ElementsAre(v1::SCOPE_CHATS_READ, v1::SCOPE_MESSAGES_READ));
}

TEST(Grants, AreMissingWhereTheManifestWantsThemAndNoneStands) {
  v1::Manifest manifest;
  manifest.add_optional_scopes(v1::SCOPE_MESSAGES_SEND);
  manifest.add_optional_scopes(v1::SCOPE_EXPORT);
  manifest.add_required_scopes(v1::SCOPE_CHATS_READ);
  manifest.add_required_scopes(v1::SCOPE_MESSAGES_READ);
  v1::GetSelfResponse self;
  EXPECT_THAT(MissingScopes(manifest, self),
              ::testing::ElementsAre(v1::SCOPE_CHATS_READ, v1::SCOPE_MESSAGES_READ,
                                     v1::SCOPE_MESSAGES_SEND, v1::SCOPE_EXPORT));
  v1::Grant& grant = *self.add_grants();
  grant.set_state(v1::Grant::STATE_ACTIVE);
  grant.add_scopes(v1::SCOPE_MESSAGES_READ);
  grant.add_scopes(v1::SCOPE_EXPORT);
  grant.add_scopes(v1::SCOPE_FORWARD);
  EXPECT_THAT(MissingScopes(manifest, self),
              ::testing::ElementsAre(v1::SCOPE_CHATS_READ, v1::SCOPE_MESSAGES_SEND));
  grant.set_state(v1::Grant::STATE_REVOKED);
  EXPECT_EQ(MissingScopes(manifest, self).size(), 4U);
}

TEST(Grants, AreOverWhenTakenBackOrRunOutAndNotWhileTheyRest) {
  EXPECT_TRUE(AccessIsOver(Refused("GRANT_REVOKED", "")));
  EXPECT_TRUE(AccessIsOver(Refused("GRANT_EXPIRED", "")));
  EXPECT_FALSE(AccessIsOver(Refused("GRANT_SUSPENDED", "")));
  EXPECT_FALSE(AccessIsOver(Refused("SCOPE_REQUIRED", "")));
  EXPECT_FALSE(AccessIsOver(absl::UnauthenticatedError("")));
  EXPECT_FALSE(AccessIsOver(absl::OkStatus()));
}

TEST(Grants, RestUntilTheyComeBackButAreLookedAtEachMinute) {
  EXPECT_TRUE(AccessRests(Refused("GRANT_SUSPENDED", "")));
  EXPECT_TRUE(AccessRests(Refused("LIMIT_EXCEEDED", "7")));
  // As that of open streams: nobody gives it back.
  EXPECT_FALSE(AccessRests(Refused("LIMIT_EXCEEDED", "")));
  EXPECT_FALSE(AccessRests(Refused("GRANT_REVOKED", "")));
  EXPECT_FALSE(AccessRests(absl::UnavailableError("")));
  EXPECT_FALSE(AccessRests(absl::OkStatus()));
  EXPECT_EQ(RestOf(Refused("GRANT_SUSPENDED", "")), absl::Seconds(5));
  EXPECT_EQ(RestOf(Refused("LIMIT_EXCEEDED", "7")), absl::Seconds(7));
  // The rest of a day: the user may raise the limit before.
  EXPECT_EQ(RestOf(Refused("LIMIT_EXCEEDED", "80000")), absl::Minutes(1));
}

TEST_F(Following, StopsForGoodWhenRevoked) {
  const auto client = *Connect();
  broker_.AddEvents(1);
  const auto events =
      client->Subscribe({.name = "main", .start = v1::SubscribeRequest::START_OLDEST});
  ASSERT_TRUE(events->Next().ok());
  broker_.Revoke();
  const absl::Status status = events->Next().status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_EQ(ErrorReasonOf(status), v1::ERROR_REASON_GRANT_REVOKED);
  EXPECT_EQ(events->Next().status(), status);

  EXPECT_EQ(ErrorReasonOf(client->GetSelf().status()), v1::ERROR_REASON_GRANT_REVOKED);
  const int calls = broker_.state.calls;
  EXPECT_FALSE(client->GetSelf().ok());
  EXPECT_FALSE(client->SendText("chat", "hello").ok());
  EXPECT_FALSE(client->Subscribe({})->Next().ok());
  EXPECT_EQ(broker_.state.calls, calls) << "a revoked client must not storm";
}

TEST_F(Following, ResumesAfterABrokenConnectionWithoutDoubles) {
  const auto client = *Connect();
  broker_.state.break_after = 4;
  broker_.AddEvents(7);
  const auto events = client->Subscribe({.start = v1::SubscribeRequest::START_OLDEST});
  for (int i = 0; i < 7; ++i) {
    const auto event = events->Next();
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_EQ(event->id(), absl::StrCat("e", i));
  }
  EXPECT_THAT(broker_.state.subscribed_cursors, ::testing::ElementsAre("", "c4"));
}

TEST_F(Following, SurvivesARestartOfTheBroker) {
  const auto client = *Connect();
  const auto events = client->Subscribe({.start = v1::SubscribeRequest::START_OLDEST});
  broker_.AddEvents(2);
  ASSERT_EQ(events->Next()->id(), "e0");
  ASSERT_EQ(events->Next()->id(), "e1");
  broker_.Stop();
  broker_.AddEvents(2);
  broker_.Start();
  EXPECT_EQ(events->Next()->id(), "e2");
  EXPECT_EQ(events->Next()->id(), "e3");
}

TEST_F(Following, StartsAfterWhatWasAcknowledgedWhenTheAppRestarts) {
  broker_.AddEvents(5);
  {
    const auto client = *Connect();
    const auto events =
        client->Subscribe({.name = "main", .start = v1::SubscribeRequest::START_OLDEST});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(events->Next().ok());
    // Of the frames {e0 e1} {e2 e3} only the first has been returned whole.
    ASSERT_TRUE(events->Acknowledge().ok());
    EXPECT_EQ(events->cursor(), "c2");
  }
  const auto client = *Connect();
  const auto events =
      client->Subscribe({.name = "main", .start = v1::SubscribeRequest::START_OLDEST});
  EXPECT_EQ(events->Next()->id(), "e2");
}

TEST_F(Following, TellsOfAGapInsteadOfFailing) {
  const auto client = *Connect();
  broker_.AddEvents(6);
  broker_.state.oldest = 4;
  const auto events = client->Subscribe({.cursor = "c1"});
  const auto gap = events->Next();
  ASSERT_TRUE(gap.ok()) << gap.status();
  EXPECT_EQ(gap->gap().cause(), v1::Gap::CAUSE_RETENTION);
  EXPECT_EQ(events->Next()->id(), "e4");
}

TEST_F(Following, GivesUpOnANameThatStaysInUse) {
  const auto client = *Connect();
  broker_.state.in_use.insert("main");
  const auto events = client->Subscribe({.name = "main"});
  EXPECT_EQ(ErrorReasonOf(events->Next().status()), v1::ERROR_REASON_SUBSCRIPTION_IN_USE);
}

TEST_F(Following, ReturnsWhenTheTimeHasPassedAndGoesOn) {
  const auto client = *Connect();
  const auto events = client->Subscribe({.start = v1::SubscribeRequest::START_OLDEST});
  EXPECT_TRUE(absl::IsDeadlineExceeded(events->Next(absl::Milliseconds(1)).status()));
  broker_.AddEvents(1);
  EXPECT_EQ(events->Next()->id(), "e0");
}

TEST_F(Following, EndsWhenCancelledFromAnotherThread) {
  const auto client = *Connect();
  const auto events = client->Subscribe({});
  std::thread canceller([&] {
    broker_.WaitFor([&] { return broker_.state.subscribe_calls == 1; });
    events->Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(events->Next().status()));
  canceller.join();
}

TEST_F(Following, CallsBackInOrderAndAcknowledgesAfterTheHandler) {
  const auto client = *Connect();
  broker_.AddEvents(5);
  std::vector<std::string> ids;
  absl::Status end;
  {
    const auto session = client->Run(
        {.name = "main", .start = v1::SubscribeRequest::START_OLDEST},
        [&](const v1::Event& event) { ids.push_back(event.id()); },
        [&](const absl::Status& status) { end = status; });
    broker_.WaitFor([&] { return broker_.state.acknowledged["main"] == 5; });
  }
  EXPECT_THAT(ids, ::testing::ElementsAre("e0", "e1", "e2", "e3", "e4"));
  EXPECT_TRUE(absl::IsCancelled(end));
}

TEST_F(Following, HandsTheEndToTheCallback) {
  const auto client = *Connect();
  platform::Mutex mutex;
  platform::ConditionVariable ended;
  absl::Status end;
  const auto session = client->Run(
      {}, [](const v1::Event&) {},
      [&](const absl::Status& status) {
        platform::MutexLock lock(mutex);
        end = status;
        ended.NotifyAll();
      });
  broker_.WaitFor([&] { return broker_.state.subscribe_calls == 1; });
  broker_.Revoke();
  platform::MutexLock lock(mutex);
  while (end.ok()) ended.Wait(mutex);
  EXPECT_EQ(ErrorReasonOf(end), v1::ERROR_REASON_GRANT_REVOKED);
}

TEST_F(Sending, RetriesWithTheSameRequestId) {
  const auto client = *Connect();
  broker_.state.send_failures = 2;
  const auto sent = client->SendText("chat", "hello");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->state(), v1::SEND_STATE_SENT);
  const auto& ids = broker_.state.send_request_ids;
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0].size(), 32u);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[1], ids[2]);
}

TEST_F(Sending, KeepsTheRequestIdItIsGiven) {
  const auto client = *Connect();
  v1::SendMessageRequest request;
  request.set_request_id("mine");
  ASSERT_TRUE(client->SendMessage(request).ok());
  EXPECT_THAT(broker_.state.send_request_ids, ::testing::ElementsAre("mine"));
}

TEST_F(Sending, DoesNotRetryWhatTheBrokerDoesNotCarry) {
  const auto client = *Connect();
  v1::SetReactionRequest request;
  EXPECT_TRUE(absl::IsUnimplemented(client->SetReaction(request).status()));
}

}  // namespace
}  // namespace postern::sdk
