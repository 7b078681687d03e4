// SPDX-License-Identifier: Apache-2.0
// Asking the person, and what follows: what an app is told, what the owner is told, and what
// happens when nobody is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "broker/utf8_mend.h"
#include "permissions/display_text.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/raw_subscriber.h"
#include "tests/permissions/hostile_texts.h"

extern char** environ;

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::ConsentQuestion;
using platform::SessionPresence;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::optional<permissions::ConsentAnswer> Silent(const ConsentQuestion&) { return std::nullopt; }

// What an app may read only while somebody sits there.
Person AllowWhileUnlocked() {
  return [](const ConsentQuestion& question) {
    permissions::ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
    answer.only_while_unlocked = true;
    return answer;
  };
}

// Allows for as long as the app is connected, in one way or the other.
Person AllowWhileConnected(permissions::ValidityKind kind) {
  return [kind](const ConsentQuestion& question) {
    permissions::ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
    answer.validity.kind = kind;
    return answer;
  };
}

class ConsentTest : public testing::Test {
 protected:
  ConsentTest() {
    EXPECT_TRUE(adapter_.PushDurably({ChatEvent("club"), ChatEvent("family"), ChatEvent("work")}));
  }

  v1::GetStatusResponse Status() {
    v1::GetStatusResponse status;
    const grpc::Status got = owner_->owner->GetStatus(Patiently().get(), {}, &status);
    EXPECT_TRUE(got.ok()) << Text(got);
    return status;
  }
  std::vector<v1::OwnerNotice> NoticesOf(v1::OwnerNotice::Kind kind) {
    std::vector<v1::OwnerNotice> found;
    const v1::GetStatusResponse status = Status();
    for (const v1::OwnerNotice& notice : status.notices()) {
      if (notice.kind() == kind) found.push_back(notice);
    }
    return found;
  }
  // The owner's name for the only grant of an app.
  std::string GrantIdOf(const Program& app) {
    v1::ListGrantsRequest request;
    request.set_principal(app.principal);
    v1::ListGrantsResponse grants;
    EXPECT_TRUE(owner_->owner->ListGrants(Patiently().get(), request, &grants).ok());
    return grants.grants_size() == 1 ? grants.grants(0).grant().id() : "";
  }
  grpc::Status RequestGrant(const Program& app, const v1::RequestGrantRequest& request,
                            v1::GrantRequest* answer = nullptr) {
    v1::RequestGrantResponse response;
    const grpc::Status status = app->grant->RequestGrant(Patiently().get(), request, &response);
    if (answer != nullptr) *answer = response.grant_request();
    return status;
  }
  v1::RequestGrantRequest Wish(permissions::Scope scope) {
    v1::RequestGrantRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.add_scopes(static_cast<v1::Scope>(scope));
    request.set_purpose("to show more");
    return request;
  }
  // Why an app does not see its chats, or its history; empty when it does.
  static std::string WhyNoChats(const Program& app) {
    v1::ListChatsResponse response;
    return ReasonOf(app->chat->ListChats(Patiently().get(), {}, &response));
  }
  static std::string WhyNoHistory(const Program& app, const std::string& chat_id) {
    v1::ListMessagesRequest request;
    request.set_chat_id(chat_id);
    v1::ListMessagesResponse response;
    return ReasonOf(app->message->ListMessages(Patiently().get(), request, &response));
  }
  // Follows a question until it has ended: the last word about it.
  grpc::Status Follow(const Program& app, const std::string& id, v1::GrantRequest* answer) {
    v1::GetGrantRequestRequest request;
    request.set_grant_request_id(id);
    v1::GetGrantRequestResponse response;
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    grpc::Status status;
    do {
      status = app->grant->GetGrantRequest(Patiently().get(), request, &response);
    } while (status.ok() && response.grant_request().state() == v1::GrantRequest::STATE_PENDING &&
             Steady::now() < deadline);
    *answer = response.grant_request();
    return status;
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  Program owner_ = harness_.Owner();
};

// --- Asking ---

TEST_F(ConsentTest, TheChatsThatAnAppNamesAreOfferedFirstAndNotTicked) {
  const Program app = harness_.App("Reader", {kChatsRead}, {.chats = {"work"}});
  v1::RequestGrantRequest request = Wish(kMessagesRead);
  request.add_chat_ids(ChatIdOf(app, "work"));
  harness_.clock().Advance(absl::Hours(1));
  ConsentQuestion shown;
  harness_.Decide("Reader", [&](const ConsentQuestion& question) {
    shown = question;
    return Allow(question, {.chats = {"family"}});
  });
  v1::GrantRequest answer;
  ASSERT_TRUE(RequestGrant(app, request, &answer).ok());
  ASSERT_TRUE(Follow(app, answer.id(), &answer).ok());
  ASSERT_EQ(answer.state(), v1::GrantRequest::STATE_GRANTED);
  EXPECT_THAT(shown.chats, SizeIs(3));
  EXPECT_THAT(shown.asked_chats, ElementsAre(0));
  EXPECT_EQ(shown.chats.at(0).name, "work");
  EXPECT_TRUE(shown.held_scopes.Has(kChatsRead));
  EXPECT_EQ(shown.purpose, "to show more");
  // The person chose another one, and that is what the app has.
  EXPECT_EQ(answer.grant().selection().included_chat_ids_size(), 1);
  EXPECT_THAT(answer.grant().selection().included_chat_ids(),
              testing::Not(testing::Contains(request.chat_ids(0))));
}

TEST_F(ConsentTest, AnUnknownScopeOrChatRefusesTheWholeRequest) {
  const Program app = harness_.App("Reader", {kChatsRead});
  const size_t asked = harness_.asked().size();
  harness_.clock().Advance(absl::Hours(1));
  v1::RequestGrantRequest request = Wish(kMessagesRead);
  request.add_scopes(static_cast<v1::Scope>(999));
  grpc::Status status = RequestGrant(app, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "scopes");
  request = Wish(kMessagesRead);
  request.add_chat_ids("not-a-chat");
  status = RequestGrant(app, request);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "chat_ids");
  request = Wish(kMessagesRead);
  for (size_t i = 0; i <= broker::kAskedChatsMax; ++i) {
    request.add_chat_ids(ChatIdOf(app, "club"));
  }
  status = RequestGrant(app, request);
  EXPECT_EQ(InfoOf(status).metadata().at("field"), "chat_ids");

