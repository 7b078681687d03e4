// SPDX-License-Identifier: Apache-2.0
// Chats: what they can do, how they change, and how apps start and change them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/two_networks.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

template <typename Set>
v1::Event In(const std::string& chat, Set set) {
  v1::Event event;
  event.set_chat_id(chat);
  set(event);
  return event;
}

v1::Event Pin(const std::string& chat, const std::string& message, bool pinned = true) {
  return In(chat, [&](v1::Event& event) {
    event.mutable_pin_changed()->set_message_id(message);
    event.mutable_pin_changed()->set_pinned(pinned);
  });
}

v1::CommandResult Sent() {
  v1::CommandResult result;
  result.set_state(v1::CommandResult::STATE_SENT);
  return result;
}

class ChatsTest : public testing::Test {
 protected:
  grpc::Status Create(const Program& app, v1::CreateChatRequest request,
                      v1::CreateChatResponse* response = nullptr) {
    if (request.request_id().empty()) request.set_request_id(harness_.NewRequestId());
    v1::CreateChatResponse answer;
    return app->chat->CreateChat(Patiently().get(), request,
                                 response == nullptr ? &answer : response);
  }
  v1::CreateChatRequest Group(const Program& app, const std::string& name = "Plan") {
    v1::CreateChatRequest request;
    request.set_account_id(AccountIdOf(app, "xmpp"));
    request.set_kind(v1::CHAT_KIND_GROUP);
    request.set_name(name);
    request.add_contact_ids(Person(app, "Bob on xmpp"));
    return request;
  }
  grpc::Status Update(const Program& app, v1::UpdateChatRequest request,
                      v1::UpdateChatResponse* response = nullptr) {
    if (request.request_id().empty()) request.set_request_id(harness_.NewRequestId());
    v1::UpdateChatResponse answer;
    return app->chat->UpdateChat(Patiently().get(), request,
                                 response == nullptr ? &answer : response);
  }
  // What a program that sees everybody would be called by for them: every app has names of its own.
  std::string Person(const Program& app, const std::string& name) {
    return ContactOf(app, name).id();
  }
  v1::UpdateChatRequest Of(const Program& app, const std::string& chat) {
    v1::UpdateChatRequest request;
    request.set_chat_id(ChatIdOf(app, chat));
    return request;
  }
  v1::UpdateChatCommand LastUpdate() {
    const std::vector<v1::Command> commands = jabber_->commands();
    return commands.empty() ? v1::UpdateChatCommand() : commands.back().update_chat();
  }
  Program Manager(const std::string& name = "Manager", const Allowance& allowance = {}) {
    return harness_.App(
        name,
        {kChatsRead, kChatsWrite, kChatsCreate, kContactsRead, kMessagesRead, kMessagesHistory},
        allowance);
  }

  explicit ChatsTest(absl::Duration detach_grace = broker::kDetachGrace)
      : harness_({}, broker::kUpkeepInterval, detach_grace) {}

  BrokerHarness harness_;
  Network alice_{harness_, "alicechat"};
  Network jabber_{harness_, "xmpp"};
};

TEST_F(ChatsTest, AChatSaysWhatItCanDo) {
  const Program app = harness_.App("Reader", {kChatsRead});
  const std::string id = ChatIdOf(app, "Club on xmpp");
  const v1::ChatCapabilities whole = ChatOf(app, id).capabilities();
  EXPECT_EQ(whole.poll(), v1::CAPABILITY_LEVEL_FULL);
  EXPECT_FALSE(whole.hash().empty());
  // Equal exactly when the rest is equal, in lists too, whatever an adapter calls it.
  for (const v1::Chat& chat : ChatsOf(app)) {
    EXPECT_EQ(chat.capabilities().SerializeAsString(), whole.SerializeAsString());
  }
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  v1::ChatCapabilities less = FullCapabilities();
  less.set_poll(v1::CAPABILITY_LEVEL_REJECTED);
  less.set_hash(whole.hash());
  ASSERT_TRUE(jabber_->PushDurably({In("club", [&](v1::Event& event) {
    *event.mutable_capabilities_changed()->mutable_capabilities() = less;
  })}));
  const v1::ChatCapabilities now = ChatOf(app, id).capabilities();
  EXPECT_EQ(now.poll(), v1::CAPABILITY_LEVEL_REJECTED);
  EXPECT_NE(now.hash(), whole.hash());
  ASSERT_TRUE(reader.WaitForReported(1));
  EXPECT_EQ(reader.reported()[0].capabilities_changed().capabilities().hash(), now.hash());
  // A change that does not speak of it leaves it, and the same again has the same hash.
  ASSERT_TRUE(jabber_->PushDurably({GroupChat("club", "Club on xmpp")}));
  EXPECT_EQ(ChatOf(app, id).capabilities().hash(), now.hash());
  ASSERT_TRUE(jabber_->PushDurably({In("club", [&](v1::Event& event) {
    *event.mutable_capabilities_changed()->mutable_capabilities() = FullCapabilities();
  })}));
  EXPECT_EQ(ChatOf(app, id).capabilities().hash(), whole.hash());
}

