// SPDX-License-Identifier: Apache-2.0
// Which chats a grant opens, beyond a list of them: those with contacts or with strangers, all that
// there were, all but some. The same for lists, events, sending, and chats that come later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/behaviors/owner_calls.h"
#include "tests/behaviors/two_networks.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::ChatChoice;
using permissions::ConsentAnswer;
using permissions::ConsentQuestion;
using permissions::People;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::UnorderedElementsAreArray;

// Narrows an answer that allows every chat.
using Choose = std::function<void(const ConsentQuestion&, ConsentAnswer&)>;

Choose Only(People people) {
  return [people](const ConsentQuestion&, ConsentAnswer& answer) { answer.people = people; };
}

Choose Without(ChatChoice choice, const std::string& excluded) {
  return [choice, excluded](const ConsentQuestion& question, ConsentAnswer& answer) {
    answer.chat_choice = choice;
    for (uint32_t i = 0; i < question.chats.size(); ++i) {
      if (question.chats[i].name == excluded) answer.excluded_chats.push_back(i);
    }
  };
}

v1::Event InAddressBook(v1::Event event, bool in_address_book = true) {
  event.mutable_contact_changed()->mutable_contact()->set_in_address_book(in_address_book);
  return event;
}

class SelectionsTest : public testing::Test {
 protected:
  // Bob on xmpp is a contact of the user's; Bob on alicechat is a stranger.
  SelectionsTest() {
    EXPECT_TRUE(jabber_->PushDurably({InAddressBook(BobOnXmpp())}));
    alice_->Answer(Refused);
    jabber_->Answer(Refused);
  }

  static v1::Event BobOnXmpp() { return ContactEvent("bob", "Bob on xmpp", {"xmpp:bob"}); }
  // Nothing goes out: what is asked is whether it would.
  static std::optional<v1::CommandResult> Refused(const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_FAILED);
    return result;
  }
  Program App(const std::string& name, const std::vector<permissions::Scope>& scopes,
              const Choose& choose) {
    harness_.Decide(name, [choose](const ConsentQuestion& question) {
      ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
      choose(question, answer);
      return answer;
    });
    Program app = harness_.Connect(name);
    const auto enrolment = harness_.Enroll(app, AppManifest(name, scopes));
    EXPECT_TRUE(enrolment.granted()) << name << Text(enrolment.status);
    return app;
  }
  static std::vector<std::string> NamesOf(const std::vector<v1::Chat>& chats) {
    std::vector<std::string> names;
    for (const v1::Chat& chat : chats) names.push_back(chat.name());
    return names;
  }
  // The reason why a message does not go out. GATEKEEPER_REFUSED: it would have, for the broker.
  std::string Send(const Program& app, const std::string& chat_id, const std::string& text) {
    v1::SendMessageRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_chat_id(chat_id);
    request.set_text(text);
    v1::SendMessageResponse response;
    return ReasonOf(app->message->SendMessage(Patiently().get(), request, &response));
  }
  // Whether a 1:1 chat with somebody in the club on xmpp may be started.
  grpc::Status Start(const Program& app, const std::string& name) {
    v1::CreateChatRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_account_id(AccountIdOf(app, "xmpp"));
    request.set_kind(v1::CHAT_KIND_DIRECT);
    v1::ListParticipantsRequest list;
    list.set_chat_id(ChatIdOf(app, "Club on xmpp"));
    v1::ListParticipantsResponse people;
    EXPECT_TRUE(app->chat->ListParticipants(Patiently().get(), list, &people).ok());
    for (const v1::Participant& one : people.participants()) {
      if (one.display_name() == name) request.add_contact_ids(one.contact_id());
    }
    EXPECT_EQ(request.contact_ids_size(), 1) << name;
    v1::CreateChatResponse response;
    return app->chat->CreateChat(Patiently().get(), request, &response);
  }

  BrokerHarness harness_;
  Network alice_{harness_, "alicechat"};
  Network jabber_{harness_, "xmpp"};
};