  for (const bool required : {true, false}) {
    v1::Manifest manifest = AppManifest("Newer", {kMessagesRead});
    if (required) {
      manifest.add_required_scopes(static_cast<v1::Scope>(999));
    } else {
      manifest.add_optional_scopes(static_cast<v1::Scope>(999));
    }
    const auto enrolment = harness_.Enroll(harness_.Connect("Newer"), manifest);
    EXPECT_EQ(enrolment.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(InfoOf(enrolment.status).metadata().at("field"),
                required ? "required_scopes" : "optional_scopes");
    EXPECT_FALSE(enrolment.granted());
  }
  EXPECT_THAT(harness_.asked(), SizeIs(asked));
}

TEST_F(ConsentTest, AnIncompleteManifestIsRefusedNamingTheField) {
  const size_t asked = harness_.asked().size();
  const auto field_of = [&](const std::function<void(v1::Manifest&)>& spoil) {
    v1::Manifest manifest = AppManifest("Reader", {kMessagesRead});
    spoil(manifest);
    const auto enrolment = harness_.Enroll(harness_.Connect("Reader"), manifest);
    EXPECT_EQ(enrolment.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << Text(enrolment.status);
    const auto metadata = InfoOf(enrolment.status).metadata();
    const auto field = metadata.find("field");
    return field == metadata.end() ? std::string() : field->second;
  };
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.clear_app_id(); }), "app_id");
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.clear_display_name(); }), "display_name");
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.clear_purpose(); }), "purpose");
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.set_role(v1::ROLE_OWNER); }), "role");
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.clear_required_scopes(); }), "required_scopes");
  EXPECT_EQ(field_of([](v1::Manifest& m) { m.clear_data_destination(); }), "data_destination.kind");
  EXPECT_EQ(field_of([](v1::Manifest& m) {
              m.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
            }),
            "data_destination.service");
  EXPECT_EQ(field_of([](v1::Manifest& m) {
              m.set_role(v1::ROLE_GATEKEEPER);
              m.clear_required_scopes();
            }),
            "networks");
  EXPECT_THAT(harness_.asked(), SizeIs(asked));
}

TEST_F(ConsentTest, AManifestThatChangesWhileTheWindowIsOpenClosesIt) {
  harness_.Decide("Changer", Silent);
  const Program app = harness_.Connect("Changer");
  harness_.clock().Advance(absl::Hours(1));
  v1::EnrollRequest request;
  *request.mutable_manifest() = AppManifest("Changer", {kMessagesMetadata});
  const auto context = Patiently();
  const auto first = app->enrollment->Enroll(context.get(), request);
  v1::EnrollResponse state;
  ASSERT_TRUE(first->Read(&state));
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while ((harness_.asked().empty() || harness_.asked().back().claimed_name != "Changer") &&
         Steady::now() < deadline) {
  }
  *request.mutable_manifest() = AppManifest("Changer", {kMessagesRead, kMessagesSend});
  const auto second_context = Patiently();
  const auto second = app->enrollment->Enroll(second_context.get(), request);
  while (second->Read(&state)) {
  }
  const grpc::Status turned_away = second->Finish();
  EXPECT_EQ(ReasonOf(turned_away), "CONSENT_SILENCED") << Text(turned_away);
  while (first->Read(&state)) EXPECT_NE(state.state(), v1::EnrollResponse::STATE_GRANTED);
  EXPECT_EQ(first->Finish().error_code(), grpc::StatusCode::CANCELLED);
  v1::GetSelfResponse self;
  EXPECT_EQ(ReasonOf(app->grant->GetSelf(Patiently().get(), {}, &self)), "ENROLLMENT_REQUIRED");
}

