// SPDX-License-Identifier: Apache-2.0
// People: who sees whom, whose addresses, and who is the same person on two networks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/behaviors/two_networks.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<std::string> NamesOf(const Program& app) {
  std::vector<std::string> names;
  for (const v1::Contact& contact : ContactsOf(app)) names.push_back(contact.display_name());
  return names;
}

class ContactsTest : public testing::Test {
 protected:
  grpc::Status Resolve(const Program& app, const std::string& account, const std::string& address,
                       v1::Contact* contact = nullptr) {
    v1::ResolveContactRequest request;
    request.set_account_id(account);
    request.set_address(address);
    v1::ResolveContactResponse response;
    const grpc::Status status = app->chat->ResolveContact(Patiently().get(), request, &response);
    if (contact != nullptr) *contact = response.contact();
    return status;
  }
  std::vector<v1::Contact> Owned() {
    v1::ListOwnedContactsResponse response;
    const grpc::Status status = owner_->owner->ListOwnedContacts(Patiently().get(), {}, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
    return {response.contacts().begin(), response.contacts().end()};
  }
  v1::Contact OwnedOf(const std::string& name) {
    for (const v1::Contact& contact : Owned()) {
      if (contact.display_name() == name) return contact;
    }
    ADD_FAILURE() << "nobody is called " << name;
    return {};
  }
  grpc::Status Link(const std::vector<std::string>& names,
                    v1::LinkContactsResponse* response = nullptr) {
    v1::LinkContactsRequest request;
    request.set_request_id(harness_.NewRequestId());
    for (const std::string& name : names) request.add_contact_ids(OwnedOf(name).id());
    v1::LinkContactsResponse answer;
    return owner_->owner->LinkContacts(Patiently().get(), request,
                                       response == nullptr ? &answer : response);
  }
  grpc::Status Unlink(const std::string& name) {
    v1::UnlinkContactRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.set_contact_id(OwnedOf(name).id());
    v1::UnlinkContactResponse response;
    return owner_->owner->UnlinkContact(Patiently().get(), request, &response);
  }
  std::set<std::string> LinkedNames(const std::string& name) {
    std::set<std::string> names;
    const v1::Contact contact = OwnedOf(name);
    for (const v1::Contact& other : Owned()) {
      const auto& linked = contact.linked_contact_ids();
      if (std::find(linked.begin(), linked.end(), other.id()) != linked.end()) {
        names.insert(other.display_name());
      }
    }
    return names;
  }

  BrokerHarness harness_;
  Network alice_{harness_, "alicechat"};
  Network jabber_{harness_, "xmpp"};
  Program owner_ = harness_.Owner();
};

TEST_F(ContactsTest, EqualNamesOnTwoNetworksNeverMeet) {
  const Program app =
      harness_.App("All", {kChatsRead, kContactsRead, kContactsIdentify, kMessagesRead});
  std::set<std::string> chats;
  for (const v1::Chat& chat : ChatsOf(app)) chats.insert(chat.id());
  EXPECT_EQ(chats.size(), 4u);
  const v1::Contact here = ContactOf(app, "Bob on alicechat");
  const v1::Contact there = ContactOf(app, "Bob on xmpp");
  EXPECT_NE(here.id(), there.id());
  EXPECT_NE(here.account_id(), there.account_id());
  EXPECT_THAT(here.addresses(), ElementsAre("alicechat:bob", "tel:+1 555-1234"));
  EXPECT_THAT(there.addresses(), ElementsAre("xmpp:bob", "tel:+1 555-1234"));

  // What happens to the one does not touch the other.
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(alice_->PushDurably({MessageEvent("c1", "m1", "from Alice's network")}));
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("c1", "m1", "from Jabber")}));
  ASSERT_TRUE(reader.WaitForText("from Alice's network") && reader.WaitForText("from Jabber"));
  std::set<std::string> messages;
  for (const v1::Event& event : reader.events()) {
    if (!event.has_message_created()) continue;
    messages.insert(event.message_created().message().id());
    EXPECT_EQ(event.account_id(), event.message_created().message().text() == "from Jabber"
                                      ? there.account_id()
                                      : here.account_id());
  }
  EXPECT_EQ(messages.size(), 2u);
}

