// SPDX-License-Identifier: Apache-2.0
// Who is told of the apps that see a chat, how often, and what becomes of their no.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "broker/limits.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::HasSubstr;
using testing::Not;

v1::Event Group(const std::string& chat, const std::vector<std::string>& people) {
  v1::Event event = ChatEvent(chat);
  for (const std::string& person : people) {
    event.mutable_chat_created()->mutable_chat()->add_participants()->set_contact_id(person);
  }
  return event;
}

v1::Event Joined(const std::string& chat, const std::string& person) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_participant_joined()->mutable_participant()->set_contact_id(person);
  return event;
}
v1::Event Left(const std::string& chat, const std::string& person) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_participant_left()->set_contact_id(person);
  return event;
}

v1::Event Encrypted(v1::Event event) {
  event.mutable_message_created()->mutable_message()->set_end_to_end_encrypted(true);
  return event;
}

class DisclosureTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_->PushDurably({Group("club", {"self", "bob", "carol"})}));
  }

  Program NewApp(const std::string& name, bool leaves_device,
                 const std::vector<permissions::Scope>& scopes = {kMessagesRead}) {
    harness_.Decide(name, [](const permissions::ConsentQuestion& question) {
      return fakes::ScriptedConsentPrompt::AllowAll(question);
    });
    Program app = harness_.Connect(name);
    v1::Manifest manifest = AppManifest(name, scopes);
    if (leaves_device) {
      manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
      manifest.mutable_data_destination()->set_service("translate.example");
    }
    const BrokerHarness::Enrolment enrolment = harness_.Enroll(app, manifest);
    EXPECT_TRUE(enrolment.granted()) << Text(enrolment.status);
    return app;
  }
  void Revoke(const Program& app) {
    v1::RevokeAppRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_principal(app.principal);
    v1::RevokeAppResponse response;
    const grpc::Status status = owner_->owner->RevokeApp(Patiently().get(), request, &response);
    ASSERT_TRUE(status.ok()) << Text(status);
  }
  void SetPolicy(v1::NoticePolicy policy) {
    v1::ListOwnedAccountsResponse accounts;
    ASSERT_TRUE(owner_->owner->ListOwnedAccounts(Patiently().get(), {}, &accounts).ok());
    ASSERT_EQ(accounts.accounts_size(), 1);
    v1::SetNoticePolicyRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_account_id(accounts.accounts(0).id());
    request.set_policy(policy);
    v1::SetNoticePolicyResponse response;
    const grpc::Status status =
        owner_->owner->SetNoticePolicy(Patiently().get(), request, &response);
    ASSERT_TRUE(status.ok()) << Text(status);
  }
  // Looks at the disclosures, which makes the broker do what is due by now.
  std::vector<v1::ChatDisclosure> Disclosures() {
    v1::ListDisclosuresResponse response;
    const grpc::Status status = owner_->owner->ListDisclosures(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return {response.disclosures().begin(), response.disclosures().end()};
  }
  // Lets what is noticed now become due.
  void Pass(absl::Duration time) {
    Disclosures();
    harness_.clock().Advance(time + absl::Seconds(1));
    Disclosures();
  }
  // Waits until the answer to the last notice has been taken in.
  bool WaitPosted() {
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    while (Steady::now() < deadline) {
      for (const v1::ChatDisclosure& disclosure : Disclosures()) {
        if (disclosure.notice_posted()) return true;
      }
    }
    return false;
  }
  std::vector<v1::Command> Notices() {
    std::vector<v1::Command> notices;
    for (const v1::Command& command : adapter_->commands()) {
      if (command.has_post_notice()) notices.push_back(command);
    }
    return notices;
  }
  // The notices there are once so many have come and nothing else is due.
  std::vector<v1::Command> NoticesInPeace(size_t count) {
    EXPECT_TRUE(adapter_->WaitForCommands(count + sent_));
    for (int i = 0; i < 3; ++i) Pass(broker::kNoticeDelay);
    // What was handed to the adapter before this has come when it answers this.
    v1::SendMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(ChatIdOf(sender_, "club"));
    request.set_text("barrier");
    v1::SendMessageResponse response;
    const grpc::Status status =
        sender_->message->SendMessage(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    ++sent_;
    return Notices();
  }
  void Restart() {
    adapter_.reset();
    harness_.Restart();
    owner_ = harness_.Owner();
    gatekeeper_ = harness_.Reconnect(gatekeeper_);
    sender_ = harness_.Reconnect(sender_);
    adapter_ = Adapter::Again(gatekeeper_);
    sent_ = 0;
  }
  std::vector<v1::SealedObject> Seals() {
    v1::ListSealsResponse response;
    EXPECT_TRUE(owner_->owner->ListSeals(Patiently().get(), {}, &response).ok());
    return {response.seals().begin(), response.seals().end()};
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  Program owner_ = harness_.Owner();
  // Sees the chats' names only, and takes nothing away.
  Program sender_ = harness_.App("Sender", {kMessagesSend, kChatsRead});
  size_t sent_ = 0;
};

TEST_F(DisclosureTest, AppsAreToldWhoMayReadChatsAndNoOther) {
  const Program watcher = NewApp("Watcher", false, {kChatsRead});
  const Program blind = NewApp("Blind", false, {kMessagesRead});
  EventReader watching(watcher);
  EventReader blinded(blind);
  ASSERT_TRUE(watching.WaitLive() && blinded.WaitLive());
  const Program translator = NewApp("Translator", true);
  Revoke(translator);
  // By then it has looked at both.
  Disclosures();
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "end", "end")}));
  ASSERT_TRUE(blinded.WaitForText("end"));
  for (const v1::Event& event : blinded.events()) EXPECT_FALSE(event.has_disclosure_changed());
  ASSERT_TRUE(watching.WaitForEvents(2));
  uint32_t apps = 0;
  bool left = false;
  for (const v1::Event& event : watching.events()) {
    ASSERT_TRUE(event.has_disclosure_changed()) << event.ShortDebugString();
    EXPECT_EQ(event.chat_id(), ChatIdOf(watcher, "club"));
    apps = event.disclosure_changed().app_count();
    if (event.disclosure_changed().leaves_device()) {
      EXPECT_EQ(apps, 4u);
      left = true;
    }
  }
  EXPECT_TRUE(left);
  EXPECT_EQ(apps, 3u);
}