TEST_F(ConsentTest, AQuestionThatWasAnsweredIsOfNoMoreUse) {
  const Program app = harness_.App("Reader", {kChatsRead});
  harness_.clock().Advance(absl::Hours(1));
  harness_.Decide("Reader", [](const ConsentQuestion& question) {
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  const v1::RequestGrantRequest request = Wish(kMessagesRead);
  v1::GrantRequest answer;
  ASSERT_TRUE(RequestGrant(app, request, &answer).ok());
  const std::string id = answer.id();
  ASSERT_TRUE(Follow(app, id, &answer).ok());
  EXPECT_EQ(answer.state(), v1::GrantRequest::STATE_DENIED);
  const size_t asked = harness_.asked().size();
  // The same request again is the same answer, and nobody is asked.
  ASSERT_TRUE(RequestGrant(app, request, &answer).ok());
  EXPECT_EQ(answer.id(), id);
  // Another one is turned away, before and after a restart.
  EXPECT_EQ(ReasonOf(RequestGrant(app, Wish(kMessagesRead))), "CONSENT_SILENCED");
  harness_.Restart();
  const Program again = harness_.Reconnect(app);
  EXPECT_EQ(ReasonOf(RequestGrant(again, Wish(kMessagesRead))), "CONSENT_SILENCED");
  EXPECT_EQ(ReasonOf(Follow(again, id, &answer)), "NOT_FOUND");
  EXPECT_THAT(harness_.asked(), SizeIs(asked));
}

// What a stranger calls itself reaches the person cleaned, is flagged where it could be taken for
// an app they know, and is kept as they saw it.
TEST_F(ConsentTest, AHostileNameIsShownCleanedAndFlaggedAndKeptAsShown) {
  for (const std::string& name : permissions::AllowedNames()) harness_.App(name, {kChatsRead});
  const std::vector<std::string> known = permissions::AllowedNames();
  const size_t asked_before = harness_.asked().size();
  std::map<std::string, ConsentQuestion> shown;
  size_t refused = 0;
  for (const permissions::HostileText& hostile : permissions::HostileTexts()) {
    // Protobuf itself takes no other.
    if (hostile.kind == "broken-bytes" || !broker::IsValidUtf8(hostile.text)) continue;
    SCOPED_TRACE(hostile.kind + " " + testing::PrintToString(hostile.text));
    const Program app = harness_.Connect("Hostile");
    v1::Manifest manifest = AppManifest(hostile.text, {kChatsRead});
    manifest.set_purpose(hostile.text);
    const auto enrolment = harness_.Enroll(app, manifest);
    const std::vector<ConsentQuestion> asked = harness_.asked();
    if (!enrolment.granted()) {
      // Of nothing that could be seen, or too long to be a name: nobody was asked.
      EXPECT_EQ(InfoOf(enrolment.status).metadata().at("field"), "display_name")
          << Text(enrolment.status);
      EXPECT_TRUE(hostile.text.size() > 2048 ||
                  permissions::CleanName(hostile.text) == permissions::kUnnamed);
      ASSERT_THAT(asked, SizeIs(asked_before + shown.size()));
      ++refused;
      continue;
    }
    ASSERT_THAT(asked, SizeIs(asked_before + shown.size() + 1));
    const ConsentQuestion& question = asked.back();
    EXPECT_EQ(question.claimed_name, permissions::CleanName(hostile.text));
    EXPECT_EQ(question.purpose, permissions::CleanPurpose(hostile.text));
    // Others of these names may look like it, too; of the three, at most one does.
    std::set<std::string> of_known;
    for (const std::string& name : question.looks_like) {
      if (std::count(known.begin(), known.end(), name) > 0) of_known.insert(name);
    }
    EXPECT_THAT(of_known, SizeIs(hostile.kind == "look-alike" ? 1 : 0));
    shown[app.principal] = question;
  }
  EXPECT_GE(shown.size(), 230u);
  EXPECT_GE(refused, 20u);
  for (const bool restarted : {false, true}) {
    if (restarted) {
      adapter_.End();
      harness_.Restart();
      owner_ = harness_.Owner();
    }
    size_t kept = 0;
    v1::ListAppsRequest request;
    request.set_page_size(500);
    v1::ListAppsResponse response;
    const grpc::Status status = owner_->owner->ListApps(Patiently().get(), request, &response);
    ASSERT_TRUE(status.ok()) << Text(status);
    for (const v1::App& app : response.apps()) {
      const auto question = shown.find(app.principal());
      if (question == shown.end()) continue;
      ++kept;
      EXPECT_EQ(app.claimed_name(), question->second.claimed_name);
      EXPECT_EQ(app.display_name(), question->second.claimed_name);
      EXPECT_EQ(app.purpose(), question->second.purpose);
    }
    EXPECT_EQ(kept, shown.size());
  }
}

// --- Nobody there ---

TEST_F(ConsentTest, WhereNobodyCanBeAskedTheAppIsToldWhatHelps) {
  const Program app = harness_.App("Reader", {kChatsRead});
  harness_.clock().Advance(absl::Hours(1));
  harness_.LeaveAlone();
  v1::GrantRequest answer;
  ASSERT_TRUE(RequestGrant(app, Wish(kMessagesRead), &answer).ok());
  const grpc::Status status = Follow(app, answer.id(), &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(status);
  EXPECT_EQ(ReasonOf(status), "CONSENT_UNAVAILABLE");
  EXPECT_EQ(InfoOf(status).metadata().at("cause"), "no_display");
  EXPECT_THAT(status.error_message(), testing::HasSubstr("Log in to a desktop, or start posternd"));
  // Nothing is held against it: it may ask again at once.
  EXPECT_TRUE(RequestGrant(app, Wish(kMessagesRead), &answer).ok());
  EXPECT_THAT(NoticesOf(v1::OwnerNotice::KIND_QUESTION_WAITING), SizeIs(1));
}

TEST_F(ConsentTest, ALockedScreenAsksNobodyAndSaysSo) {
  const Program app = harness_.App("Reader", {kChatsRead});
  EXPECT_TRUE(Status().session_present());
  const size_t asked = harness_.asked().size();
  harness_.session().Set(SessionPresence::kLocked);
  EXPECT_FALSE(Status().session_present());
  const auto enrolment =
      harness_.Enroll(harness_.Connect("Other"), AppManifest("Other", {kMessagesRead}));
  EXPECT_EQ(enrolment.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(enrolment.status), "CONSENT_UNAVAILABLE");
  EXPECT_EQ(InfoOf(enrolment.status).metadata().at("cause"), "locked");
  harness_.session().Set(SessionPresence::kElsewhere);
  const grpc::Status status = RequestGrant(app, Wish(kMessagesRead));
  EXPECT_EQ(InfoOf(status).metadata().at("cause"), "other_session") << Text(status);
  EXPECT_THAT(harness_.asked(), SizeIs(asked));
}

TEST_F(ConsentTest, WhatHoldsWhileUnlockedEndsWithTheLockAndComesBack) {
  harness_.Decide("Desk", AllowWhileUnlocked());
  const Program app = harness_.Connect("Desk");
  ASSERT_TRUE(harness_.Enroll(app, AppManifest("Desk", {kMessagesRead, kChatsRead})).granted());
  const Program always = harness_.App("Always", {kMessagesRead, kChatsRead});
  EventReader reader(app);
  EventReader other(always);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(other.WaitLive());
  harness_.session().Set(SessionPresence::kLocked);
  EXPECT_EQ(ReasonOf(reader.WaitEnd()), "GRANT_SUSPENDED");
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "while locked")}));
  EXPECT_TRUE(other.WaitForText("while locked"));
  EXPECT_EQ(ReasonOf(EventReader(app).WaitEnd()), "GRANT_SUSPENDED");
  harness_.session().Set(SessionPresence::kPresent);
  EventReader again(app);
  ASSERT_TRUE(again.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m2", "unlocked")}));
  EXPECT_TRUE(again.WaitForText("unlocked"));
}