TEST_F(ChatsTest, AnAdapterThatCanDoMoreOrLessTellsOfAllItsChats) {
  const Program app = harness_.App("Reader", {kChatsRead});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  jabber_.Reattach();  // as before, and at once: nobody is told
  jabber_.hello().mutable_default_capabilities()->set_edit(v1::CAPABILITY_LEVEL_REJECTED);
  jabber_.Reattach();
  ASSERT_TRUE(reader.WaitForReported(2));
  std::vector<std::string> told;
  for (const v1::Event& event : reader.reported()) {
    EXPECT_EQ(event.capabilities_changed().capabilities().edit(), v1::CAPABILITY_LEVEL_REJECTED);
    told.push_back(event.chat_id());
  }
  EXPECT_THAT(told,
              UnorderedElementsAre(ChatIdOf(app, "Bob on xmpp"), ChatIdOf(app, "Club on xmpp")));
  EXPECT_EQ(ChatOf(app, told[0]).capabilities().edit(), v1::CAPABILITY_LEVEL_REJECTED);
  // It outlives a restart, also before the adapter is there again.
  harness_.Restart();
  const Program again = harness_.Reconnect(app);
  EXPECT_EQ(ChatOf(again, told[0]).capabilities().edit(), v1::CAPABILITY_LEVEL_REJECTED);
}

TEST_F(ChatsTest, CapabilitiesBeyondBoundsAreRefused) {
  alice_->Push({In("club", [&](v1::Event& event) {
    v1::ChatCapabilities& can = *event.mutable_capabilities_changed()->mutable_capabilities();
    for (int i = 0; i <= broker::kAllowedReactionsMax; ++i) can.add_allowed_reactions("x");
  })});
  ASSERT_TRUE(alice_->PushDurably({In("club", [&](v1::Event& event) {
    v1::ChatCapabilities& can = *event.mutable_capabilities_changed()->mutable_capabilities();
    can.mutable_edit_age_max()->set_seconds(-1);
  })}));
  EXPECT_EQ(alice_->refused().size(), 2u);
}

TEST_F(ChatsTest, MembersAndMarksFollowTheNews) {
  const Program app = Manager();
  const std::string id = ChatIdOf(app, "Club on xmpp");
  ASSERT_TRUE(jabber_->PushDurably(
      {In("club",
          [](v1::Event& event) {
            v1::Participant& member = *event.mutable_participant_changed()->mutable_participant();
            member.set_contact_id("bob");
            member.set_role(v1::PARTICIPANT_ROLE_ADMIN);
          }),
       In("club",
          [](v1::Event& event) { event.mutable_participant_left()->set_contact_id("carol"); }),
       In("club",
          [](v1::Event& event) {
            v1::Participant& member = *event.mutable_participant_joined()->mutable_participant();
            member.set_contact_id("dave");
            member.set_display_name("Dave");
          }),
       In("club", [](v1::Event& event) { event.mutable_unread_mark()->set_unread(true); }),
       In("club", [](v1::Event& event) {
         event.mutable_timer_changed()->mutable_disappearing_timer()->set_seconds(60);
       })}));
  v1::ListParticipantsRequest request;
  request.set_chat_id(id);
  v1::ListParticipantsResponse response;
  ASSERT_TRUE(app->chat->ListParticipants(Patiently().get(), request, &response).ok());
  std::vector<std::string> names;
  for (const v1::Participant& member : response.participants()) {
    names.push_back(member.display_name());
    if (member.display_name() == "Bob") EXPECT_EQ(member.role(), v1::PARTICIPANT_ROLE_ADMIN);
  }
  EXPECT_THAT(names, UnorderedElementsAre("Alice", "Bob", "Dave"));
  EXPECT_TRUE(ChatOf(app, id).marked_unread());
  EXPECT_EQ(ChatOf(app, id).disappearing_timer().seconds(), 60);

  v1::Event changed = GroupChat("club", "Club on xmpp");
  v1::Chat chat = changed.chat_created().chat();
  chat.clear_participants();
  chat.set_muted(true);
  chat.set_archived(true);
  *changed.mutable_chat_changed()->mutable_chat() = chat;
  ASSERT_TRUE(jabber_->PushDurably({changed}));
  const v1::Chat now = ChatOf(app, id);
  EXPECT_TRUE(now.muted() && now.archived());
  EXPECT_EQ(now.participants_size(), 3);
}

TEST_F(ChatsTest, ARequestToWriteAndItsAnswerShow) {
  const Program app = Manager();
  const auto request = [](v1::MessageRequest::State state) {
    return In("c1", [&](v1::Event& event) {
      event.mutable_message_request()->set_contact_id("bob");
      event.mutable_message_request()->set_state(state);
    });
  };
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(jabber_->PushDurably(
      {request(v1::MessageRequest::STATE_PENDING), request(v1::MessageRequest::STATE_BLOCKED)}));
  ASSERT_TRUE(reader.WaitForReported(2));
  EXPECT_EQ(reader.reported()[1].message_request().state(), v1::MessageRequest::STATE_BLOCKED);
  EXPECT_TRUE(ChatOf(app, ChatIdOf(app, "Bob on xmpp")).blocked());
  EXPECT_TRUE(ContactOf(app, "Bob on xmpp").blocked());
  EXPECT_FALSE(ContactOf(app, "Bob on alicechat").blocked());
  ASSERT_TRUE(jabber_->PushDurably({request(v1::MessageRequest::STATE_ACCEPTED)}));
  EXPECT_FALSE(ChatOf(app, ChatIdOf(app, "Bob on xmpp")).blocked());
  EXPECT_FALSE(ContactOf(app, "Bob on xmpp").blocked());
}