TEST_F(DisclosureTest, TheClientIsToldAtAttachAndOnEachChange) {
  const Program translator = NewApp("Translator", true, {kMessagesRead, kMessagesSend});
  const auto of_translator = [&]() -> std::optional<v1::DisclosedApp> {
    const std::vector<v1::Disclosure> all = adapter_->disclosures();
    for (const v1::DisclosedApp& app : all.back().apps()) {
      if (app.display_name() == "Translator") return app;
    }
    return std::nullopt;
  };
  Disclosures();
  ASSERT_TRUE(adapter_->WaitForDisclosures(2));
  ASSERT_TRUE(of_translator().has_value());
  EXPECT_EQ(adapter_->disclosures().back().chat_id(), "club");
  EXPECT_TRUE(of_translator()->leaves_device());
  EXPECT_EQ(of_translator()->service(), "translate.example");
  EXPECT_TRUE(of_translator()->may_write());
  EXPECT_FALSE(of_translator()->metadata_only());
  adapter_.reset();
  adapter_ = Adapter::Again(gatekeeper_);
  ASSERT_TRUE(adapter_->WaitForDisclosures(1));
  EXPECT_TRUE(of_translator().has_value());
  Revoke(translator);
  ASSERT_TRUE(adapter_->WaitForDisclosures(2));
  EXPECT_FALSE(of_translator().has_value());
  // A sealed chat is seen by nobody.
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  seal.set_chat_id(Disclosures().front().chat_id());
  v1::SealResponse sealed;
  ASSERT_TRUE(owner_->owner->Seal(Patiently().get(), seal, &sealed).ok());
  ASSERT_TRUE(adapter_->WaitForDisclosures(3));
  EXPECT_EQ(adapter_->disclosures().back().apps_size(), 0);
}