// --- What ends with a connection ---

TEST_F(ConsentTest, WhatIsAllowedOnceEndsWithTheFirstConnectionThatCloses) {
  harness_.Decide("Guest", AllowWhileConnected(permissions::ValidityKind::kOnce));
  const Program app = harness_.Connect("Guest");
  ASSERT_TRUE(harness_.Enroll(app, AppManifest("Guest", {kMessagesRead, kChatsRead})).granted());
  Program second = harness_.Reconnect(app);
  ASSERT_EQ(WhyNoChats(second), "");
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  second.stubs.reset();
  const grpc::Status end = reader.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(end);
  EXPECT_EQ(ReasonOf(end), "GRANT_EXPIRED");
  EXPECT_EQ(WhyNoChats(app), "GRANT_EXPIRED");
  EXPECT_EQ(OwnerCalls(harness_).GrantOf(app).state(), v1::Grant::STATE_EXPIRED);
}

TEST_F(ConsentTest, WhatIsAllowedWhileTheAppRunsEndsWithItsLastConnection) {
  harness_.Decide("Visitor", AllowWhileConnected(permissions::ValidityKind::kWhileRunning));
  Program app = harness_.Connect("Visitor");
  ASSERT_TRUE(harness_.Enroll(app, AppManifest("Visitor", {kChatsRead})).granted());
  // More, once: both are looked at when a connection closes, and the first of them first.
  harness_.Decide("Visitor", AllowWhileConnected(permissions::ValidityKind::kOnce));
  harness_.clock().Advance(absl::Hours(1));
  v1::GrantRequest answer;
  ASSERT_TRUE(RequestGrant(app, Wish(kMessagesHistory), &answer).ok());
  ASSERT_TRUE(Follow(app, answer.id(), &answer).ok());
  ASSERT_EQ(answer.state(), v1::GrantRequest::STATE_GRANTED);
  const std::string club = ChatIdOf(app, "club");
  ASSERT_EQ(WhyNoHistory(app, club), "");
  Program second = harness_.Reconnect(app);
  ASSERT_EQ(WhyNoChats(second), "");
  second.stubs.reset();
  EXPECT_TRUE(OwnerCalls::Await([&] { return WhyNoHistory(app, club) == "GRANT_EXPIRED"; }));
  EXPECT_EQ(WhyNoChats(app), "");
  app.stubs.reset();
  OwnerCalls owner(harness_);
  EXPECT_TRUE(OwnerCalls::Await([&] {
    const std::vector<v1::Grant> grants = owner.Grants(app.principal);
    return std::all_of(grants.begin(), grants.end(), [](const v1::Grant& grant) {
      return grant.state() == v1::Grant::STATE_EXPIRED;
    });
  }));
  const Program back = harness_.Reconnect(app);
  EXPECT_EQ(WhyNoChats(back), "GRANT_EXPIRED");
  EXPECT_EQ(ReasonOf(EventReader(back).WaitEnd()), "GRANT_EXPIRED");
}

