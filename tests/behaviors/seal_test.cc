// SPDX-License-Identifier: Apache-2.0
// Who is sealed is as if not there; who objects leaves a mark; and neither waits for anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "permissions/method_access.h"
#include "tests/behaviors/any_method.h"
#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/stopped_store.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::HasSubstr;
using testing::Not;

constexpr char kCanary[] = "canary";

const std::vector<permissions::Scope> kEverything = {
    kChatsRead,    kMessagesRead,  kMessagesHistory, kAttachmentsRead,
    kContactsRead, kReactionsRead, kReceiptsRead,    kTypingRead,
    kPresenceRead, kCallsRead,     kMessagesSend,    kReactionsWrite};

v1::Event Group(const std::string& chat, const std::vector<std::string>& people) {
  v1::Event event = ChatEvent(chat);
  for (const std::string& person : people) {
    v1::Participant& participant =
        *event.mutable_chat_created()->mutable_chat()->add_participants();
    participant.set_contact_id(person);
    participant.set_display_name(person);
  }
  return event;
}

v1::Event Direct(const std::string& chat, const std::string& peer) {
  v1::Event event = Group(chat, {"self", peer});
  event.mutable_chat_created()->mutable_chat()->set_kind(v1::CHAT_KIND_DIRECT);
  event.mutable_chat_created()->mutable_chat()->set_peer_contact_id(peer);
  return event;
}

v1::Event From(const std::string& person, v1::Event event) {
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_sender_contact_id(person);
  message.set_sender_display_name(person);
  return event;
}

v1::Event Answer(const std::string& quoted, const std::string& of, v1::Event event) {
  v1::ReplyTo& quote = *event.mutable_message_created()->mutable_message()->mutable_reply_to();
  quote.set_message_id(quoted);
  quote.set_sender_contact_id(of);
  quote.set_excerpt("the canary sings");
  return event;
}

template <typename Set>
v1::Event InChat(const std::string& chat, Set set) {
  v1::Event event;
  event.set_chat_id(chat);
  set(event);
  return event;
}

// Everything that Bob can be seen by in a group where Carol is too, with texts that hold the
// canary.
std::vector<v1::Event> AllOfBob(const std::string& chat) {
  std::vector<v1::Event> events = {
      MessageEvent(chat, "b1", "the canary sings"), EditEvent(chat, "b1", "the canary sang"),
      // Carol's answer quotes him, as an excerpt and, as some clients do, in the text.
      From("carol", Answer("b1", "bob", MessageEvent(chat, "c1", "> the canary sings\nwell sung"))),
      ReactionEvent(chat, "b1", "+1")};
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_reaction_set()->set_message_id("c1");
    event.mutable_reaction_set()->set_contact_id("bob");
    event.mutable_reaction_set()->set_emoji("canary");
  }));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_receipt()->add_message_ids("c1");
    event.mutable_receipt()->set_contact_id("bob");
  }));
  events.push_back(TypingEvent(chat));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_call()->set_call_id("k1");
    event.mutable_call()->set_contact_id("bob");
  }));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_attachment_ready()->set_message_id("b1");
    event.mutable_attachment_ready()->mutable_attachment()->set_id("a1");
    event.mutable_attachment_ready()->mutable_attachment()->set_file_name("canary.png");
  }));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_poll_voted()->set_message_id("c1");
    event.mutable_poll_voted()->set_contact_id("bob");
    event.mutable_poll_voted()->add_option_ids("canary");
  }));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_pin_changed()->set_message_id("c1");
    event.mutable_pin_changed()->set_contact_id("bob");
  }));
  events.push_back(InChat(chat, [](v1::Event& event) {
    event.mutable_participant_changed()->mutable_participant()->set_contact_id("bob");
    event.mutable_participant_changed()->mutable_participant()->set_display_name("canary");
  }));
  return events;
}

class SealTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        adapter_->PushDurably({Group("club", {"self", "bob", "carol"}),
                               Group("other", {"self", "carol"}), Direct("with bob", "bob")}));
  }

  // An app, as a test goes on: it sees live events from here on.
  Program NewApp(const std::string& name, bool leaves_device) {
    harness_.Decide(name, [](const permissions::ConsentQuestion& question) {
      return fakes::ScriptedConsentPrompt::AllowAll(question);
    });
    Program app = harness_.Connect(name);
    v1::Manifest manifest = AppManifest(name, kEverything);
    if (leaves_device) {
      manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
      manifest.mutable_data_destination()->set_service("translate.example");
    }
    const BrokerHarness::Enrolment enrolment = harness_.Enroll(app, manifest);
    EXPECT_TRUE(enrolment.granted()) << Text(enrolment.status);
    return app;
  }

  v1::Chat OwnedChat(const std::string& name) {
    v1::ListOwnedChatsResponse response;
    const grpc::Status status = owner_->owner->ListOwnedChats(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    for (const v1::Chat& chat : response.chats()) {
      if (chat.name() == name) return chat;
    }
    ADD_FAILURE() << "no chat " << name;
    return {};
  }
  std::string OwnedPerson(const std::string& name) {
    const v1::Chat chat = OwnedChat("with bob");
    for (const v1::Participant& participant : chat.participants()) {
      if (participant.display_name() == name) return participant.contact_id();
    }
    ADD_FAILURE() << "nobody is called " << name;
    return {};
  }
  grpc::Status Seal(v1::SealRequest request) {
    request.set_request_id(harness_.NewRequestId());
    v1::SealResponse response;
    return owner_->owner->Seal(Patiently().get(), request, &response);
  }
  void SealChat(const std::string& name, v1::SealReach reach = v1::SEAL_REACH_ALL_APPS) {
    v1::SealRequest request;
    request.set_chat_id(OwnedChat(name).id());
    request.set_reach(reach);
    const grpc::Status status = Seal(request);
    ASSERT_TRUE(status.ok()) << Text(status);
  }
  void SealPerson(const std::string& name, v1::SealReach reach = v1::SEAL_REACH_ALL_APPS) {
    v1::SealRequest request;
    request.set_contact_id(OwnedPerson(name));
    request.set_reach(reach);
    const grpc::Status status = Seal(request);
    ASSERT_TRUE(status.ok()) << Text(status);
  }
  grpc::Status UnsealPerson(const std::string& name) {
    v1::UnsealRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_contact_id(OwnedPerson(name));
    v1::UnsealResponse response;
    return owner_->owner->Unseal(Patiently().get(), request, &response);
  }
  std::vector<v1::SealedObject> Seals() {
    v1::ListSealsResponse response;
    const grpc::Status status = owner_->owner->ListSeals(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return {response.seals().begin(), response.seals().end()};
  }
  // As a client reports it for its user's correspondent.
  void Object(const std::string& person, bool withdrawn = false) {
    v1::AttachRequest request;
    request.mutable_objection()->set_contact_id(person);
    request.mutable_objection()->set_withdrawn(withdrawn);
    adapter_->Say(request);
    // The stream is in order: what follows is durable after it.
    ASSERT_TRUE(adapter_->PushDurably({TypingEvent("other")}));
  }
  std::vector<v1::Message> Listed(const Program& app, const std::string& chat) {
    v1::ListMessagesRequest request;
    request.set_chat_id(ChatIdOf(app, chat));
    v1::ListMessagesResponse response;
    const grpc::Status status = app->message->ListMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return {response.messages().begin(), response.messages().end()};
  }
  // How often the history says that the app had a mark in place of a text.
  uint64_t WithheldOf(const Program& app) {
    v1::ListAccessHistoryRequest request;
    request.set_principal(app.principal);
    request.add_verbs(v1::ACCESS_VERB_WITHHELD);
    v1::ListAccessHistoryResponse response;
    const grpc::Status status =
        owner_->owner->ListAccessHistory(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    uint64_t count = 0;
    for (const v1::AccessEntry& entry : response.entries()) count += entry.count();
    return count;
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  Program owner_ = harness_.Owner();
};

// What an app knows a chat by from before it was sealed gets it nothing: each call answers as for a
// chat that its grants do not cover.
TEST_F(SealTest, ASealedChatIsAsIfNotThereOnEveryCall) {
  const Program app = NewApp("Reader", false);
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "the canary sings")}));
  const std::string chat = ChatIdOf(app, "club");
  const std::vector<v1::Message> before = Listed(app, "club");
  ASSERT_EQ(before.size(), 1u);
  EventReader reader(app);
  EventReader old_reader(app, FromOldest());
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(old_reader.WaitForText("the canary sings"));
  SealChat("club");
  ASSERT_TRUE(adapter_->PushDurably(AllOfBob("club")));
  ASSERT_TRUE(
      adapter_->PushDurably({Group("club", {"canary"}), MessageEvent("other", "o", "end")}));
  ASSERT_TRUE(reader.WaitForText("end"));
  for (const v1::Event& event : reader.events()) {
    EXPECT_NE(event.chat_id(), chat) << event.ShortDebugString();
    EXPECT_THAT(event.SerializeAsString(), Not(HasSubstr(kCanary))) << event.ShortDebugString();
  }
  EXPECT_EQ(ChatIdOf(app, "club"), "");
  const auto expect_nothing = [](const grpc::Status& status, const char* call) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << call << Text(status);
    EXPECT_EQ(ReasonOf(status), "NOT_FOUND") << call;
  };
  v1::GetChatRequest get_chat;
  get_chat.set_chat_id(chat);
  v1::GetChatResponse got_chat;
  expect_nothing(app->chat->GetChat(Patiently().get(), get_chat, &got_chat), "GetChat");
  v1::ListParticipantsRequest participants;
  participants.set_chat_id(chat);
  v1::ListParticipantsResponse listed_participants;
  expect_nothing(app->chat->ListParticipants(Patiently().get(), participants, &listed_participants),
                 "ListParticipants");
  v1::ListMessagesRequest list;
  list.set_chat_id(chat);
  v1::ListMessagesResponse listed;
  expect_nothing(app->message->ListMessages(Patiently().get(), list, &listed), "ListMessages");
  v1::GetMessageRequest get;
  get.set_message_id(before[0].id());
  v1::GetMessageResponse got;
  expect_nothing(app->message->GetMessage(Patiently().get(), get, &got), "GetMessage");
  v1::SendMessageRequest send;
  send.set_request_id(harness_.NewRequestId());
  send.set_chat_id(chat);
  send.set_text("hello");
  v1::SendMessageResponse sent;
  expect_nothing(app->message->SendMessage(Patiently().get(), send, &sent), "SendMessage");
  v1::SetReactionRequest react;
  react.set_request_id(harness_.NewRequestId());
  react.set_message_id(before[0].id());
  react.set_emoji("+1");
  v1::SetReactionResponse reacted;
  expect_nothing(app->message->SetReaction(Patiently().get(), react, &reacted), "SetReaction");
}