TEST_F(SelectionsTest, OpenTheSameChatsForListsEventsAndSends) {
  struct Case {
    std::string name;
    Choose choose;
    // Of the chats that there were, and of those that came later.
    std::vector<std::string> open;
    std::vector<std::string> later;
    Program app = {};
    std::unique_ptr<EventReader> reader = nullptr;
  };
  const std::string alice_bob = "Bob on alicechat", alice_club = "Club on alicechat";
  const std::string bob = "Bob on xmpp", club = "Club on xmpp";
  const std::string friends = "New friend", stranger = "New stranger", group = "New group";
  std::vector<Case> cases;
  cases.push_back({"Contacts", Only(People::kContacts), {bob, club, alice_club}, {friends, group}});
  cases.push_back(
      {"Strangers", Only(People::kStrangers), {alice_bob, club, alice_club}, {stranger, group}});
  cases.push_back(
      {"Existing", Without(ChatChoice::kAllExisting, ""), {bob, club, alice_bob, alice_club}, {}});
  cases.push_back({"Existing but one",
                   Without(ChatChoice::kAllExisting, club),
                   {bob, alice_bob, alice_club},
                   {}});
  cases.push_back({"All but one",
                   Without(ChatChoice::kAllAndNew, bob),
                   {club, alice_bob, alice_club},
                   {friends, stranger, group}});
  for (Case& one : cases) {
    one.app = App(one.name, {kChatsRead, kMessagesRead, kMessagesSend}, one.choose);
    EXPECT_THAT(NamesOf(ChatsOf(one.app)), UnorderedElementsAreArray(one.open)) << one.name;
    one.reader = std::make_unique<EventReader>(one.app);
    ASSERT_TRUE(one.reader->WaitLive());
  }
  // Each message says where it was written.
  ASSERT_TRUE(
      jabber_->PushDurably({InAddressBook(ContactEvent("carol", "Carol", {"xmpp:carol"})),
                            DirectChat("d1", "carol", friends), DirectChat("d2", "dave", stranger),
                            GroupChat("g1", group), MessageEvent("c1", "m", bob),
                            MessageEvent("club", "m", club), MessageEvent("d1", "m", friends),
                            MessageEvent("d2", "m", stranger), MessageEvent("g1", "m", group)}));
  ASSERT_TRUE(alice_->PushDurably(
      {MessageEvent("c1", "m", alice_bob), MessageEvent("club", "m", alice_club)}));
  for (Case& one : cases) {
    SCOPED_TRACE(one.name);
    std::vector<std::string> open = one.open;
    open.insert(open.end(), one.later.begin(), one.later.end());
    // The last that was written is for all of them.
    ASSERT_TRUE(one.reader->WaitForText(alice_club));
    EXPECT_THAT(one.reader->texts(), UnorderedElementsAreArray(open));
    EXPECT_THAT(NamesOf(ChatsOf(one.app)), UnorderedElementsAreArray(open));
    // Now it is told the names of all others, and may write there no more than before.
    harness_.Widen(one.app, {kChatsRead}, {});
    const std::vector<v1::Chat> chats = ChatsOf(one.app);
    ASSERT_EQ(chats.size(), 7u);
    for (const v1::Chat& chat : chats) {
      const bool covered = std::count(open.begin(), open.end(), chat.name()) > 0;
      EXPECT_EQ(Send(one.app, chat.id(), one.name + " in " + chat.name()),
                covered ? "GATEKEEPER_REFUSED" : "NOT_FOUND")
          << chat.name();
    }
  }
}

// Who is a contact is what the client says now, not what it was when the user answered.
TEST_F(SelectionsTest, WhoLeavesTheAddressBookIsAStranger) {
  const Program contacts = App("Contacts", {kChatsRead, kMessagesRead}, Only(People::kContacts));
  const Program strangers = App("Strangers", {kChatsRead, kMessagesRead}, Only(People::kStrangers));
  EventReader reader(contacts);
  EventReader other(strangers);
  ASSERT_TRUE(reader.WaitLive() && other.WaitLive());
  EXPECT_THAT(NamesOf(ChatsOf(contacts)), testing::Contains("Bob on xmpp"));
  ASSERT_TRUE(jabber_->PushDurably(
      {MessageEvent("c1", "m1", "friend"), InAddressBook(BobOnXmpp(), false),
       MessageEvent("c1", "m2", "stranger"), MessageEvent("club", "m3", "end")}));
  ASSERT_TRUE(reader.WaitForText("end") && other.WaitForText("end"));
  // The stream goes by what is so when it is written: the first message was no stranger's then, or
  // is one's by now.
  EXPECT_THAT(reader.texts(), testing::AnyOf(ElementsAre("friend", "end"), ElementsAre("end")));
  EXPECT_THAT(other.texts(), IsSupersetOf({"stranger", "end"}));
  EXPECT_THAT(NamesOf(ChatsOf(contacts)), testing::Not(testing::Contains("Bob on xmpp")));
  EXPECT_THAT(NamesOf(ChatsOf(strangers)), testing::Contains("Bob on xmpp"));
}

TEST_F(SelectionsTest, AChatIsStartedOnlyWithWhomTheGrantIsAbout) {
  const std::vector<permissions::Scope> scopes = {kChatsRead, kChatsCreate, kContactsRead};
  const Program contacts = App("Contacts", scopes, Only(People::kContacts));
  const Program strangers = App("Strangers", scopes, Only(People::kStrangers));
  for (const bool known : {false, true}) {
    ASSERT_TRUE(jabber_->PushDurably(
        {InAddressBook(ContactEvent("carol", "Carol", {"xmpp:carol"}), known)}));
    const size_t before = jabber_->commands().size();
    const grpc::Status open = Start(known ? contacts : strangers, "Carol");
    EXPECT_EQ(ReasonOf(open), "GATEKEEPER_REFUSED") << Text(open);
    const grpc::Status shut = Start(known ? strangers : contacts, "Carol");
    EXPECT_EQ(shut.error_code(), grpc::StatusCode::NOT_FOUND) << Text(shut);
    EXPECT_EQ(InfoOf(shut).metadata().at("field"), "contact_ids");
    EXPECT_EQ(jabber_->commands().size(), before + 1);
  }
}

}  // namespace
}  // namespace postern::behaviors