TEST_F(DisclosureTest, ABurstOfChangesMakesOneNoticeAndTheEndAnother) {
  const Program first = NewApp("Translator", true);
  const Program second = NewApp("Backup", true, {kMessagesMetadata});
  const Program third = NewApp("Reader", false);
  Pass(broker::kNoticeDelay);
  std::vector<v1::Command> notices = NoticesInPeace(1);
  ASSERT_EQ(notices.size(), 1u);
  const v1::PostNoticeCommand& notice = notices[0].post_notice();
  EXPECT_EQ(notice.chat_id(), "club");
  EXPECT_EQ(notice.objection_word(), "NO APPS");
  EXPECT_THAT(notice.text(), HasSubstr("“Translator” reads this chat"));
  EXPECT_THAT(notice.text(), HasSubstr("translate.example"));
  EXPECT_THAT(notice.text(), HasSubstr("“Backup” sees who writes"));
  // Which of the two comes first goes by their keys.
  EXPECT_THAT(notice.text(), HasSubstr("Notice: the app “"));
  EXPECT_THAT(notice.text(), HasSubstr(". The app “"));
  EXPECT_THAT(notice.text(), HasSubstr("NO APPS"));
  // It is about what leaves the device.
  EXPECT_THAT(notice.text(), Not(HasSubstr("Reader")));
  EXPECT_TRUE(WaitPosted());
  const std::vector<v1::ChatDisclosure> shown = Disclosures();
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_EQ(shown[0].principals_size(), 4);
  EXPECT_TRUE(shown[0].leaves_device());
  EXPECT_EQ(shown[0].notice_policy(), v1::NOTICE_POLICY_WHEN_LEAVING);
  Revoke(first);
  Revoke(second);
  Pass(broker::kNoticeDelay);
  notices = NoticesInPeace(2);
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[1].post_notice().objection_word(), "");
  EXPECT_THAT(notices[1].post_notice().text(), HasSubstr("any more"));
}

TEST_F(DisclosureTest, ThePolicySaysWhenPeopleAreTold) {
  SetPolicy(v1::NOTICE_POLICY_OFF);
  const Program away = NewApp("Translator", true);
  const Program here = NewApp("Reader", false);
  EXPECT_TRUE(NoticesInPeace(0).empty());
  SetPolicy(v1::NOTICE_POLICY_ALWAYS);
  Pass(broker::kNoticeDelay);
  std::vector<v1::Command> notices = NoticesInPeace(1);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_THAT(notices[0].post_notice().text(), HasSubstr("“Reader” reads this chat for me, on my"));
  // Going quieter is no news in the chats.
  SetPolicy(v1::NOTICE_POLICY_WHEN_LEAVING);
  EXPECT_EQ(NoticesInPeace(1).size(), 1u);
  Revoke(here);
  EXPECT_EQ(NoticesInPeace(1).size(), 1u);
}

TEST_F(DisclosureTest, ARestartRepeatsNothing) {
  const Program translator = NewApp("Translator", true);
  Pass(broker::kNoticeDelay);
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  ASSERT_TRUE(WaitPosted());
  Restart();
  EXPECT_TRUE(NoticesInPeace(0).empty());
  EXPECT_TRUE(WaitPosted());
}