TEST_F(ChatsTest, PinsShowOnlyToWhoMaySeeTheMessage) {
  const Program reader = Manager();
  const Program chats_only = harness_.App("Names", {kChatsRead});
  const auto pins = [&](const Program& app) {
    const v1::Chat chat = ChatOf(app, ChatIdOf(app, "Club on xmpp"));
    return std::vector<std::string>(chat.pinned_message_ids().begin(),
                                    chat.pinned_message_ids().end());
  };
  EventReader events(reader);
  ASSERT_TRUE(events.WaitLive());
  ASSERT_TRUE(
      jabber_->PushDurably({MessageEvent("club", "m1", "one"), MessageEvent("club", "m2", "two"),
                            Pin("club", "m1"), Pin("club", "m2"), Pin("club", "never-seen")}));
  ASSERT_TRUE(events.WaitForReported(5));
  const std::string one = events.reported()[0].message_created().message().id();
  const std::string two = events.reported()[1].message_created().message().id();
  EXPECT_EQ(events.reported()[3].pin_changed().message_id(), two);
  EXPECT_THAT(pins(reader), ElementsAre(one, two));
  EXPECT_THAT(pins(chats_only), IsEmpty());
  // A later app, without history, sees no message from before it came, nor that it is pinned.
  const Program late = harness_.App("Late", {kChatsRead, kMessagesRead});
  EXPECT_THAT(pins(late), IsEmpty());
  EventReader late_events(late);
  ASSERT_TRUE(late_events.WaitLive());
  v1::Event changed;
  *changed.mutable_chat_changed()->mutable_chat() =
      GroupChat("club", "Club on xmpp").chat_created().chat();
  changed.mutable_chat_changed()->mutable_chat()->add_pinned_message_ids("m2");
  changed.mutable_chat_changed()->mutable_chat()->add_pinned_message_ids("m1");
  ASSERT_TRUE(jabber_->PushDurably({changed}));
  ASSERT_TRUE(late_events.WaitForReported(1) && events.WaitForReported(6));
  EXPECT_THAT(late_events.reported()[0].chat_changed().chat().pinned_message_ids(), IsEmpty());
  EXPECT_THAT(events.reported()[5].chat_changed().chat().pinned_message_ids(),
              ElementsAre(two, one));
  // What is unpinned, or deleted, is no longer pinned.
  ASSERT_TRUE(jabber_->PushDurably({Pin("club", "m1", false), DeleteEvent("club", "m2")}));
  EXPECT_THAT(pins(reader), IsEmpty());
}

TEST_F(ChatsTest, PinsAreBounded) {
  const Program app = Manager();
  std::vector<v1::Event> events;
  for (int i = 0; i < broker::kPinnedMessagesMax + 2; ++i) {
    events.push_back(MessageEvent("club", "m" + std::to_string(i), "text"));
    events.push_back(Pin("club", "m" + std::to_string(i)));
  }
  ASSERT_TRUE(jabber_->PushDurably(events));
  EXPECT_EQ(ChatOf(app, ChatIdOf(app, "Club on xmpp")).pinned_message_ids_size(),
            broker::kPinnedMessagesMax);
}

TEST_F(ChatsTest, ARemovedChatIsGoneUntilSomebodyWritesAgain) {
  // Only groups: what kind the chat was must still be known when its end is told.
  harness_.Decide("Groups", [](const permissions::ConsentQuestion& question) {
    permissions::ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
    answer.chat_kinds = permissions::ChatKinds::kGroup;
    return answer;
  });
  const Program app = harness_.Connect("Groups");
  ASSERT_TRUE(harness_.Enroll(app, AppManifest("Groups", {kChatsRead, kMessagesRead})).granted());
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  const auto names = [&] {
    std::vector<std::string> names;
    for (const v1::Chat& chat : ChatsOf(app)) names.push_back(chat.name());
    return names;
  };
  EXPECT_THAT(names(), UnorderedElementsAre("Club on xmpp", "Club on alicechat"));
  ASSERT_TRUE(
      jabber_->PushDurably({In("club", [](v1::Event& event) { event.mutable_chat_removed(); })}));
  ASSERT_TRUE(reader.WaitForReported(1));
  EXPECT_TRUE(reader.reported()[0].has_chat_removed());
  EXPECT_THAT(names(), ElementsAre("Club on alicechat"));
  v1::GetChatRequest request;
  request.set_chat_id(reader.reported()[0].chat_id());
  v1::GetChatResponse response;
  EXPECT_EQ(app->chat->GetChat(Patiently().get(), request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(jabber_->PushDurably({TypingEvent("club")}));
  EXPECT_THAT(names(), ElementsAre("Club on alicechat"));
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("club", "m1", "again")}));
  EXPECT_THAT(names(), UnorderedElementsAre("Club on xmpp", "Club on alicechat"));
}