// Every method of the contract that needs a scope, called by an app that holds all of them, with
// the names that it learnt before.
class SealedCallsTest : public SealTest {
 protected:
  enum class Gone { kChat, kMessages };

  // Learns what is in 'chat', in which Bob wrote and sent a file. What is gone by a seal is the
  // chat with what the app wrote there itself, or only what Bob wrote.
  void Learn(const std::string& chat, Gone gone) {
    gone_ = gone;
    std::vector<permissions::Scope> scopes;
    for (int i = 1; i <= permissions::kScopeCount; ++i) {
      scopes.push_back(static_cast<permissions::Scope>(i));
    }
    app_ = harness_.App("Holder", scopes);
    v1::SubscribeRequest with_own;
    with_own.set_include_own(true);
    EventReader reader(app_, with_own);
    ASSERT_TRUE(reader.WaitLive());
    v1::SendMessageRequest send;
    send.set_request_id(harness_.NewRequestId());
    send.set_chat_id(ChatIdOf(app_, chat));
    send.set_text("mine");
    v1::SendMessageResponse sent;
    const grpc::Status status = app_->message->SendMessage(Patiently().get(), send, &sent);
    ASSERT_TRUE(status.ok()) << Text(status);
    v1::Event file = MessageEvent(chat, "b1", "the canary sings");
    v1::Attachment& attachment =
        *file.mutable_message_created()->mutable_message()->add_attachments();
    attachment.set_id("a1");
    attachment.set_file_name("canary.png");
    const uint64_t at = adapter_->Push({file});
    adapter_->PushAt(at + 1, MessageEvent(chat, "sent-1", "mine").SerializeAsString(),
                     adapter_->commands().back().command_id());
    ASSERT_TRUE(reader.WaitForText("mine"));
    for (const v1::Event& event : reader.reported()) {
      const v1::Message& message = event.message_created().message();
      if (message.text() == "mine" && gone == Gone::kChat) named_.message = message.id();
      if (message.attachments_size() == 0) continue;
      named_.account = event.account_id();
      named_.chat = event.chat_id();
      named_.contact = message.sender_contact_id();
      named_.attachment = message.attachments(0).id();
      if (gone == Gone::kMessages) named_.message = message.id();
    }
    // From here on nothing that is asked for is done.
    adapter_->Answer([](const v1::Command&) {
      v1::CommandResult result;
      result.set_state(v1::CommandResult::STATE_FAILED);
      return result;
    });
    ASSERT_TRUE(OwnerCalls::Await([&] { return Found() > 0; }));
  }
  // How many messages a search for the canary finds.
  int Found() {
    v1::SearchMessagesRequest request;
    request.set_query(kCanary);
    v1::SearchMessagesResponse response;
    const grpc::Status status =
        app_->message->SearchMessages(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return response.messages_size();
  }
  // All that the app may take with it.
  std::string Exported() {
    harness_.clock().Advance(absl::Hours(1));
    v1::ExportRequest request;
    request.set_request_id(harness_.NewRequestId());
    const auto context = Patiently();
    const auto stream = app_->export_service->Export(context.get(), request);
    std::string all;
    v1::ExportResponse response;
    while (stream->Read(&response)) all += response.data();
    const grpc::Status status = stream->Finish();
    EXPECT_TRUE(status.ok()) << Text(status);
    return all;
  }
  grpc::Status CallWith(Named named, const std::string& method, std::string* answer = nullptr) {
    named.request_id = harness_.NewRequestId();
    // The person is not to be asked often, and is for an export.
    if (method.ends_with("/Export")) harness_.clock().Advance(absl::Hours(1));
    const std::string text = CompleteRequests(named).at(ShortName(method));
    return Call(app_, method, RequestBytes(method, text), answer);
  }
  // Whether a method's request names what is gone.
  bool NamesIt(const std::string& method) {
    const std::string text = CompleteRequests(named_).at(ShortName(method));
    return text.find(named_.message) != std::string::npos ||
           text.find(named_.attachment) != std::string::npos ||
           (gone_ == Gone::kChat && text.find(named_.chat) != std::string::npos);
  }
  static std::vector<std::string> ScopedMethods() {
    std::vector<std::string> methods;
    for (const permissions::MethodAccess& row : permissions::AllMethodAccess()) {
      if (row.scope.has_value()) methods.emplace_back(row.full_method);
    }
    return methods;
  }
  void ExpectAllOpen() {
    for (const std::string& method : ScopedMethods()) {
      // It is no poll; and what Bob wrote was never the app's to change.
      const bool own_only = method.ends_with("/EditMessage") || method.ends_with("/DeleteMessage");
      if (!NamesIt(method) || method.ends_with("/VotePoll")) continue;
      if (own_only && gone_ == Gone::kMessages) continue;
      const grpc::Status status = CallWith(named_, method);
      EXPECT_NE(status.error_code(), grpc::StatusCode::NOT_FOUND) << method << Text(status);
      EXPECT_NE(ReasonOf(status), "INVALID_FIELD") << method << Text(status);
    }
    if (gone_ == Gone::kChat) {
      // Of the one that was just acquired.
      std::string leases;
      CallWith(named_, "/postern.v1.ForwardService/WatchLeases", &leases);
      EXPECT_THAT(leases, HasSubstr(named_.chat));
    }
    EXPECT_THAT(Exported(), HasSubstr(kCanary));
  }
  void ExpectAllShut() {
    Named missing = named_;
    missing.message = missing.attachment = kNothing;
    if (gone_ == Gone::kChat) missing.chat = kNothing;
    int shut = 0;
    for (const std::string& method : ScopedMethods()) {
      std::string answer;
      if (!NamesIt(method)) {
        // Lists and streams, and what is of the whole account.
        CallWith(named_, method, &answer);
        EXPECT_THAT(answer, Not(HasSubstr(kCanary))) << method;
        EXPECT_THAT(answer, Not(HasSubstr(named_.message))) << method;
        if (gone_ == Gone::kChat) EXPECT_THAT(answer, Not(HasSubstr(named_.chat))) << method;
        continue;
      }
      const size_t before = adapter_->commands().size();
      const grpc::Status status = CallWith(named_, method, &answer);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << method << Text(status);
      EXPECT_EQ(answer, "") << method;
      EXPECT_EQ(adapter_->commands().size(), before) << method;
      const grpc::Status nothing = CallWith(missing, method);
      EXPECT_EQ(Text(status), Text(nothing)) << method;
      EXPECT_EQ(status.error_details(), nothing.error_details()) << method;
      ++shut;
    }
    EXPECT_GE(shut, gone_ == Gone::kChat ? 18 : 8);
    EXPECT_EQ(Found(), 0);
    EXPECT_THAT(Exported(), Not(HasSubstr(kCanary)));
  }

  Gone gone_ = Gone::kChat;
  Program app_;
  Named named_;
};

TEST_F(SealedCallsTest, OfASealedChatNoCallShowsOrDoesAnything) {
  Learn("club", Gone::kChat);
  ExpectAllOpen();
  SealChat("club");
  ExpectAllShut();
}

TEST_F(SealedCallsTest, OfTheChatWithASealedPersonNoCallShowsOrDoesAnything) {
  Learn("with bob", Gone::kChat);
  ExpectAllOpen();
  SealPerson("bob");
  ExpectAllShut();
}

TEST_F(SealedCallsTest, OfWhatASealedPersonWroteInAGroupNoCallShowsOrDoesAnything) {
  Learn("club", Gone::kMessages);
  ExpectAllOpen();
  SealPerson("bob");
  ExpectAllShut();
}

TEST_F(SealTest, ASealedPersonIsAsIfNotThere) {
  const Program app = NewApp("Reader", false);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  // The app knows Bob by this.
  v1::ListParticipantsRequest participants;
  participants.set_chat_id(ChatIdOf(app, "club"));
  v1::ListParticipantsResponse people;
  ASSERT_TRUE(app->chat->ListParticipants(Patiently().get(), participants, &people).ok());
  ASSERT_EQ(people.participants_size(), 3);
  std::string bob;
  for (const v1::Participant& participant : people.participants()) {
    if (participant.display_name() == "bob") bob = participant.contact_id();
  }
  ASSERT_FALSE(bob.empty());
  SealPerson("bob");
  const size_t seen = reader.events().size();
  ASSERT_TRUE(adapter_->PushDurably(AllOfBob("club")));
  v1::Event mention = From("carol", MessageEvent("club", "c2", "hello you"));
  mention.mutable_message_created()->mutable_message()->add_mentions()->set_contact_id("bob");
  // She quotes him again when she edits.
  v1::Event edit = EditEvent("club", "c3", "> the canary sings\nonce more");
  edit.mutable_message_edited()->set_sender_contact_id("carol");
  v1::Event gone = DeleteEvent("club", "c1");
  ASSERT_TRUE(adapter_->PushDurably(
      {From("carol", Answer("b1", "bob", MessageEvent("club", "c3", "> the canary sings\nsung"))),
       edit}));
  ASSERT_TRUE(adapter_->PushDurably({mention, gone, Group("club", {"self", "bob", "carol"}),
                                     MessageEvent("with bob", "d", "canary"),
                                     From("carol", MessageEvent("other", "o", "end"))}));
  ASSERT_TRUE(reader.WaitForText("end"));
  const std::vector<v1::Event> events = reader.events();
  std::string told;
  for (size_t i = seen; i < events.size(); ++i) {
    told += events[i].ShortDebugString() + "\n";
  }
  EXPECT_THAT(told, Not(HasSubstr(kCanary)));
  EXPECT_THAT(told, Not(HasSubstr(bob)));
  // Carol's are there, without what was his in them; so is that one of hers was deleted.
  EXPECT_THAT(told, HasSubstr("\"well sung\""));
  EXPECT_THAT(told, HasSubstr("hello you"));
  EXPECT_THAT(told, HasSubstr("\"once more\""));
  EXPECT_THAT(told, HasSubstr("message_deleted"));
  people.Clear();
  ASSERT_TRUE(app->chat->ListParticipants(Patiently().get(), participants, &people).ok());
  EXPECT_EQ(people.participants_size(), 2);
  EXPECT_EQ(ChatIdOf(app, "with bob"), "");
  for (const v1::Message& message : Listed(app, "club")) {
    EXPECT_NE(message.sender_contact_id(), bob) << message.ShortDebugString();
    EXPECT_THAT(message.SerializeAsString(), Not(HasSubstr(kCanary)));
  }
  EXPECT_EQ(Listed(app, "club").size(), 3u);
}

TEST_F(SealTest, WhoObjectsLeavesAMarkForAppsThatTakeTextAwayAndForNoOther) {
  const Program away = NewApp("Translator", true);
  const Program here = NewApp("Reader", false);
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "b0", "the canary of old")}));
  EventReader away_reader(away);
  EventReader here_reader(here);
  ASSERT_TRUE(away_reader.WaitLive() && here_reader.WaitLive());
  Object("bob");
  ASSERT_TRUE(adapter_->PushDurably(AllOfBob("club")));
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("with bob", "d", "the canary again"),
                                     From("carol", MessageEvent("other", "o", "end"))}));
  ASSERT_TRUE(away_reader.WaitForText("end"));
  ASSERT_TRUE(here_reader.WaitForText("end"));

  int marks = 0;
  for (const v1::Event& event : away_reader.events()) {
    EXPECT_THAT(event.SerializeAsString(), Not(HasSubstr("canary ")));
    if (event.view() != v1::EVENT_VIEW_WITHHELD) continue;
    ++marks;
    EXPECT_FALSE(event.id().empty());
    EXPECT_FALSE(event.chat_id().empty());
    EXPECT_TRUE(event.has_record_time());
    EXPECT_THAT(event.SerializeAsString(), Not(HasSubstr(kCanary))) << event.ShortDebugString();
    if (!event.has_message_created()) continue;
    const v1::Message& message = event.message_created().message();
    EXPECT_TRUE(message.withheld());
    EXPECT_FALSE(message.id().empty());
    v1::Message only;
    only.set_id(message.id());
    only.set_chat_id(message.chat_id());
    *only.mutable_create_time() = message.create_time();
    only.set_withheld(true);
    EXPECT_EQ(message.SerializeAsString(), only.SerializeAsString()) << message.ShortDebugString();
  }
  // His two messages, the edit, the file, and what others and he did to messages with words of his.
  EXPECT_GE(marks, 6);
  // Carol's answer is whole, but for what it quotes.
  const std::vector<std::string> texts = away_reader.texts();
  EXPECT_NE(std::find(texts.begin(), texts.end(), "well sung"), texts.end());

  // An app on this device sees all.
  int whole = 0;
  for (const v1::Event& event : here_reader.events()) {
    EXPECT_NE(event.view(), v1::EVENT_VIEW_WITHHELD) << event.ShortDebugString();
    whole += event.SerializeAsString().find("canary sings") != std::string::npos;
  }
  EXPECT_GE(whole, 2);

  // What was written before the objection is withheld too.
  std::vector<v1::Message> listed = Listed(away, "club");
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].text(), "well sung");
  EXPECT_EQ(listed[0].reply_to().excerpt(), "");
  EXPECT_TRUE(listed[1].withheld() && listed[2].withheld());
  v1::GetMessageRequest get;
  get.set_message_id(listed[2].id());
  v1::GetMessageResponse got;
  ASSERT_TRUE(away->message->GetMessage(Patiently().get(), get, &got).ok());
  EXPECT_TRUE(got.message().withheld());
  EXPECT_EQ(got.message().text(), "");
  EXPECT_EQ(Listed(here, "club")[2].text(), "the canary of old");
  EXPECT_GE(WithheldOf(away), static_cast<uint64_t>(marks));
  EXPECT_EQ(WithheldOf(here), 0u);

  // The user may make it wider.
  SealPerson("bob");
  listed = Listed(here, "club");
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_TRUE(listed[2].withheld());
  ASSERT_EQ(Seals().size(), 1u);
  EXPECT_TRUE(Seals()[0].objected());
  EXPECT_EQ(Seals()[0].reach(), v1::SEAL_REACH_ALL_APPS);
}

