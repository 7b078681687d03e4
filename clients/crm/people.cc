// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/people.h"

#include <absl/time/clock.h>

#include "clients/crm/note_text.h"
#include "clients/sdk/stubs.h"

namespace postern::crm {
namespace {

constexpr int kPageSize = 500;
constexpr absl::Duration kCallTimeout = absl::Seconds(10);

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + kCallTimeout));
}

// A name is one line.
std::string Name(const std::string& name, const char* otherwise) {
  std::string line = Indented(name);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? otherwise : line;
}

}  // namespace

absl::Status People::RefreshAccounts() {
  sdk::PageOptions page{.page_size = kPageSize, .page_token = ""};
  do {
    const auto accounts = client_.ListAccounts(page);
    if (!accounts.ok()) return accounts.status();
    for (const v1::Account& account : accounts->items) networks_[account.id()] = account.network();
    page.page_token = accounts->next_page_token;
  } while (!page.page_token.empty());
  return absl::OkStatus();
}

absl::Status People::RefreshContacts() {
  v1::ListContactsRequest request;
  request.set_page_size(kPageSize);
  do {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::ListContactsResponse response;
    const grpc::Status listed = client_.stubs().chat->ListContacts(&context, request, &response);
    if (!listed.ok()) return sdk::ToStatus(listed);
    for (const v1::Contact& contact : response.contacts()) {
      if (const absl::Status status = Put(contact); !status.ok()) return status;
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status People::Refresh() {
  if (const absl::Status status = RefreshAccounts(); !status.ok()) return status;
  if (const absl::Status status = RefreshContacts(); !status.ok()) return status;
  sdk::PageOptions page{.page_size = kPageSize, .page_token = ""};
  do {
    const auto chats = client_.ListChats({}, page);
    if (!chats.ok()) return chats.status();
    for (const v1::Chat& chat : chats->items) {
      if (const absl::Status status = Put(chat); !status.ok()) return status;
    }
    page.page_token = chats->next_page_token;
  } while (!page.page_token.empty());
  return absl::OkStatus();
}

absl::Status People::Put(const v1::Contact& contact) {
  if (!networks_.contains(contact.account_id())) {
    if (const absl::Status status = RefreshAccounts(); !status.ok()) return status;
  }
  Person person;
  person.id = contact.id();
  person.network = networks_[contact.account_id()];
  person.name = Name(contact.display_name(), "Somebody");
  person.addresses.assign(contact.addresses().begin(), contact.addresses().end());
  person.linked.assign(contact.linked_contact_ids().begin(), contact.linked_contact_ids().end());
  person.is_self = contact.is_self();
  return ledger_.PutPerson(person);
}

absl::Status People::Put(const v1::Chat& chat) {
  if (!networks_.contains(chat.account_id())) {
    if (const absl::Status status = RefreshAccounts(); !status.ok()) return status;
  }
  return ledger_.PutChat({chat.id(), networks_[chat.account_id()], Name(chat.name(), "a chat"),
                          chat.kind() == v1::CHAT_KIND_DIRECT ? chat.peer_contact_id() : ""});
}

absl::StatusOr<Person> People::PersonWith(const std::string& id) {
  for (const bool asked : {false, true}) {
    auto known = ledger_.FindPerson(id);
    if (!known.ok()) return known.status();
    if (known->has_value()) return **std::move(known);
    if (asked) break;
    if (const absl::Status status = RefreshContacts(); !status.ok()) return status;
  }
  Person nobody;
  nobody.id = id;
  nobody.name = "Somebody";
  if (const absl::Status status = ledger_.PutPerson(nobody); !status.ok()) return status;
  return nobody;
}

absl::StatusOr<ChatFacts> People::ChatWith(const std::string& id) {
  auto known = ledger_.FindChat(id);
  if (!known.ok()) return known.status();
  if (known->has_value()) return **std::move(known);
  grpc::ClientContext context;
  SetDeadline(context);
  v1::GetChatRequest request;
  request.set_chat_id(id);
  v1::GetChatResponse response;
  const absl::Status got =
      sdk::ToStatus(client_.stubs().chat->GetChat(&context, request, &response));
  if (!got.ok() && !absl::IsNotFound(got)) return got;
  if (got.ok()) {
    if (const absl::Status status = Put(response.chat()); !status.ok()) return status;
    known = ledger_.FindChat(id);
    if (!known.ok()) return known.status();
    if (known->has_value()) return **std::move(known);
  }
  return ChatFacts{id, "", "a chat", ""};
}

}  // namespace postern::crm