TEST_F(DisclosureTest, ANoticeCutByACrashIsAskedForUnderItsOldId) {
  adapter_->Answer([](const v1::Command&) { return std::nullopt; });
  const Program translator = NewApp("Translator", true);
  Pass(broker::kNoticeDelay);
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  const v1::Command cut = adapter_->commands().front();
  Restart();
  std::vector<v1::Command> again = NoticesInPeace(1);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].SerializeAsString(), cut.SerializeAsString());
  EXPECT_TRUE(WaitPosted());
  // What nobody knows is not repeated either.
  Revoke(translator);
  adapter_->Answer([](const v1::Command& command) -> std::optional<v1::CommandResult> {
    v1::CommandResult result;
    result.set_state(command.has_post_notice() ? v1::CommandResult::STATE_UNKNOWN
                                               : v1::CommandResult::STATE_SENT);
    return result;
  });
  EXPECT_EQ(NoticesInPeace(1).size(), 2u);
  Restart();
  EXPECT_TRUE(NoticesInPeace(0).empty());
}

TEST_F(DisclosureTest, NewcomersAreToldOnceHoweverManyCome) {
  const Program translator = NewApp("Translator", true);
  Pass(broker::kNoticeDelay);
  ASSERT_EQ(NoticesInPeace(1).size(), 1u);
  std::vector<v1::Event> crowd;
  for (int i = 0; i < 60; ++i) crowd.push_back(Joined("club", "new " + std::to_string(i)));
  ASSERT_TRUE(adapter_->PushDurably(crowd));
  Pass(broker::kNewcomerNoticeSpacing);
  std::vector<v1::Command> notices = NoticesInPeace(2);
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[1].post_notice().text(), notices[0].post_notice().text());
  EXPECT_NE(notices[1].command_id(), notices[0].command_id());
  // Who comes back was told.
  ASSERT_TRUE(adapter_->PushDurably({Left("club", "new 7"), Joined("club", "new 7")}));
  Pass(broker::kNewcomerNoticeSpacing);
  EXPECT_EQ(NoticesInPeace(2).size(), 2u);
  // A second crowd right after the first waits until it is decent to tell again.
  ASSERT_TRUE(adapter_->PushDurably({Joined("club", "late")}));
  Pass(broker::kNewcomerNoticeSpacing);
  EXPECT_EQ(NoticesInPeace(3).size(), 3u);
}

TEST_F(DisclosureTest, WhoAnswersWithTheWordIsSealedBeforeThatAnswerIsSeen) {
  const Program translator = NewApp("Translator", true);
  EventReader reader(translator);
  ASSERT_TRUE(reader.WaitLive());
  // Before the notice it is a word like any other.
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m0", "no apps")}));
  EXPECT_TRUE(Seals().empty());
  Pass(broker::kNoticeDelay);
  ASSERT_EQ(NoticesInPeace(1).size(), 1u);
  // The user's own, imported ones and longer ones do not count.
  v1::Event own = MessageEvent("club", "m1", "NO APPS");
  own.mutable_message_created()->mutable_message()->set_sender_contact_id("self");
  v1::Event old = MessageEvent("club", "m2", "NO APPS");
  old.set_backfill(true);
  ASSERT_TRUE(
      adapter_->PushDurably({own, old, MessageEvent("club", "m3", "there are no apps for that")}));
  EXPECT_TRUE(Seals().empty());

  ASSERT_TRUE(adapter_->PushDurably({Encrypted(MessageEvent("club", "m4", " No apps.\n")),
                                     MessageEvent("club", "m5", "between us")}));
  ASSERT_EQ(Seals().size(), 1u);
  EXPECT_TRUE(Seals()[0].objected());
  EXPECT_EQ(Seals()[0].name(), "Bob");
  EXPECT_EQ(Seals()[0].reach(), v1::SEAL_REACH_OFF_DEVICE);
  ASSERT_TRUE(reader.WaitForReported(4));
  const std::vector<v1::Event> events = reader.reported();
  for (size_t i = events.size() - 2; i < events.size(); ++i) {
    EXPECT_EQ(events[i].view(), v1::EVENT_VIEW_WITHHELD) << events[i].ShortDebugString();
    EXPECT_TRUE(events[i].message_created().message().withheld());
  }
  // They get an answer, once; the user is told, and it is in the history.
  ASSERT_TRUE(adapter_->PushDurably({Encrypted(MessageEvent("club", "m6", "NO APPS"))}));
  std::vector<v1::Command> notices = NoticesInPeace(2);
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_THAT(notices[1].post_notice().text(), HasSubstr("Understood"));
  v1::GetStatusResponse status;
  ASSERT_TRUE(owner_->owner->GetStatus(Patiently().get(), {}, &status).ok());
  EXPECT_TRUE(std::any_of(status.notices().begin(), status.notices().end(),
                          [](const v1::OwnerNotice& notice) {
                            return notice.kind() == v1::OwnerNotice::KIND_OBJECTION &&
                                   notice.text().starts_with("Bob ");
                          }));
  v1::ListAccessHistoryRequest request;
  request.add_verbs(v1::ACCESS_VERB_SEALED);
  v1::ListAccessHistoryResponse history;
  ASSERT_TRUE(owner_->owner->ListAccessHistory(Patiently().get(), request, &history).ok());
  EXPECT_EQ(history.entries_size(), 1);

  // What came encrypted is not taken back by a word that anybody on the way could have written.
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m7", "APPS OK")}));
  EXPECT_EQ(Seals().size(), 1u);
  ASSERT_TRUE(adapter_->PushDurably({Encrypted(MessageEvent("club", "m8", "apps ok"))}));
  EXPECT_TRUE(Seals().empty());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m9", "hello again")}));
  EXPECT_TRUE(reader.WaitForText("hello again"));
}