TEST_F(ChatsTest, EachKindOfNewsGoesToItsScopeAlone) {
  using Kind = v1::Event::KindCase;
  std::map<Kind, permissions::Scope> scope_of;
  std::vector<v1::Event> news = {MessageEvent("club", "m1", "one")};
  const auto add = [&](permissions::Scope scope, v1::Event event) {
    scope_of[event.kind_case()] = scope;
    news.push_back(std::move(event));
  };
  add(kChatsRead, In("club", [](v1::Event& event) {
        event.mutable_participant_joined()->mutable_participant()->set_contact_id("dave");
      }));
  add(kChatsRead, In("club", [](v1::Event& event) {
        event.mutable_participant_changed()->mutable_participant()->set_contact_id("dave");
      }));
  add(kChatsRead, In("club", [](v1::Event& event) {
        event.mutable_participant_left()->set_contact_id("dave");
      }));
  v1::Event changed;
  *changed.mutable_chat_changed()->mutable_chat() =
      GroupChat("club", "Club on xmpp").chat_created().chat();
  add(kChatsRead, changed);
  add(kChatsRead, In("c1", [](v1::Event& event) {
        event.mutable_message_request()->set_contact_id("bob");
        event.mutable_message_request()->set_state(v1::MessageRequest::STATE_PENDING);
      }));
  add(kChatsRead, In("club", [](v1::Event& event) {
        *event.mutable_capabilities_changed()->mutable_capabilities() = FullCapabilities();
      }));
  v1::Event state;
  state.mutable_account_state_changed()->set_state(v1::ACCOUNT_STATE_LOGGED_OUT);
  add(kChatsRead, state);
  add(kMessagesRead, Pin("club", "m1"));
  add(kMessagesRead, In("club", [](v1::Event& event) {
        event.mutable_timer_changed()->mutable_disappearing_timer();
      }));
  add(kReceiptsRead,
      In("club", [](v1::Event& event) { event.mutable_unread_mark()->set_unread(true); }));
  add(kContactsRead, ContactEvent("bob", "Robert", {"xmpp:bob"}));
  v1::Event identity;
  identity.mutable_identity_changed()->set_contact_id("bob");
  identity.mutable_identity_changed()->set_kind(v1::IdentityChanged::KIND_NEW_DEVICE);
  add(kContactsRead, identity);
  add(kChatsRead, In("club", [](v1::Event& event) { event.mutable_chat_removed(); }));
  // That something was lost, everybody is told.
  v1::Event gap;
  gap.mutable_gap()->set_cause(v1::Gap::CAUSE_GATEKEEPER);
  news.push_back(gap);

  const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kReceiptsRead,
                                                  kContactsRead};
  std::vector<Program> apps;
  std::vector<std::unique_ptr<EventReader>> readers;
  for (const permissions::Scope scope : scopes) {
    apps.push_back(harness_.App("Scope " + std::to_string(static_cast<int>(scope)), {scope}));
    readers.push_back(std::make_unique<EventReader>(apps.back()));
    ASSERT_TRUE(readers.back()->WaitLive());
  }
  ASSERT_TRUE(jabber_->PushDurably(news));
  EXPECT_THAT(jabber_->refused(), IsEmpty());
  for (size_t i = 0; i < scopes.size(); ++i) {
    const auto ended = [&] {
      const std::vector<v1::Event> events = readers[i]->reported();
      return !events.empty() && events.back().has_gap();
    };
    ASSERT_TRUE(OwnerCalls::Await(ended));
    std::set<Kind> seen;
    for (const v1::Event& event : readers[i]->reported()) {
      if (!event.has_gap() && !event.has_message_created()) seen.insert(event.kind_case());
    }
    std::set<Kind> expected;
    for (const auto& [kind, scope] : scope_of) {
      if (scope == scopes[i]) expected.insert(kind);
    }
    EXPECT_EQ(seen, expected) << "scope " << static_cast<int>(scopes[i]);
  }
  for (const v1::Account& account : AccountsOf(apps[0])) {
    EXPECT_EQ(account.state(), account.network() == "xmpp" ? v1::ACCOUNT_STATE_LOGGED_OUT
                                                           : v1::ACCOUNT_STATE_ONLINE);
  }
}

// Where a client is gone for apps as soon as it went.
class GoneClientsTest : public ChatsTest {
 protected:
  using States = std::vector<std::pair<std::string, v1::AccountState>>;

  GoneClientsTest() : ChatsTest(absl::Milliseconds(20)) {}
  // What was told of accounts, in order.
  static States StatesIn(EventReader& reader) {
    States states;
    for (const v1::Event& event : reader.reported()) {
      if (!event.has_account_state_changed()) continue;
      states.emplace_back(event.account_id(), event.account_state_changed().state());
    }
    return states;
  }
  static bool WaitForStates(EventReader& reader, size_t count) {
    return OwnerCalls::Await([&] { return StatesIn(reader).size() >= count; });
  }
};

TEST_F(GoneClientsTest, AppsHearWhenAClientGoesAndWhenItIsBack) {
  const Program app = harness_.App("Reader", {kChatsRead});
  const std::string alice = AccountIdOf(app, "alicechat");
  const std::string jabber = AccountIdOf(app, "xmpp");
  States expected = {{jabber, v1::ACCOUNT_STATE_DETACHED}};
  {
    EventReader reader(app);
    ASSERT_TRUE(reader.WaitLive());
    jabber_->End();
    ASSERT_TRUE(WaitForStates(reader, 1));
    EXPECT_EQ(StatesIn(reader), expected);
  }
  // That posternd stops is no news, that a client does not come back after it is; what was told
  // before is not told again.
  harness_.Restart();
  const Program again = harness_.Reconnect(app);
  EventReader reader(again, FromOldest());
  expected.emplace_back(alice, v1::ACCOUNT_STATE_DETACHED);
  ASSERT_TRUE(WaitForStates(reader, 2));
  EXPECT_EQ(StatesIn(reader), expected);
  for (const auto& [account, network] : {std::pair(jabber, &jabber_), std::pair(alice, &alice_)}) {
    network->Reconnect(harness_);
    expected.emplace_back(account, v1::ACCOUNT_STATE_ONLINE);
    ASSERT_TRUE(WaitForStates(reader, expected.size()));
  }
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("club", "m1", "one")}));
  EXPECT_EQ(StatesIn(reader), expected);
}

TEST_F(ChatsTest, ThatNobodyServesAnAccountIsNotAnAdaptersToSay) {
  v1::Event gone;
  gone.mutable_account_state_changed()->set_state(v1::ACCOUNT_STATE_DETACHED);
  ASSERT_TRUE(jabber_->PushDurably({gone}));
  ASSERT_EQ(jabber_->refused().size(), 1u);
  EXPECT_EQ(jabber_->refused()[0].field(), "account_state_changed.state");
  v1::AttachHello hello = Adapter::Hello("carol");
  hello.mutable_account()->set_network("xmpp");
  hello.mutable_account()->set_state(v1::ACCOUNT_STATE_DETACHED);
  Adapter adapter(jabber_.program(), hello);
  EXPECT_FALSE(adapter.welcome());
  const grpc::Status end = adapter.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Text(end), HasSubstr("hello.account.state"));
}

