// SPDX-License-Identifier: Apache-2.0
// Two gatekeepers at once, on two networks, that name things alike: each has a chat "c1" with
// "bob", and a group "club" with Bob and Carol.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

// What chats of both networks can do.
inline v1::ChatCapabilities FullCapabilities() {
  v1::ChatCapabilities capabilities;
  const google::protobuf::Reflection& fields = *capabilities.GetReflection();
  const google::protobuf::Descriptor& type = *capabilities.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_ENUM) {
      fields.SetEnumValue(&capabilities, type.field(i), v1::CAPABILITY_LEVEL_FULL);
    }
  }
  return capabilities;
}

inline void AddMember(v1::Chat& chat, const std::string& contact, const std::string& name,
                      v1::ParticipantRole role = v1::PARTICIPANT_ROLE_MEMBER) {
  v1::Participant& member = *chat.add_participants();
  member.set_contact_id(contact);
  member.set_display_name(name);
  member.set_role(role);
}

inline v1::Event DirectChat(const std::string& id, const std::string& peer,
                            const std::string& name) {
  v1::Event event;
  v1::Chat& chat = *event.mutable_chat_created()->mutable_chat();
  chat.set_id(id);
  chat.set_kind(v1::CHAT_KIND_DIRECT);
  chat.set_name(name);
  chat.set_peer_contact_id(peer);
  AddMember(chat, "self", "Alice");
  AddMember(chat, peer, name);
  return event;
}

inline v1::Event GroupChat(const std::string& id, const std::string& name) {
  v1::Event event = ChatEvent(id, name);
  v1::Chat& chat = *event.mutable_chat_created()->mutable_chat();
  AddMember(chat, "self", "Alice", v1::PARTICIPANT_ROLE_OWNER);
  AddMember(chat, "bob", "Bob");
  AddMember(chat, "carol", "Carol");
  return event;
}

inline v1::Event ContactEvent(const std::string& id, const std::string& name,
                              const std::vector<std::string>& addresses) {
  v1::Event event;
  v1::Contact& contact = *event.mutable_contact_changed()->mutable_contact();
  contact.set_id(id);
  contact.set_display_name(name);
  for (const std::string& address : addresses) contact.add_addresses(address);
  return event;
}

// One of the two.
class Network {
 public:
  Network(BrokerHarness& harness, const std::string& network)
      : program_(harness.Connect("Gatekeeper of " + network)), hello_(Adapter::Hello("alice")) {
    v1::Manifest manifest = AppManifest(program_.name, {});
    manifest.set_role(v1::ROLE_GATEKEEPER);
    manifest.add_networks(network);
    EXPECT_TRUE(harness.Enroll(program_, manifest).granted());
    hello_.mutable_account()->set_network(network);
    hello_.mutable_account()->set_address(network + ":alice");
    *hello_.mutable_default_capabilities() = FullCapabilities();
    Attach();
    EXPECT_TRUE(adapter_->PushDurably(
        {DirectChat("c1", "bob", "Bob on " + network), GroupChat("club", "Club on " + network),
         ContactEvent("bob", "Bob on " + network, {network + ":bob", "tel:+1 555-1234"}),
         ContactEvent("dave", "Dave on " + network, {network + ":dave"})}));
  }
  Adapter& operator*() { return *adapter_; }
  Adapter* operator->() { return adapter_.get(); }
  v1::AttachHello& hello() { return hello_; }
  const Program& program() const { return program_; }
  // Goes and comes back, under what hello() says now.
  void Reattach() {
    adapter_->End();
    Attach();
  }
  // After a restart of the broker.
  void Reconnect(BrokerHarness& harness) {
    adapter_.reset();
    program_ = harness.Reconnect(program_);
    Attach();
  }

 private:
  void Attach() {
    const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
    do {
      adapter_ = std::make_unique<Adapter>(program_, hello_);
    } while (!adapter_->welcome() && Steady::now() < deadline);
    ASSERT_TRUE(adapter_->welcome());
  }

  Program program_;
  v1::AttachHello hello_;
  std::unique_ptr<Adapter> adapter_;
};

inline std::vector<v1::Chat> ChatsOf(const Program& app) {
  v1::ListChatsResponse response;
  const grpc::Status status = app->chat->ListChats(Patiently().get(), {}, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  return {response.chats().begin(), response.chats().end()};
}

inline v1::Chat ChatOf(const Program& app, const std::string& id) {
  v1::GetChatRequest request;
  request.set_chat_id(id);
  v1::GetChatResponse response;
  const grpc::Status status = app->chat->GetChat(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  return response.chat();
}

inline std::vector<v1::Account> AccountsOf(const Program& app) {
  v1::ListAccountsResponse response;
  const grpc::Status status = app->chat->ListAccounts(Patiently().get(), {}, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  return {response.accounts().begin(), response.accounts().end()};
}

inline std::string AccountIdOf(const Program& app, const std::string& network) {
  for (const v1::Account& account : AccountsOf(app)) {
    if (account.network() == network) return account.id();
  }
  return {};
}

inline std::vector<v1::Contact> ContactsOf(const Program& app) {
  v1::ListContactsResponse response;
  const grpc::Status status = app->chat->ListContacts(Patiently().get(), {}, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  return {response.contacts().begin(), response.contacts().end()};
}

// By name; empty when the app sees none of that name.
inline v1::Contact ContactOf(const Program& app, const std::string& name) {
  for (const v1::Contact& contact : ContactsOf(app)) {
    if (contact.display_name() == name) return contact;
  }
  return {};
}

}  // namespace postern::behaviors