TEST_F(ContactsTest, AnAppSeesWhoIsInItsChats) {
  // A grant of one group shows those in it; Dave is in none.
  const Program app =
      harness_.App("Club", {kChatsRead, kContactsRead}, {.chats = {"Club on xmpp"}});
  EXPECT_THAT(NamesOf(app), UnorderedElementsAre("Alice", "Bob on xmpp", "Carol"));
  for (const v1::Contact& contact : ContactsOf(app)) {
    EXPECT_THAT(contact.addresses(), IsEmpty());
    EXPECT_EQ(contact.is_self(), contact.display_name() == "Alice");
  }
  // One of every chat, now and later, shows everybody.
  const Program all = harness_.App("All", {kContactsRead});
  EXPECT_THAT(NamesOf(all), Contains("Dave on xmpp"));
  EXPECT_THAT(NamesOf(all), Contains("Dave on alicechat"));

  // Who leaves is no longer seen, who comes is.
  v1::Event left;
  left.set_chat_id("club");
  left.mutable_participant_left()->set_contact_id("carol");
  v1::Event joined;
  joined.set_chat_id("club");
  joined.mutable_participant_joined()->mutable_participant()->set_contact_id("dave");
  ASSERT_TRUE(jabber_->PushDurably({left, joined}));
  EXPECT_THAT(NamesOf(app), UnorderedElementsAre("Alice", "Bob on xmpp", "Dave on xmpp"));
}