// A program that is killed says no goodbye, and its stream waits for events that do not come: it is
// noticed all the same, long before that stream would look by itself whether anybody is there.
TEST_F(ConsentTest, AProgramThatIsKilledWhileItsStreamWaitsIsGoneAtOnce) {
  harness_.Decide("Visitor", AllowWhileConnected(permissions::ValidityKind::kWhileRunning));
  Program app = harness_.Connect("Visitor");
  ASSERT_TRUE(harness_.Enroll(app, AppManifest("Visitor", {kChatsRead})).granted());
  OwnerCalls owner(harness_);
  auto killed = std::make_unique<RawSubscriber>(harness_, app, v1::SubscribeRequest());
  ASSERT_TRUE(OwnerCalls::Await([&] { return owner.Status().stream_count() == 1; }));
  app.stubs.reset();
  const auto start = Steady::now();
  killed.reset();
  EXPECT_TRUE(
      OwnerCalls::Await([&] { return owner.GrantOf(app).state() == v1::Grant::STATE_EXPIRED; }));
  EXPECT_EQ(owner.Status().stream_count(), 0u);
  EXPECT_LT(Steady::now() - start, absl::ToChronoNanoseconds(broker::kCancelPoll / 2));
}

// No connection outlives the daemon, also where it had no time to see them close.
TEST_F(ConsentTest, WhatLivesByConnectionsDoesNotOutliveTheDaemon) {
  for (const bool crash : {false, true}) {
    std::vector<Program> apps;
    for (const auto kind :
         {permissions::ValidityKind::kOnce, permissions::ValidityKind::kWhileRunning}) {
      const std::string name = "Guest " + std::to_string(static_cast<int>(kind) + 10 * crash);
      harness_.Decide(name, AllowWhileConnected(kind));
      apps.push_back(harness_.Connect(name));
      ASSERT_TRUE(harness_.Enroll(apps.back(), AppManifest(name, {kChatsRead})).granted());
      ASSERT_EQ(WhyNoChats(apps.back()), "");
    }
    const Program stays = harness_.App(crash ? "Friend" : "Neighbour", {kChatsRead});
    adapter_.End();
    if (crash) {
      harness_.RestartAsAfterCrash();
    } else {
      harness_.Restart();
    }
    for (const Program& app : apps) {
      EXPECT_EQ(WhyNoChats(harness_.Reconnect(app)), "GRANT_EXPIRED") << app.name;
    }
    EXPECT_EQ(WhyNoChats(harness_.Reconnect(stays)), "");
  }
}

// --- What an app knows of what it holds ---

TEST_F(ConsentTest, AnAppSeesEveryChangeOfWhatItHolds) {
  harness_.Decide("Watcher", [&](const ConsentQuestion& question) {
    permissions::ConsentAnswer answer = Allow(
        question, {.chats = {"club", "family"}, .until = harness_.clock().Now() + absl::Hours(2)});
    answer.only_while_unlocked = true;
    answer.history_start_time = harness_.clock().Now() - absl::Hours(24);
    return answer;
  });
  const Program app = harness_.Connect("Watcher");
  ASSERT_TRUE(
      harness_.Enroll(app, AppManifest("Watcher", {kMessagesRead, kChatsRead, kMessagesHistory}))
          .granted());
  const std::string id = GrantIdOf(app);
  const auto context = Patiently();
  const auto watch = app->grant->WatchGrants(context.get(), {});
  v1::WatchGrantsResponse held;
  // All that limits it.
  ASSERT_TRUE(watch->Read(&held));
  ASSERT_EQ(held.grants_size(), 1);
  EXPECT_TRUE(held.grants(0).only_while_unlocked());
  EXPECT_TRUE(held.grants(0).has_history_start_time());
  EXPECT_TRUE(held.grants(0).validity().has_expire_time());
  EXPECT_GT(held.grants(0).limits().sends_per_hour(), 0u);
  EXPECT_GT(held.grants(0).limits().new_chats_per_day(), 0u);
  EXPECT_GT(held.grants(0).limits().bytes_per_day(), 0u);
  EXPECT_EQ(held.grants(0).selection().included_chat_ids_size(), 2);

  v1::NarrowGrantRequest narrow;
  narrow.set_request_id(harness_.NewRequestId());
  narrow.set_grant_id(id);
  narrow.add_remove_scopes(v1::SCOPE_MESSAGES_HISTORY);
  v1::NarrowGrantResponse narrowed;
  ASSERT_TRUE(owner_->owner->NarrowGrant(Patiently().get(), narrow, &narrowed).ok());
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_THAT(held.grants(0).scopes(),
              UnorderedElementsAre(v1::SCOPE_MESSAGES_READ, v1::SCOPE_CHATS_READ));

  v1::SuspendGrantRequest suspend;
  suspend.set_request_id(harness_.NewRequestId());
  suspend.set_grant_id(id);
  v1::SuspendGrantResponse suspended;
  ASSERT_TRUE(owner_->owner->SuspendGrant(Patiently().get(), suspend, &suspended).ok());
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_EQ(held.grants(0).state(), v1::Grant::STATE_SUSPENDED);

  v1::ResumeGrantRequest resume;
  resume.set_request_id(harness_.NewRequestId());
  resume.set_grant_id(id);
  v1::ResumeGrantResponse resumed;
  ASSERT_TRUE(owner_->owner->ResumeGrant(Patiently().get(), resume, &resumed).ok());
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_EQ(held.grants(0).state(), v1::Grant::STATE_ACTIVE);

  v1::PauseResponse paused;
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_TRUE(held.paused());
  v1::ResumeResponse unpaused;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &unpaused).ok());
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_FALSE(held.paused());

  harness_.session().Set(SessionPresence::kLocked);
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_EQ(held.grants(0).state(), v1::Grant::STATE_SUSPENDED);
  harness_.session().Set(SessionPresence::kPresent);
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_EQ(held.grants(0).state(), v1::Grant::STATE_ACTIVE);

  // A second from its end: nobody changes anything, and yet it is told.
  const absl::Time end = absl::FromUnixSeconds(held.grants(0).validity().expire_time().seconds());
  harness_.clock().Advance(end - harness_.clock().Now() - absl::Seconds(1));
  ASSERT_TRUE(owner_->owner->Pause(Patiently().get(), {}, &paused).ok());
  ASSERT_TRUE(watch->Read(&held));
  harness_.clock().Advance(absl::Seconds(1));
  ASSERT_TRUE(watch->Read(&held));
  EXPECT_THAT(held.grants(), IsEmpty());
  context->TryCancel();
  watch->Finish();
}