TEST_F(SealTest, AChatSealedForAppsThatTakeTextAwayShowsThemMarks) {
  const Program away = NewApp("Translator", true);
  const Program here = NewApp("Reader", false);
  EventReader away_reader(away);
  EventReader here_reader(here);
  ASSERT_TRUE(away_reader.WaitLive() && here_reader.WaitLive());
  SealChat("club", v1::SEAL_REACH_OFF_DEVICE);
  ASSERT_TRUE(adapter_->PushDurably(
      {MessageEvent("club", "m", "the canary sings"), MessageEvent("other", "o", "end")}));
  ASSERT_TRUE(away_reader.WaitForText("end"));
  ASSERT_TRUE(here_reader.WaitForText("the canary sings"));
  EXPECT_EQ(away_reader.texts(), (std::vector<std::string>{"", "end"}));
  EXPECT_NE(ChatIdOf(away, "club"), "");
}

TEST_F(SealTest, TheVeryNextMessageIsKeptFromStreamsThatAreLive) {
  const Program app = NewApp("Reader", false);
  std::vector<std::unique_ptr<EventReader>> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(std::make_unique<EventReader>(app));
    ASSERT_TRUE(readers.back()->WaitLive());
  }
  for (int round = 0; round < 20; ++round) {
    const std::string chat = "room " + std::to_string(round);
    ASSERT_TRUE(adapter_->PushDurably({Group(chat, {"self", "bob"})}));
    uint64_t last = 0;
    for (int i = 0; i < 20; ++i) {
      last = adapter_->Push({MessageEvent(chat, chat + std::to_string(i), "before")});
    }
    SealChat(chat);
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent(chat, chat + "after", "canary after")}));
    ASSERT_TRUE(adapter_->WaitDurable(last));
  }
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("other", "o", "end")}));
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader->WaitForText("end"));
    for (const std::string& text : reader->texts()) EXPECT_NE(text, "canary after");
  }
}