TEST_F(ChatsTest, AnAppStartsAGroup) {
  const Program app = Manager();
  jabber_->Answer([&](const v1::Command& command) {
    v1::CommandResult result = Sent();
    *result.mutable_chat() = GroupChat("g2", command.create_chat().name()).chat_created().chat();
    return result;
  });
  v1::CreateChatRequest request = Group(app);
  request.set_request_id("create-1");
  v1::CreateChatResponse response;
  grpc::Status status = Create(app, request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.chat().name(), "Plan");
  EXPECT_EQ(response.chat().participants_size(), 3);
  EXPECT_EQ(response.chat().capabilities().manage(), v1::CAPABILITY_LEVEL_FULL);
  ASSERT_EQ(jabber_->commands().size(), 1u);
  const v1::CreateChatCommand command = jabber_->commands()[0].create_chat();
  EXPECT_EQ(command.kind(), v1::CHAT_KIND_GROUP);
  EXPECT_EQ(command.name(), "Plan");
  EXPECT_THAT(command.contact_ids(), ElementsAre("bob"));
  // It is there at once, and the adapter's own word for it changes nothing.
  EXPECT_EQ(ChatIdOf(app, "Plan"), response.chat().id());
  ASSERT_TRUE(jabber_->PushDurably({GroupChat("g2", "Plan")}));
  EXPECT_EQ(ChatIdOf(app, "Plan"), response.chat().id());
  // The same id has the same answer, and is not done again.
  v1::CreateChatResponse again;
  status = Create(app, request, &again);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(jabber_->commands().size(), 1u);
  EXPECT_EQ(OwnerCalls(harness_).HistoryOf(app, {v1::ACCESS_VERB_WRITE}).size(), 1u);
}

TEST_F(ChatsTest, AChatThatIsThereIsNotStartedAgain) {
  const Program app = Manager();
  v1::CreateChatRequest request;
  request.set_account_id(AccountIdOf(app, "xmpp"));
  request.set_kind(v1::CHAT_KIND_DIRECT);
  request.add_contact_ids(Person(app, "Bob on xmpp"));
  v1::CreateChatResponse response;
  const grpc::Status status = Create(app, request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.chat().id(), ChatIdOf(app, "Bob on xmpp"));
  EXPECT_THAT(jabber_->commands(), IsEmpty());
}

TEST_F(ChatsTest, UnderAListOfChatsANewOneIsNamedAndNotSeen) {
  const Program app = Manager("Listed", {.chats = {"Club on xmpp"}});
  jabber_->Answer([&](const v1::Command& command) {
    v1::CommandResult result = Sent();
    const bool direct = command.create_chat().kind() == v1::CHAT_KIND_DIRECT;
    *result.mutable_chat() = (direct ? DirectChat("c1", "bob", "Bob on xmpp")
                                     : GroupChat("g2", "Plan, as the client says"))
                                 .chat_created()
                                 .chat();
    return result;
  });
  v1::CreateChatResponse response;
  grpc::Status status = Create(app, Group(app), &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_FALSE(response.chat().id().empty());
  EXPECT_EQ(response.chat().name(), "Plan");
  EXPECT_EQ(response.chat().participants_size(), 0);
  EXPECT_EQ(ChatsOf(app).size(), 1u);
  v1::GetChatRequest get;
  get.set_chat_id(response.chat().id());
  v1::GetChatResponse got;
  EXPECT_EQ(app->chat->GetChat(Patiently().get(), get, &got).error_code(),
            grpc::StatusCode::NOT_FOUND);
  // Nor does it learn whether there was a chat with Bob already.
  v1::CreateChatRequest direct = Group(app);
  direct.set_kind(v1::CHAT_KIND_DIRECT);
  direct.clear_name();
  status = Create(app, direct, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.chat().participants_size(), 0);
  EXPECT_THAT(response.chat().name(), IsEmpty());
  EXPECT_EQ(jabber_->commands().size(), 2u);
  // For the owner both are there.
  v1::ListOwnedChatsResponse owned;
  ASSERT_TRUE(OwnerCalls(harness_)->owner->ListOwnedChats(Patiently().get(), {}, &owned).ok());
  EXPECT_EQ(owned.chats_size(), 5);
}

TEST_F(ChatsTest, StartingChatsHasAScopeAnAccountAndADailyLimit) {
  const Program reader = harness_.App("Reader", {kChatsRead, kContactsRead});
  EXPECT_EQ(ReasonOf(Create(reader, Group(reader))), "SCOPE_REQUIRED");

  const Program app = Manager();
  v1::CreateChatRequest request = Group(app);
  request.set_account_id(AccountIdOf(app, "alicechat"));  // Bob on xmpp is not of this account
  EXPECT_EQ(ReasonOf(Create(app, request)), "NOT_FOUND");
  request = Group(app);
  request.set_account_id(Person(app, "Bob on xmpp"));  // no account at all
  EXPECT_EQ(ReasonOf(Create(app, request)), "NOT_FOUND");
  for (const auto& spoil : std::vector<std::function<void(v1::CreateChatRequest&)>>{
           [](auto& r) { r.clear_kind(); }, [](auto& r) { r.clear_contact_ids(); },
           [](auto& r) { r.add_contact_ids(r.contact_ids(0)); },
           [](auto& r) { r.set_name(std::string(broker::kNameBytesMax + 1, 'x')); },
           [](auto& r) { r.set_account_id("?"); }, [](auto& r) { r.set_contact_ids(0, "?"); },
           [](auto& r) { r.set_kind(v1::CHAT_KIND_DIRECT); }}) {
    request = Group(app);
    spoil(request);
    EXPECT_EQ(ReasonOf(Create(app, request)), "INVALID_FIELD") << request.ShortDebugString();
  }
  // Nobody talks to themselves.
  request = Group(app);
  request.set_kind(v1::CHAT_KIND_DIRECT);
  request.clear_name();
  for (const v1::Contact& contact : ContactsOf(app)) {
    if (contact.is_self() && contact.account_id() == request.account_id()) {
      request.set_contact_ids(0, contact.id());
    }
  }
  const grpc::Status alone = Create(app, request);
  EXPECT_EQ(ReasonOf(alone), "INVALID_FIELD") << Text(alone);
  EXPECT_EQ(InfoOf(alone).metadata().at("field"), "contact_ids");
  EXPECT_THAT(jabber_->commands(), IsEmpty());

  int number = 0;
  jabber_->Answer([&](const v1::Command&) {
    v1::CommandResult result = Sent();
    result.mutable_chat()->set_id("g" + std::to_string(++number));
    return result;
  });
  grpc::Status status;
  int made = 0;
  while (made <= 100 && (status = Create(app, Group(app))).ok()) ++made;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("limit"), "new_chats_per_day");
  EXPECT_EQ(std::to_string(made), InfoOf(status).metadata().at("max"));
  EXPECT_EQ(number, made);
}