TEST_F(ConsentTest, WhatAnAppGivesBackIsGone) {
  const Program app = harness_.App("Giver", {kMessagesRead, kChatsRead});
  v1::GetSelfResponse self;
  ASSERT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
  v1::ReleaseGrantRequest release;
  release.set_grant_id(self.grants(0).id());
  release.set_request_id(harness_.NewRequestId());
  release.add_scopes(v1::SCOPE_MESSAGES_READ);
  v1::ReleaseGrantResponse left;
  ASSERT_TRUE(app->grant->ReleaseGrant(Patiently().get(), release, &left).ok());
  EXPECT_THAT(left.grant().scopes(), ElementsAre(v1::SCOPE_CHATS_READ));
  release.set_request_id(harness_.NewRequestId());
  release.clear_scopes();
  ASSERT_TRUE(app->grant->ReleaseGrant(Patiently().get(), release, &left).ok());
  EXPECT_EQ(left.grant().state(), v1::Grant::STATE_REVOKED);
  // Another app's grant is as if it were not there.
  const Program other = harness_.App("Other", {kChatsRead});
  release.set_request_id(harness_.NewRequestId());
  EXPECT_NE(other->grant->ReleaseGrant(Patiently().get(), release, &left).error_code(),
            grpc::StatusCode::OK);
}

// --- The owner ---