// A grant that is lost closes; a seal that is lost would open.
TEST_F(SealTest, OneThatIsTakenOutOfTheDatabaseKeepsAllAppsOutUntilTheOwnerHasLooked) {
  Program app = NewApp("Reader", false);
  SealPerson("bob");
  SealChat("other");
  adapter_.reset();
  harness_.Stop();
  ASSERT_NO_FATAL_FAILURE(ChangeStored(harness_, [](broker::Database& database) {
    return database.Execute("DELETE FROM seals WHERE substr(target, 1, 1) = CAST('c' AS BLOB)");
  }));
  v1::ListChatsResponse chats;
  // Of the second start it is no news, and no way in.
  for (const size_t warnings : {1, 0}) {
    harness_.Restart();
    owner_ = harness_.Owner();
    app = harness_.Reconnect(app);
    OwnerCalls owner(harness_);
    EXPECT_TRUE(owner.HasNotice(v1::OwnerNotice::KIND_GRANTS_SUSPENDED));
    const v1::GetStatusResponse status = owner.Status();
    EXPECT_TRUE(status.paused());
    EXPECT_THAT(status.warnings(), testing::SizeIs(warnings));
    EXPECT_EQ(ReasonOf(app->chat->ListChats(Patiently().get(), {}, &chats)), "PAUSED");
  }
  ASSERT_EQ(Seals().size(), 1u);
  EXPECT_EQ(Seals()[0].name(), "bob");
  v1::ResumeResponse resumed;
  ASSERT_TRUE(owner_->owner->Resume(Patiently().get(), {}, &resumed).ok());
  const grpc::Status status = app->chat->ListChats(Patiently().get(), {}, &chats);
  EXPECT_TRUE(status.ok()) << Text(status);
}