TEST_F(ChatsTest, WhatCannotBeStartedIsSaid) {
  const Program app = Manager();
  // A refusal counts; an adapter that is away does not.
  jabber_->Answer([&](const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_FAILED);
    result.set_reason("no such room");
    return result;
  });
  EXPECT_EQ(ReasonOf(Create(app, Group(app))), "GATEKEEPER_REFUSED");
  jabber_->Answer([&](const v1::Command&) { return Sent(); });  // and does not name it
  EXPECT_EQ(ReasonOf(Create(app, Group(app))), "OUTCOME_UNKNOWN");
  jabber_.hello().mutable_default_capabilities()->set_create_chat(v1::CAPABILITY_LEVEL_REJECTED);
  jabber_.Reattach();
  const grpc::Status rejected = Create(app, Group(app));
  EXPECT_EQ(ReasonOf(rejected), "NOT_SUPPORTED_BY_CHAT");
  EXPECT_EQ(InfoOf(rejected).metadata().at("capability"), "create_chat");
  EXPECT_THAT(jabber_->commands(), IsEmpty());
  alice_->End();
  v1::CreateChatRequest request = Group(app);
  request.set_account_id(AccountIdOf(app, "alicechat"));
  request.set_contact_ids(0, Person(app, "Bob on alicechat"));
  EXPECT_EQ(ReasonOf(Create(app, request)), "GATEKEEPER_OFFLINE");
}

TEST_F(ChatsTest, WhatIsNotFinishedIsNotSaidToBeDone) {
  const Program app = Manager();
  jabber_->Answer([&](const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_PENDING);
    return result;
  });
  EXPECT_EQ(ReasonOf(Create(app, Group(app))), "OUTCOME_UNKNOWN");
  v1::UpdateChatRequest request = Of(app, "Club on xmpp");
  request.set_muted(true);
  EXPECT_EQ(ReasonOf(Update(app, request)), "OUTCOME_UNKNOWN");
  EXPECT_FALSE(ChatOf(app, request.chat_id()).muted());
  EXPECT_EQ(jabber_->commands().size(), 2u);
}