TEST_F(ConsentTest, AGrantIsExtendedByThePersonAndByNobodyElse) {
  const absl::Time end = harness_.clock().Now() + absl::Hours(3);
  const Program app = harness_.App("Reader", {kChatsRead}, {.until = end});
  v1::ExtendGrantRequest request;
  request.set_request_id(harness_.NewRequestId());
  request.set_grant_id(GrantIdOf(app));
  v1::ExtendGrantResponse response;
  harness_.Decide("Reader", [](const ConsentQuestion& question) {
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  grpc::Status status = owner_->owner->ExtendGrant(Patiently().get(), request, &response);
  EXPECT_EQ(ReasonOf(status), "CONSENT_REFUSED") << Text(status);
  harness_.Decide("Reader", [&](const ConsentQuestion& question) {
    permissions::ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
    answer.validity = {permissions::ValidityKind::kUntil, end + absl::Hours(24)};
    return answer;
  });
  status = owner_->owner->ExtendGrant(Patiently().get(), request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.grant().grant().validity().expire_time().seconds(),
            absl::ToUnixSeconds(end + absl::Hours(24)));
  // Apps cannot ask for it, and cannot do it.
  status = app->owner->ExtendGrant(Patiently().get(), request, &response);
  EXPECT_EQ(ReasonOf(status), "ROLE_REQUIRED") << Text(status);
}

TEST_F(ConsentTest, TheOwnerIsToldAndSaysThatItWasRead) {
  harness_.App("Reader", {kChatsRead});
  const auto told = NoticesOf(v1::OwnerNotice::KIND_ACCESS_CHANGED);
  // Of the gatekeeper and of the app.
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_THAT(told[0].text(), testing::HasSubstr("Reader"));
  ASSERT_TRUE(harness_.notifier().WaitFor(1));
  v1::DismissNoticesRequest dismiss;
  dismiss.add_ids(told[0].id());
  v1::DismissNoticesResponse done;
  ASSERT_TRUE(owner_->owner->DismissNotices(Patiently().get(), dismiss, &done).ok());
  EXPECT_EQ(Status().notices_size(), 1);
  ASSERT_TRUE(owner_->owner->DismissNotices(Patiently().get(), {}, &done).ok());
  EXPECT_EQ(Status().notices_size(), 0);
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  if (!std::filesystem::exists(folder)) return names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(ConsentTest, PurgeLeavesNothingOnceThePersonSaidSo) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m", "to be gone")}));
  const std::vector<std::string> files = FilesIn(harness_.data_dir());
  EXPECT_THAT(files, testing::IsSupersetOf({"events.db", "high-water", "broker.pem"}));
  EXPECT_THAT(harness_.secrets().names(), testing::Not(IsEmpty()));
  v1::PurgeRequest request;
  request.set_request_id(harness_.NewRequestId());
  v1::PurgeResponse response;
  // The owner's own question has no app's name.
  harness_.Decide("", [](const ConsentQuestion& question) {
    EXPECT_EQ(question.kind, permissions::QuestionKind::kPurge);
    return fakes::ScriptedConsentPrompt::Refusal(question);
  });
  EXPECT_EQ(ReasonOf(owner_->owner->Purge(Patiently().get(), request, &response)),
            "CONSENT_REFUSED");
  EXPECT_THAT(FilesIn(harness_.data_dir()), testing::IsSupersetOf(files));
  EXPECT_FALSE(harness_.stop_asked());

  harness_.Decide("", fakes::ScriptedConsentPrompt::AllowAll);
  const grpc::Status status = owner_->owner->Purge(Patiently().get(), request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_THAT(response.remaining(), IsEmpty());
  EXPECT_THAT(FilesIn(harness_.data_dir()), IsEmpty());
  EXPECT_THAT(harness_.secrets().names(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(harness_.socket_path()));
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while (!harness_.stop_asked() && Steady::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(harness_.stop_asked());
  // And stopping writes nothing anew.
  adapter_.End();
  harness_.Stop();
  EXPECT_THAT(FilesIn(harness_.data_dir()), IsEmpty());
  EXPECT_THAT(harness_.secrets().names(), IsEmpty());
}

TEST_F(ConsentTest, PurgeNamesWhatItDidNotMakeAndLeavesIt) {
  std::ofstream(harness_.data_dir() + "/notes.txt") << "mine";
  harness_.Decide("", fakes::ScriptedConsentPrompt::AllowAll);
  v1::PurgeRequest request;
  request.set_request_id(harness_.NewRequestId());
  v1::PurgeResponse response;
  ASSERT_TRUE(owner_->owner->Purge(Patiently().get(), request, &response).ok());
  EXPECT_THAT(response.remaining(), ElementsAre(testing::HasSubstr("notes.txt")));
  EXPECT_THAT(FilesIn(harness_.data_dir()), ElementsAre("notes.txt"));
}

// Runs a copy of the test's little client with the app's key, to its end.
int RunCopyWithKey(const BrokerHarness& harness, const Program& app, const std::string& copy) {
  std::filesystem::copy_file("/proc/self/exe", copy,
                             std::filesystem::copy_options::overwrite_existing);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(copy + name, std::ios::binary) << text;
  };
  const auto key = app.identity->key_pem.span();
  write(".key", {key.begin(), key.end()});
  write(".crt", app.identity->certificate_pem);
  write(".broker", harness.broker_certificate());
  std::vector<std::string> words = {copy, "--use-key", harness.socket_path()};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, copy.c_str(), nullptr, nullptr, arguments.data(), environ), 0);
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ConsentTest, AKeyInAnotherProgramsHandsIsToldOf) {
  const Program app = harness_.App("Reader", {kChatsRead});
  EXPECT_THAT(NoticesOf(v1::OwnerNotice::KIND_PROGRAM_CHANGED), IsEmpty());
  const std::string folder =
      std::filesystem::temp_directory_path() / ("postern-copies-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const std::string& name : {"first", "first", "second"}) {
    EXPECT_EQ(RunCopyWithKey(harness_, app, folder + "/" + name), 0);
  }
  const auto told = NoticesOf(v1::OwnerNotice::KIND_PROGRAM_CHANGED);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].count(), 2u);
  EXPECT_EQ(told[0].principal(), app.principal);
  EXPECT_THAT(told[0].text(), testing::HasSubstr("second"));
  std::filesystem::remove_all(folder);
}

// --- Streams ---