TEST_F(SealTest, OnlyTheDialogOpensAndARestartDoesNot) {
  SealPerson("bob");
  SealChat("other");
  harness_.Restart();
  owner_ = harness_.Owner();
  gatekeeper_ = harness_.Reconnect(gatekeeper_);
  adapter_ = std::make_unique<Adapter>(gatekeeper_);
  std::vector<v1::SealedObject> seals = Seals();
  ASSERT_EQ(seals.size(), 2u);
  for (const v1::SealedObject& seal : seals) {
    EXPECT_EQ(seal.reach(), v1::SEAL_REACH_ALL_APPS);
    EXPECT_FALSE(seal.objected());
    EXPECT_EQ(seal.name(), seal.has_chat_id() ? "other" : "bob");
  }
  // A lesser seal over a stronger one changes nothing.
  SealPerson("bob", v1::SEAL_REACH_OFF_DEVICE);
  EXPECT_EQ(Seals()[0].reach(), v1::SEAL_REACH_ALL_APPS);

  bool allow = false;
  permissions::ConsentQuestion asked;
  harness_.Decide("", [&](const permissions::ConsentQuestion& question) {
    asked = question;
    return allow ? fakes::ScriptedConsentPrompt::AllowAll(question)
                 : fakes::ScriptedConsentPrompt::Refusal(question);
  });
  const grpc::Status refused = UnsealPerson("bob");
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED) << Text(refused);
  EXPECT_EQ(asked.kind, permissions::QuestionKind::kUnseal);
  EXPECT_EQ(asked.subject, "bob");
  EXPECT_FALSE(asked.subject_objected);
  EXPECT_EQ(Seals().size(), 2u);
  allow = true;
  const grpc::Status allowed = UnsealPerson("bob");
  EXPECT_TRUE(allowed.ok()) << Text(allowed);
  ASSERT_EQ(Seals().size(), 1u);
  EXPECT_TRUE(Seals()[0].has_chat_id());
  EXPECT_EQ(UnsealPerson("bob").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(SealTest, WhoObjectedIsToldWhenTheUserOpens) {
  Object("bob");
  bool objected = false;
  harness_.Decide("", [&](const permissions::ConsentQuestion& question) {
    objected = question.subject_objected;
    return fakes::ScriptedConsentPrompt::AllowAll(question);
  });
  const grpc::Status status = UnsealPerson("bob");
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_TRUE(objected);
  EXPECT_TRUE(Seals().empty());
  ASSERT_TRUE(adapter_->WaitForCommands(1));
  const v1::Command told = adapter_->commands().front();
  EXPECT_EQ(told.post_notice().chat_id(), "with bob");
  EXPECT_THAT(told.post_notice().text(), HasSubstr("NO APPS"));
}

TEST_F(SealTest, APersonTakesBackWhatTheyObjectedToAndNotWhatTheUserSealed) {
  Object("bob");
  Object("bob", true);
  EXPECT_TRUE(Seals().empty());
  Object("bob");
  SealPerson("bob");
  Object("bob", true);
  ASSERT_EQ(Seals().size(), 1u);
  EXPECT_FALSE(Seals()[0].objected());
  EXPECT_EQ(Seals()[0].reach(), v1::SEAL_REACH_ALL_APPS);
}

TEST_F(SealTest, NoQuestionOffersWhatIsSealed) {
  SealChat("other");
  SealPerson("bob");
  const Program app = NewApp("Late", false);
  const std::vector<permissions::ConsentQuestion> asked = harness_.asked();
  std::vector<std::string> offered;
  for (const auto& chat : asked.back().chats) offered.push_back(chat.name);
  EXPECT_EQ(offered, (std::vector<std::string>{"club"}));
}

TEST_F(SealTest, ABadTargetIsRefusedByName) {
  v1::SealRequest nothing;
  EXPECT_EQ(InfoOf(Seal(nothing)).metadata().at("field"), "target");
  v1::SealRequest garbage;
  garbage.set_chat_id("garbage");
  EXPECT_EQ(InfoOf(Seal(garbage)).metadata().at("field"), "chat_id");
  v1::SealRequest self;
  self.set_contact_id(OwnedPerson("self"));
  EXPECT_EQ(InfoOf(Seal(self)).metadata().at("field"), "contact_id");
  v1::SealRequest reach;
  reach.set_chat_id(OwnedChat("club").id());
  reach.set_reach(static_cast<v1::SealReach>(7));
  EXPECT_EQ(InfoOf(Seal(reach)).metadata().at("field"), "reach");
  EXPECT_TRUE(Seals().empty());
}

}  // namespace
}  // namespace postern::behaviors