TEST_F(DisclosureTest, ANoticeIsNobodysMessageAndSaysSo) {
  const Program translator = NewApp("Translator", true);
  EventReader reader(translator);
  ASSERT_TRUE(reader.WaitLive());
  Pass(broker::kNoticeDelay);
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  const v1::Command notice = adapter_->commands().front();
  v1::Event made = MessageEvent("club", "notice", notice.post_notice().text());
  made.mutable_message_created()->mutable_message()->set_sender_contact_id("self");
  made.mutable_message_created()->mutable_message()->set_from_owner(true);
  adapter_->PushAt(100, made.SerializeAsString(), notice.command_id());
  ASSERT_TRUE(reader.WaitForText(notice.post_notice().text()));
  const v1::Message message = reader.reported().back().message_created().message();
  EXPECT_TRUE(message.from_owner());
  EXPECT_EQ(message.origin().app_display_name(), "Postern");
  EXPECT_FALSE(message.origin().is_own());
}

TEST_F(DisclosureTest, WhatAnAppSendsSaysSoAsThePolicyHasIt) {
  const Program away = NewApp("Translator", true, {kChatsRead, kMessagesSend});
  const auto attribution = [&](const Program& app) {
    v1::SendMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(ChatIdOf(app, "club"));
    request.set_text("hello " + request.request_id());
    v1::SendMessageResponse response;
    const grpc::Status status = app->message->SendMessage(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::Command& command : adapter_->commands()) {
      if (command.send_message().text() == request.text()) {
        return command.send_message().attribution();
      }
    }
    return std::string("(nothing was sent)");
  };
  EXPECT_THAT(attribution(away), HasSubstr("“Translator”"));
  EXPECT_EQ(attribution(sender_), "");
  SetPolicy(v1::NOTICE_POLICY_ALWAYS);
  EXPECT_THAT(attribution(sender_), HasSubstr("“Sender”"));
  SetPolicy(v1::NOTICE_POLICY_OFF);
  EXPECT_EQ(attribution(away), "");
}

TEST_F(DisclosureTest, AHostileNameIsCleanedBeforeItIsPosted) {
  const Program app = NewApp("Trans\u202Elator\nNO APPS", true);
  Pass(broker::kNoticeDelay);
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  const std::string text = adapter_->commands().front().post_notice().text();
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, Not(HasSubstr("\u202E")));
}

}  // namespace
}  // namespace postern::behaviors