TEST_F(ChatsTest, EachChangeReachesTheNetworkAsAsked) {
  const Program app = Manager();
  EventReader events(app);
  ASSERT_TRUE(events.WaitLive());
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(events.WaitForReported(1));
  const std::string message = events.reported()[0].message_created().message().id();

  v1::UpdateChatRequest request = Of(app, "Club on xmpp");
  request.set_name("Choir");
  request.set_topic("Thursdays");
  request.mutable_disappearing_timer()->set_seconds(3600);
  request.set_muted(true);
  request.set_archived(false);
  request.set_marked_unread(true);
  request.add_add_contact_ids(Person(app, "Dave on xmpp"));
  for (const v1::Contact& contact : ContactsOf(app)) {
    if (contact.display_name() == "Carol" && contact.account_id() == AccountIdOf(app, "xmpp")) {
      request.add_remove_contact_ids(contact.id());
    }
  }
  v1::Participant& role = *request.add_roles();
  role.set_contact_id(Person(app, "Bob on xmpp"));
  role.set_role(v1::PARTICIPANT_ROLE_ADMIN);
  request.set_pin_message_id(message);
  v1::UpdateChatResponse response;
  grpc::Status status = Update(app, request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.chat().name(), "Choir");
  EXPECT_EQ(response.chat().topic(), "Thursdays");
  EXPECT_TRUE(response.chat().muted() && response.chat().marked_unread());
  EXPECT_EQ(response.chat().disappearing_timer().seconds(), 3600);
  const v1::UpdateChatCommand update = LastUpdate();
  EXPECT_EQ(update.chat().id(), "club");
  EXPECT_EQ(update.chat().name(), "Choir");
  EXPECT_EQ(update.chat().topic(), "Thursdays");
  EXPECT_EQ(update.chat().disappearing_timer().seconds(), 3600);
  EXPECT_TRUE(update.chat().muted() && update.chat().marked_unread() && !update.chat().archived());
  EXPECT_THAT(update.update_mask().paths(),
              UnorderedElementsAre("name", "topic", "disappearing_timer", "muted", "archived",
                                   "marked_unread"));
  EXPECT_THAT(update.add_contact_ids(), ElementsAre("dave"));
  EXPECT_THAT(update.remove_contact_ids(), ElementsAre("carol"));
  ASSERT_EQ(update.roles_size(), 1);
  EXPECT_EQ(update.roles(0).contact_id(), "bob");
  EXPECT_EQ(update.roles(0).role(), v1::PARTICIPANT_ROLE_ADMIN);
  EXPECT_EQ(update.pin_message_id(), "m1");

  request = Of(app, "Club on xmpp");
  request.set_unpin_message_id(message);
  request.mutable_disappearing_timer();
  ASSERT_TRUE((status = Update(app, request, &response)).ok()) << Text(status);
  EXPECT_EQ(LastUpdate().unpin_message_id(), "m1");
  EXPECT_FALSE(LastUpdate().chat().has_disappearing_timer());
  EXPECT_THAT(LastUpdate().update_mask().paths(), ElementsAre("disappearing_timer"));
  EXPECT_FALSE(response.chat().has_disappearing_timer());

  // Without a picture; and one that the app did not upload is not there.
  request = Of(app, "Club on xmpp");
  request.set_avatar_attachment_id("");
  ASSERT_TRUE((status = Update(app, request)).ok()) << Text(status);
  EXPECT_THAT(LastUpdate().update_mask().paths(), ElementsAre("avatar_attachment_id"));
  EXPECT_THAT(LastUpdate().chat().avatar_attachment_id(), IsEmpty());
  request.set_avatar_attachment_id(message);
  EXPECT_EQ(ReasonOf(Update(app, request)), "NOT_FOUND");

  request = Of(app, "Club on xmpp");
  request.set_leave(true);
  ASSERT_TRUE((status = Update(app, request)).ok()) << Text(status);
  EXPECT_TRUE(LastUpdate().leave());

  request = Of(app, "Bob on xmpp");
  request.set_blocked(true);
  request.set_request_answer(v1::MessageRequest::STATE_DECLINED);
  ASSERT_TRUE((status = Update(app, request)).ok()) << Text(status);
  EXPECT_EQ(LastUpdate().chat().id(), "c1");
  EXPECT_TRUE(LastUpdate().chat().blocked());
  EXPECT_EQ(LastUpdate().request_answer(), v1::MessageRequest::STATE_DECLINED);

  OwnerCalls owner(harness_);
  EXPECT_EQ(owner.HistoryOf(app, {v1::ACCESS_VERB_WRITE}).size(), 5u);
}

TEST_F(ChatsTest, TheSameChangeIsMadeOnce) {
  const Program app = Manager();
  v1::UpdateChatRequest request = Of(app, "Club on xmpp");
  request.set_request_id("update-1");
  request.set_muted(true);
  ASSERT_TRUE(Update(app, request).ok());
  ASSERT_TRUE(Update(app, request).ok());
  EXPECT_EQ(jabber_->commands().size(), 1u);
  request.set_muted(false);
  EXPECT_EQ(ReasonOf(Update(app, request)), "REQUEST_ID_CONFLICT");
}

TEST_F(ChatsTest, AChangeNeedsItsScopeInThatChat) {
  const Program reader = harness_.App("Reader", {kChatsRead});
  v1::UpdateChatRequest request = Of(reader, "Club on xmpp");
  request.set_muted(true);
  EXPECT_EQ(ReasonOf(Update(reader, request)), "SCOPE_REQUIRED");

  const Program narrow = harness_.App("Narrow", {kChatsRead});
  harness_.Widen(narrow, {kChatsWrite}, {.chats = {"Club on xmpp"}});
  request = Of(narrow, "Bob on xmpp");
  request.set_muted(true);
  const grpc::Status forbidden = Update(narrow, request);
  request.set_chat_id(ChatIdOf(reader, "Club on xmpp"));  // another app's name for it
  const grpc::Status missing = Update(narrow, request);
  EXPECT_EQ(forbidden.error_code(), grpc::StatusCode::NOT_FOUND) << Text(forbidden);
  EXPECT_EQ(missing.error_details(), forbidden.error_details());
  EXPECT_EQ(missing.error_message(), forbidden.error_message());
  EXPECT_THAT(jabber_->commands(), IsEmpty());
}

TEST_F(ChatsTest, OnlyWhatTheAppMaySeeIsPinned) {
  ASSERT_TRUE(jabber_->PushDurably(
      {MessageEvent("club", "m1", "before"), MessageEvent("c1", "m2", "elsewhere")}));
  const Program sees_all = Manager();
  EventReader all(sees_all, FromOldest());
  ASSERT_TRUE(all.WaitForText("elsewhere"));
  std::string elsewhere;
  for (const v1::Event& event : all.events()) {
    if (event.message_created().message().text() == "elsewhere") {
      elsewhere = event.message_created().message().id();
    }
  }
  v1::UpdateChatRequest request = Of(sees_all, "Club on xmpp");
  request.set_pin_message_id(elsewhere);  // of another chat
  EXPECT_EQ(ReasonOf(Update(sees_all, request)), "NOT_FOUND");
  request.set_pin_message_id("?");
  EXPECT_EQ(ReasonOf(Update(sees_all, request)), "INVALID_FIELD");

  // May change the chat, and sees no messages: it cannot pin one, though it has been told of it.
  const Program blind = harness_.App("Blind", {kChatsRead, kChatsWrite, kMessagesRead});
  EventReader reader(blind);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("club", "m3", "after")}));
  ASSERT_TRUE(reader.WaitForText("after"));
  request = Of(blind, "Club on xmpp");
  request.set_pin_message_id(reader.reported()[0].message_created().message().id());
  EXPECT_TRUE(Update(blind, request).ok());
  OwnerCalls owner(harness_);
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(owner.GrantOf(blind).id());
  narrow.add_remove_scopes(v1::SCOPE_MESSAGES_READ);
  owner.Narrow(narrow);
  EXPECT_EQ(ReasonOf(Update(blind, request)), "NOT_FOUND");
}