TEST_F(ContactsTest, WithoutItsScopeNobodyIsShown) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  v1::ListContactsResponse response;
  const grpc::Status status = app->chat->ListContacts(Patiently().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(status), "SCOPE_REQUIRED");
  EXPECT_EQ(Resolve(app, AccountIdOf(app, "xmpp"), "xmpp:bob").error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(ContactsTest, AddressesOfOneChatDoNotOpenThoseOfAll) {
  // Sees everybody, and may identify in one group.
  const Program app = harness_.App("Narrow", {kChatsRead, kContactsRead});
  harness_.Widen(app, {kContactsIdentify}, {.chats = {"Club on xmpp"}});
  EXPECT_THAT(ContactOf(app, "Bob on xmpp").addresses(), Contains("xmpp:bob"));
  EXPECT_THAT(ContactOf(app, "Dave on xmpp").addresses(), IsEmpty());
  EXPECT_THAT(ContactOf(app, "Bob on alicechat").addresses(), IsEmpty());
  // Nor by an event, nor by asking.
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(jabber_->PushDurably(
      {ContactEvent("dave", "David", {"xmpp:dave"}), ContactEvent("bob", "Robert", {"xmpp:bob"})}));
  ASSERT_TRUE(reader.WaitForReported(2));
  const std::vector<v1::Event> events = reader.reported();
  EXPECT_THAT(events[0].contact_changed().contact().addresses(), IsEmpty());
  EXPECT_THAT(events[1].contact_changed().contact().addresses(), ElementsAre("xmpp:bob"));
  EXPECT_EQ(Resolve(app, AccountIdOf(app, "xmpp"), "xmpp:dave").error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(ContactsTest, AnAddressNamesItsPersonInOneSpellingOrAnother) {
  const Program app = harness_.App("Finder", {kChatsRead, kContactsRead, kContactsIdentify});
  const std::string account = AccountIdOf(app, "xmpp");
  const std::string bob = ContactOf(app, "Bob on xmpp").id();
  for (const char* address : {"xmpp:bob", "XMPP:Bob", "tel:+15551234", "tel:+1 (555) 12-34"}) {
    v1::Contact contact;
    const grpc::Status status = Resolve(app, account, address, &contact);
    EXPECT_TRUE(status.ok()) << address << ": " << Text(status);
    EXPECT_EQ(contact.id(), bob) << address;
    EXPECT_THAT(contact.addresses(), Contains("xmpp:bob"));
  }
  for (const char* address : {"bob", "", ":bob", "xmpp:", "1x:bob"}) {
    EXPECT_EQ(Resolve(app, account, address).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << address;
  }
}

TEST_F(ContactsTest, UnknownAndForbiddenAddressesLookTheSame) {
  const Program app =
      harness_.App("Club", {kChatsRead, kContactsIdentify}, {.chats = {"Club on xmpp"}});
  const std::string account = AccountIdOf(app, "xmpp");
  // Bob is in the group; without contacts:read, no more is said of him than who he is.
  v1::Contact bob;
  ASSERT_TRUE(Resolve(app, account, "xmpp:bob", &bob).ok());
  EXPECT_EQ(bob.display_name(), "Bob on xmpp");
  const grpc::Status forbidden = Resolve(app, account, "xmpp:dave");
  const grpc::Status unknown = Resolve(app, account, "xmpp:nobody");
  const grpc::Status elsewhere = Resolve(app, account, "alicechat:bob");
  EXPECT_EQ(forbidden.error_code(), grpc::StatusCode::NOT_FOUND);
  for (const grpc::Status& status : {unknown, elsewhere}) {
    EXPECT_EQ(status.error_code(), forbidden.error_code());
    EXPECT_EQ(status.error_message(), forbidden.error_message());
    EXPECT_EQ(status.error_details(), forbidden.error_details());
  }
}

TEST_F(ContactsTest, NumbersCannotBeHadByTrying) {
  const Program app = harness_.App("Guesser", {kChatsRead, kContactsIdentify});
  const std::string account = AccountIdOf(app, "xmpp");
  int answered = 0;
  grpc::Status status;
  for (uint32_t i = 0; i <= broker::kResolvesPerHour; ++i) {
    status = Resolve(app, account, "tel:+1555" + std::to_string(1000 + i));
    if (status.error_code() != grpc::StatusCode::NOT_FOUND) break;
    ++answered;
  }
  EXPECT_EQ(answered, static_cast<int>(broker::kResolvesPerHour));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("limit"), "resolves_per_hour");
  // Also for an address that is known.
  EXPECT_EQ(Resolve(app, account, "xmpp:bob").error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // Another app is not concerned.
  const Program other = harness_.App("Other", {kChatsRead, kContactsIdentify});
  EXPECT_TRUE(Resolve(other, AccountIdOf(other, "xmpp"), "xmpp:bob").ok());
}

TEST_F(ContactsTest, ASealedPersonIsAsIfNotThere) {
  const Program app = harness_.App("All", {kChatsRead, kContactsRead, kContactsIdentify});
  const std::string account = AccountIdOf(app, "xmpp");
  ASSERT_TRUE(Resolve(app, account, "xmpp:bob").ok());
  ASSERT_TRUE(Link({"Bob on xmpp", "Bob on alicechat"}).ok());
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  seal.set_contact_id(OwnedOf("Bob on xmpp").id());
  v1::SealResponse sealed;
  ASSERT_TRUE(owner_->owner->Seal(Patiently().get(), seal, &sealed).ok());
  EXPECT_THAT(NamesOf(app), Not(Contains("Bob on xmpp")));
  EXPECT_EQ(Resolve(app, account, "xmpp:bob").error_code(), grpc::StatusCode::NOT_FOUND);
  // Not through the contact that is the same person either.
  EXPECT_THAT(ContactOf(app, "Bob on alicechat").linked_contact_ids(), IsEmpty());
}

TEST_F(ContactsTest, OnePersonOnTwoNetworksIsTwoContactsThatTheOwnerLinks) {
  const Program both = harness_.App("Both", {kChatsRead, kContactsRead});
  const Program one = harness_.App("One", {kChatsRead, kContactsRead}, {.chats = {"Club on xmpp"}});
  EXPECT_THAT(ContactOf(both, "Bob on xmpp").linked_contact_ids(), IsEmpty());
  EventReader reader(both);
  ASSERT_TRUE(reader.WaitLive());
  v1::LinkContactsResponse response;
  ASSERT_TRUE(Link({"Bob on xmpp", "Bob on alicechat"}, &response).ok());
  EXPECT_EQ(response.contacts_size(), 2);
  const std::string here = ContactOf(both, "Bob on alicechat").id();
  const std::string there = ContactOf(both, "Bob on xmpp").id();
  EXPECT_THAT(ContactOf(both, "Bob on xmpp").linked_contact_ids(), ElementsAre(here));
  EXPECT_THAT(ContactOf(both, "Bob on alicechat").linked_contact_ids(), ElementsAre(there));
  // The app is told, of both.
  ASSERT_TRUE(reader.WaitForReported(2));
  const std::vector<v1::Event> told = reader.reported();
  EXPECT_EQ(told[0].contact_changed().contact().linked_contact_ids_size(), 1);
  EXPECT_EQ(told[1].contact_changed().contact().linked_contact_ids_size(), 1);
  EXPECT_THAT(told[0].contact_changed().contact().addresses(), IsEmpty());
  // Who sees only one of the two is not told of the other.
  EXPECT_THAT(ContactOf(one, "Bob on xmpp").linked_contact_ids(), IsEmpty());
  // An adapter has no say in it.
  v1::Event forged = ContactEvent("dave", "Dave on xmpp", {"xmpp:dave"});
  forged.mutable_contact_changed()->mutable_contact()->add_linked_contact_ids("bob");
  ASSERT_TRUE(jabber_->PushDurably({forged}));
  EXPECT_THAT(LinkedNames("Dave on xmpp"), IsEmpty());
}

TEST_F(ContactsTest, LinksGrowComeApartAndOutliveARestart) {
  ASSERT_TRUE(Link({"Bob on xmpp", "Bob on alicechat"}).ok());
  ASSERT_TRUE(Link({"Dave on xmpp", "Dave on alicechat"}).ok());
  // One of each brings the others along.
  ASSERT_TRUE(Link({"Bob on xmpp", "Dave on alicechat"}).ok());
  EXPECT_EQ(LinkedNames("Bob on alicechat"),
            (std::set<std::string>{"Bob on xmpp", "Dave on xmpp", "Dave on alicechat"}));
  ASSERT_TRUE(Unlink("Dave on xmpp").ok());
  ASSERT_TRUE(Unlink("Dave on xmpp").ok());  // alone already
  harness_.Restart();
  owner_ = harness_.Owner();
  EXPECT_THAT(LinkedNames("Dave on xmpp"), IsEmpty());
  EXPECT_EQ(LinkedNames("Bob on alicechat"),
            (std::set<std::string>{"Bob on xmpp", "Dave on alicechat"}));
  // Who is left alone is no longer linked.
  ASSERT_TRUE(Unlink("Bob on alicechat").ok());
  ASSERT_TRUE(Unlink("Bob on xmpp").ok());
  EXPECT_THAT(LinkedNames("Dave on alicechat"), IsEmpty());
}

TEST_F(ContactsTest, WhoWasLinkedIsToldOfOnce) {
  const Program app = harness_.App("Both", {kChatsRead, kContactsRead, kMessagesRead});
  v1::SubscribeRequest request;
  request.set_subscription("main");
  {
    EventReader begun(app, request);
    ASSERT_TRUE(begun.WaitLive());
  }
  ASSERT_TRUE(Link({"Bob on xmpp", "Bob on alicechat"}).ok());
  harness_.Restart();
  owner_ = harness_.Owner();
  const Program again = harness_.Reconnect(app);
  EventReader reader(again, request);
  ASSERT_TRUE(reader.WaitForReported(2));
  jabber_.Reconnect(harness_);
  ASSERT_TRUE(jabber_->PushDurably({MessageEvent("c1", "m1", "after all that")}));
  ASSERT_TRUE(reader.WaitForReported(3));
  size_t told = 0;
  for (const v1::Event& event : reader.reported()) told += event.has_contact_changed() ? 1 : 0;
  EXPECT_EQ(told, 2u);
}

// Any program on the session bus can read the owner's key.
TEST_F(ContactsTest, TheOwnersKeyAloneOpensNoAddressBook) {
  v1::ListOwnedContactsResponse response;
  harness_.Decide("", fakes::ScriptedConsentPrompt::Refusal);
  grpc::Status status = owner_->owner->ListOwnedContacts(Patiently().get(), {}, &response);
  EXPECT_EQ(ReasonOf(status), "CONSENT_REFUSED") << Text(status);
  EXPECT_THAT(response.contacts(), IsEmpty());
  harness_.Decide("", fakes::ScriptedConsentPrompt::AllowAll);
  const size_t asked = harness_.asked().size();
  EXPECT_THAT(OwnedOf("Bob on xmpp").addresses(), ElementsAre("xmpp:bob", "tel:+1 555-1234"));
  EXPECT_EQ(harness_.asked().size(), asked + 1);
  EXPECT_EQ(harness_.asked().back().kind, permissions::QuestionKind::kView);
  // Linking, which nobody is asked for, tells who they are and not how to reach them.
  v1::LinkContactsResponse linked;
  ASSERT_TRUE(Link({"Bob on xmpp", "Bob on alicechat"}, &linked).ok());
  EXPECT_EQ(harness_.asked().size(), asked + 1);
  for (const v1::Contact& contact : linked.contacts()) EXPECT_THAT(contact.addresses(), IsEmpty());
}

TEST_F(ContactsTest, ALinkNeedsTwoKnownContacts) {
  EXPECT_EQ(Link({"Bob on xmpp"}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Link({"Bob on xmpp", "Bob on xmpp"}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const Program app = harness_.App("All", {kChatsRead, kContactsRead});
  v1::LinkContactsRequest request;
  request.set_request_id(harness_.NewRequestId());
  request.add_contact_ids(OwnedOf("Bob on xmpp").id());
  request.add_contact_ids(ContactOf(app, "Bob on alicechat").id());  // another program's name
  v1::LinkContactsResponse response;
  grpc::Status status = owner_->owner->LinkContacts(Patiently().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << Text(status);
  // Apps have no such call.
  status = app->owner->LinkContacts(Patiently().get(), request, &response);
  EXPECT_EQ(ReasonOf(status), "ROLE_REQUIRED");
}

TEST_F(ContactsTest, OnePersonHasABoundedNumberOfContacts) {
  std::vector<v1::Event> events;
  for (size_t i = 0; i <= broker::kLinkedContactsMax; ++i) {
    events.push_back(ContactEvent("many" + std::to_string(i), "Many", {}));
  }
  ASSERT_TRUE(jabber_->PushDurably(events));
  std::vector<std::string> many;
  v1::ListOwnedContactsRequest list;
  list.set_page_size(broker::kPageSizeMax);
  v1::ListOwnedContactsResponse listed;
  ASSERT_TRUE(owner_->owner->ListOwnedContacts(Patiently().get(), list, &listed).ok());
  for (const v1::Contact& contact : listed.contacts()) {
    if (contact.display_name() == "Many") many.push_back(contact.id());
  }
  ASSERT_EQ(many.size(), broker::kLinkedContactsMax + 1);
  const auto link = [&](auto begin, auto end) {
    v1::LinkContactsRequest request;
    request.set_request_id(harness_.NewRequestId());
    request.mutable_contact_ids()->Assign(begin, end);
    v1::LinkContactsResponse response;
    return owner_->owner->LinkContacts(Patiently().get(), request, &response);
  };
  EXPECT_EQ(link(many.begin(), many.end()).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  ASSERT_TRUE(link(many.begin(), many.end() - 1).ok());
  // Each brings its person along.
  const grpc::Status status = link(many.end() - 2, many.end());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(status);
  EXPECT_EQ(InfoOf(status).metadata().at("limit"), "linked_contacts");
}

TEST_F(ContactsTest, PagesHoldEachContactOnce) {
  const Program app = harness_.App("All", {kChatsRead, kContactsRead});
  v1::ListContactsRequest request;
  request.set_page_size(3);
  std::vector<std::string> ids;
  do {
    v1::ListContactsResponse response;
    ASSERT_TRUE(app->chat->ListContacts(Patiently().get(), request, &response).ok());
    for (const v1::Contact& contact : response.contacts()) ids.push_back(contact.id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(ids.size(), 8u);  // Alice, Bob, Carol and Dave, twice
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  // Of one account only.
  v1::ListContactsRequest one;
  one.set_account_id(AccountIdOf(app, "xmpp"));
  v1::ListContactsResponse response;
  ASSERT_TRUE(app->chat->ListContacts(Patiently().get(), one, &response).ok());
  EXPECT_EQ(response.contacts_size(), 4);
}

TEST_F(ContactsTest, AnAddressWithoutItsNetworkIsNotTaken) {
  alice_->Push({ContactEvent("erin", "Erin", {"+15559999"})});
  alice_->Push({ContactEvent("erin", "Erin", {"tel:+15559999"})});
  ASSERT_TRUE(alice_->PushDurably({ContactEvent("frank", "Frank", {})}));
  ASSERT_EQ(alice_->refused().size(), 1u);
  EXPECT_EQ(alice_->refused()[0].field(), "contact.addresses");
  EXPECT_THAT(OwnedOf("Erin").addresses(), ElementsAre("tel:+15559999"));
}

}  // namespace
}  // namespace postern::behaviors