TEST_F(ConsentTest, AStreamThatGotItsAccessBackAtOnceGoesOn) {
  const Program app = harness_.App("Staller", {kMessagesRead, kMessagesHistory});
  std::vector<v1::Event> events;
  for (int i = 0; i < 80; ++i) {
    events.push_back(MessageEvent("club", "m" + std::to_string(i), std::string(59 * 1024, 'x')));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  RawSubscriber stalled(harness_, app, FromOldest());
  // Not before its write waits: a stream that is between two writes ends at once, and in order.
  // Four of the messages make a frame, which is more than the socket holds.
  ASSERT_TRUE(stalled.WaitUntilStuck([this] { Status(); }));
  ASSERT_EQ(Status().stream_count(), 1u);
  const std::string id = GrantIdOf(app);
  v1::SuspendGrantRequest suspend;
  suspend.set_request_id(harness_.NewRequestId());
  suspend.set_grant_id(id);
  v1::SuspendGrantResponse suspended;
  ASSERT_TRUE(owner_->owner->SuspendGrant(Patiently().get(), suspend, &suspended).ok());
  v1::ResumeGrantRequest resume;
  resume.set_request_id(harness_.NewRequestId());
  resume.set_grant_id(id);
  v1::ResumeGrantResponse resumed;
  ASSERT_TRUE(owner_->owner->ResumeGrant(Patiently().get(), resume, &resumed).ok());
  // Longer than both bounds of an ending.
  EXPECT_FALSE(stalled.WaitHangUp(2 * broker::kRevokeShutdownAfter).has_value());
  EXPECT_EQ(Status().stream_count(), 1u);
}

TEST_F(ConsentTest, AReaderThatDoesNotReadIsToldWhyItsStreamEnded) {
  const Program enrolled = harness_.App("Staller", {kMessagesRead, kMessagesHistory});
  std::vector<v1::Event> events;
  for (int i = 0; i < 200; ++i) {
    events.push_back(MessageEvent("club", "m" + std::to_string(i), std::string(60 * 1024, 'x')));
  }
  ASSERT_TRUE(adapter_.PushDurably(events));
  adapter_.End();
  harness_.SetReaderStall(absl::Milliseconds(300));
  harness_.Restart();
  const Program app = harness_.Reconnect(enrolled);
  owner_ = harness_.Owner();
  const auto context = Patiently();
  const auto stream = app->event->Subscribe(context.get(), FromOldest());
  // It lives, and then it is gone, without a byte of it having been taken.
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while (Status().stream_count() == 0 && Steady::now() < deadline) {
  }
  ASSERT_EQ(Status().stream_count(), 1u);
  while (Status().stream_count() > 0 && Steady::now() < deadline) {
  }
  ASSERT_EQ(Status().stream_count(), 0u);
  v1::SubscribeResponse frame;
  while (stream->Read(&frame)) {
  }
  const grpc::Status end = stream->Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << Text(end);
  EXPECT_THAT(end.error_message(), testing::StartsWith("READER_STALLED:"));
}

TEST_F(ConsentTest, AnAdapterThatSaidItsLastWordAndDoesNotReadHoldsNoHandler) {
  const Program program = harness_.Gatekeeper("Mute");
  const auto key = program.identity->key_pem.span();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = harness_.broker_certificate();
  options.pem_private_key = std::string(key.begin(), key.end());
  options.pem_cert_chain = program.identity->certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Else gRPC opens its window further and further, and takes in megabytes that nobody reads.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  const sdk::Stubs stubs(grpc::CreateCustomChannel("unix:" + harness_.socket_path(),
                                                   grpc::SslCredentials(options), arguments));
  auto context = Patiently();
  const auto stream = stubs.gatekeeper->Attach(context.get());
  v1::AttachRequest request;
  *request.mutable_hello() = Adapter::Hello("mute");
  request.mutable_hello()->mutable_account()->set_display_name("Mute's AliceChat");
  ASSERT_TRUE(stream->Write(request));
  // Each of these comes back as refused, with words about it: more than any window holds.
  uint64_t position = 0;
  for (int batch = 0; batch < 40; ++batch) {
    request.Clear();
    for (int i = 0; i < 500; ++i) {
      v1::SourcedEvent& event = *request.mutable_event_batch()->add_events();
      event.set_position(++position);
      event.set_event("\xff\xff");
    }
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  const auto attached = [&] {
    const v1::GetStatusResponse status = Status();
    return std::any_of(status.accounts().begin(), status.accounts().end(),
                       [](const v1::Account& account) {
                         return account.state() != v1::ACCOUNT_STATE_DETACHED &&
                                account.display_name() == "Mute's AliceChat";
                       });
  };
  // Without reading a byte it is there, and then not.
  auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  while (!attached() && Steady::now() < deadline) {
  }
  while (attached() && Steady::now() < deadline) {
  }
  deadline = Steady::now() + absl::ToChronoNanoseconds(2 * broker::kAdapterFlushMax);
  while (Steady::now() < deadline) EXPECT_FALSE(attached());
  // Some of the answers were still to come: they were dropped, and the handler with them.
  v1::AttachResponse response;
  while (stream->Read(&response)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace postern::behaviors

// Also the little client of AKeyInAnotherProgramsHandsIsToldOf: "--use-key SOCKET" asks GetSelf
// with the key beside the program.
int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--use-key") {
    const auto read = [&](const char* name) {
      std::ifstream file(argv[0] + std::string(name), std::ios::binary);
      return std::string(std::istreambuf_iterator<char>(file), {});
    };
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = read(".broker");
    options.pem_private_key = read(".key");
    options.pem_cert_chain = read(".crt");
    const auto stub = postern::v1::GrantService::NewStub(
        grpc::CreateChannel("unix:" + std::string(argv[2]), grpc::SslCredentials(options)));
    postern::v1::GetSelfResponse self;
    return stub->GetSelf(postern::behaviors::Patiently().get(), {}, &self).ok() ? 0 : 1;
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