TEST_F(ChatsTest, WhatAChatCannotDoIsRefusedByName) {
  const Program app = Manager();
  v1::UpdateChatRequest asked = Of(app, "Club on xmpp");
  const std::vector<std::pair<std::string, std::function<void(v1::UpdateChatRequest&)>>> cases = {
      {"manage", [](auto& r) { r.set_name("Choir"); }},
      {"manage", [](auto& r) { r.set_leave(true); }},
      {"disappearing", [](auto& r) { r.mutable_disappearing_timer(); }},
      {"organize", [](auto& r) { r.set_archived(true); }},
      {"block", [](auto& r) { r.set_request_answer(v1::MessageRequest::STATE_ACCEPTED); }}};
  ASSERT_TRUE(jabber_->PushDurably({In("club", [&](v1::Event& event) {
    v1::ChatCapabilities& can = *event.mutable_capabilities_changed()->mutable_capabilities();
    can = FullCapabilities();
    can.set_manage(v1::CAPABILITY_LEVEL_REJECTED);
    can.set_disappearing(v1::CAPABILITY_LEVEL_REJECTED);
    can.set_organize(v1::CAPABILITY_LEVEL_REJECTED);
    can.set_block(v1::CAPABILITY_LEVEL_REJECTED);
  })}));
  for (const auto& [capability, set] : cases) {
    v1::UpdateChatRequest request = asked;
    set(request);
    const grpc::Status status = Update(app, request);
    EXPECT_EQ(ReasonOf(status), "NOT_SUPPORTED_BY_CHAT") << Text(status);
    EXPECT_EQ(InfoOf(status).metadata().at("capability"), capability);
  }
  // What only one kind of chat has.
  v1::UpdateChatRequest request = Of(app, "Club on alicechat");
  request.set_blocked(true);
  EXPECT_EQ(InfoOf(Update(app, request)).metadata().at("capability"), "block");
  request = Of(app, "Bob on xmpp");
  request.set_leave(true);
  EXPECT_EQ(InfoOf(Update(app, request)).metadata().at("capability"), "manage");
  EXPECT_THAT(jabber_->commands(), IsEmpty());
  // And what the gatekeeper says itself.
  jabber_->Answer([](const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_FAILED);
    result.set_missing_capability("block");
    return result;
  });
  request = Of(app, "Bob on xmpp");
  request.set_blocked(true);
  const grpc::Status status = Update(app, request);
  EXPECT_EQ(ReasonOf(status), "NOT_SUPPORTED_BY_CHAT");
  EXPECT_EQ(InfoOf(status).metadata().at("capability"), "block");
}

TEST_F(ChatsTest, MalformedChangesAreRefused) {
  const Program app = Manager();
  const v1::UpdateChatRequest asked = Of(app, "Club on xmpp");
  for (const auto& spoil : std::vector<std::function<void(v1::UpdateChatRequest&)>>{
           [](auto&) {},  // nothing is asked
           [](auto& r) { r.set_name(std::string(broker::kNameBytesMax + 1, 'x')); },
           [](auto& r) { r.mutable_disappearing_timer()->set_seconds(-1); },
           [](auto& r) { r.mutable_disappearing_timer()->set_nanos(1); },
           [](auto& r) { r.set_request_answer(v1::MessageRequest::STATE_BLOCKED); },
           [](auto& r) { r.set_leave(true), r.set_name("x"); },
           [](auto& r) { r.add_add_contact_ids("?"); },
           [](auto& r) { r.add_roles()->set_role(v1::PARTICIPANT_ROLE_ADMIN); },
           [](auto& r) { r.set_chat_id(""), r.set_name("x"); }}) {
    v1::UpdateChatRequest request = asked;
    spoil(request);
    const grpc::Status status = Update(app, request);
    EXPECT_EQ(ReasonOf(status), "INVALID_FIELD") << Text(status) << request.ShortDebugString();
  }
  // Somebody of another account is not there.
  v1::UpdateChatRequest request = asked;
  request.add_add_contact_ids(Person(app, "Bob on alicechat"));
  EXPECT_EQ(ReasonOf(Update(app, request)), "NOT_FOUND");
  EXPECT_THAT(jabber_->commands(), IsEmpty());
}

TEST_F(ChatsTest, TwoNetworksOutliveARestartApart) {
  const Program app = Manager();
  const std::vector<v1::Chat> before = ChatsOf(app);
  ASSERT_EQ(before.size(), 4u);
  harness_.Restart();
  const Program again = harness_.Reconnect(app);
  for (const v1::Account& account : AccountsOf(again)) {
    EXPECT_EQ(account.state(), v1::ACCOUNT_STATE_DETACHED);
  }
  const std::vector<v1::Chat> after = ChatsOf(again);
  ASSERT_EQ(after.size(), before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].SerializeAsString(), before[i].SerializeAsString());
  }
  jabber_.Reconnect(harness_);
  alice_.Reconnect(harness_);
  for (const v1::Account& account : AccountsOf(again)) {
    EXPECT_EQ(account.state(), v1::ACCOUNT_STATE_ONLINE);
  }
  // Each is asked for its own.
  v1::UpdateChatRequest request = Of(again, "Club on alicechat");
  request.set_muted(true);
  ASSERT_TRUE(Update(again, request).ok());
  EXPECT_EQ(alice_->commands().size(), 1u);
  EXPECT_THAT(jabber_->commands(), IsEmpty());
}

}  // namespace
}  // namespace postern::behaviors
