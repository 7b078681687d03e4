// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/chat_opener.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "clients/sdk/grants.h"
#include "clients/sdk/stubs.h"
#include "clients/xmpp_bridge/access.h"

namespace postern::xmpp_bridge {
namespace {

constexpr auto kCallTimeout = std::chrono::seconds(20);

}  // namespace

absl::Status ChatOpener::OpenAll() {
  sdk::PageOptions page;
  do {
    auto accounts = client_.ListAccounts(page);
    if (!accounts.ok()) return accounts.status();
    for (const auto& account : accounts->items) people_.AddSelf(account.self_contact_id());
    page.page_token = accounts->next_page_token;
  } while (!page.page_token.empty());
  do {
    auto chats = client_.ListChats({}, page);
    if (!chats.ok()) return chats.status();
    for (const auto& chat : chats->items) {
      if (auto status = Open(chat); !status.ok()) return status;
    }
    page.page_token = chats->next_page_token;
  } while (!page.page_token.empty());
  return absl::OkStatus();
}

absl::Status ChatOpener::OnChat(const v1::Event& event) {
  if (event.has_chat_created()) return Open(event.chat_created().chat());
  // Newly granted chats, and those whose lease has come to us.
  if (event.has_grant_changed()) return OpenAll();
  if (event.has_lease_changed()) {
    const v1::LeaseChanged& changed = event.lease_changed();
    if (!changed.held_by_self() || changed.target_network() != kTargetNetwork) {
      return absl::OkStatus();
    }
    leases_.CameToUs(event.chat_id());
    return OpenAll();
  }
  if (!event.has_chat_changed()) return absl::OkStatus();
  const v1::Chat& chat = event.chat_changed().chat();
  auto before = store_.ChatById(chat.id());
  if (!before.ok()) return before.status();
  if (!before->has_value() || !(*before)->group) return absl::OkStatus();
  auto entry = store_.ChatOf(chat.id(), chat.name(), true, {});
  if (!entry.ok()) return entry.status();
  Telling telling;
  telling.stanzas = rooms_.Open(*entry, {}, 0);
  telling.stanzas.push_back(SubjectOf(chat, *entry));
  return teller_.Tell(*entry, event.id(), std::move(telling), {});
}

absl::Status ChatOpener::Open(const v1::Chat& chat) {
  const bool group = chat.kind() == v1::CHAT_KIND_GROUP;
  if (opened_.contains(chat.id()) || (group && config_.rooms.empty())) return absl::OkStatus();
  const auto held = leases_.Held(chat.id());
  if (!held.ok()) return held.status();
  if (!*held) return absl::OkStatus();

  auto entry = store_.ChatOf(chat.id(), chat.name(), group, chat.peer_contact_id());
  if (!entry.ok()) return entry.status();
  auto telling = group ? RoomOf(chat, *entry) : ContactOf(chat, *entry);
  if (!telling.ok()) return telling.status();
  if (auto status = teller_.Tell(*entry, {}, *std::move(telling), {}); !status.ok()) return status;
  offered_.insert(chat.id());
  if (!entry->opened) {
    if (auto status = BringHistory(chat, *entry); !status.ok()) return status;
    if (auto status = store_.SetOpened(chat.id()); !status.ok()) return status;
  }
  opened_.insert(chat.id());
  return absl::OkStatus();
}

absl::StatusOr<Telling> ChatOpener::RoomOf(const v1::Chat& chat, const ChatEntry& entry) {
  auto people = ParticipantsOf(chat.id());
  if (!people.ok()) return people.status();
  Telling telling;
  telling.stanzas = rooms_.Open(
      entry, *people,
      entry.opened
          ? absl::ToInt64Seconds(std::max(absl::ZeroDuration(), absl::Now() - heard_until_))
          : 0);
  if (!entry.opened && !offered_.contains(chat.id())) {
    const std::string self = absl::StrCat(config_.component, "/", kResource);
    TagPtr invite = MakeTag("message", {{"from", self}, {"to", config_.owner}});
    Add(*invite, "x", kInvite, {{"jid", rooms_.JidOf(entry)}, {"reason", chat.name()}});
    telling.stanzas.push_back(invite->xml());
  }
  if (!chat.topic().empty()) telling.stanzas.push_back(SubjectOf(chat, entry));
  return telling;
}

absl::StatusOr<Telling> ChatOpener::ContactOf(const v1::Chat& chat, const ChatEntry& entry) {
  Telling telling;
  if (chat.peer_contact_id().empty()) return telling;
  auto person = people_.PersonOf(chat.peer_contact_id(), chat.name());
  if (!person.ok()) return person.status();
  if (!entry.opened && !offered_.contains(chat.id()) && !person->subscribed) {
    TagPtr offer = MakeTag(
        "presence",
        {{"type", "subscribe"}, {"from", BareOf(rooms_.GhostJid(*person))}, {"to", config_.owner}});
    Add(*offer, "nick", kNick, {}, person->name);
    telling.stanzas.push_back(offer->xml());
  }
  return telling;
}

absl::StatusOr<std::vector<Person>> ChatOpener::ParticipantsOf(const std::string& chat_id) {
  std::vector<Person> people;
  v1::ListParticipantsRequest request;
  request.set_chat_id(chat_id);
  do {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    v1::ListParticipantsResponse response;
    if (auto status =
            StatusOfCall(client_.stubs().chat->ListParticipants(&context, request, &response));
        !status.ok()) {
      return status;
    }
    for (const auto& participant : response.participants()) {
      auto person = people_.PersonOf(participant.contact_id(), participant.display_name());
      if (!person.ok()) return person.status();
      people.push_back(*person);
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return people;
}

std::string ChatOpener::SubjectOf(const v1::Chat& chat, const ChatEntry& entry) const {
  TagPtr subject = MakeTag("message", {{"type", "groupchat"},
                                       {"from", absl::StrCat(config_.component, "/", kResource)},
                                       {"to", rooms_.JidOf(entry)}});
  Add(*subject, "subject", nullptr, {}, chat.topic());
  return subject->xml();
}

absl::Status ChatOpener::BringHistory(const v1::Chat& chat, const ChatEntry& entry) {
  auto older = older_.find(chat.id());
  if (older == older_.end()) {
    auto left = TellHistory(chat, entry);
    if (!left.ok()) return left.status();
    older = older_.emplace(chat.id(), *left).first;
  }
  return older->second == 0 ? absl::OkStatus() : AskForOlder(chat.id(), older->second);
}

absl::StatusOr<size_t> ChatOpener::TellHistory(const v1::Chat& chat, const ChatEntry& entry) {
  const auto wanted = static_cast<size_t>(config_.history_messages);
  std::vector<v1::Message> messages;
  sdk::PageOptions page;
  while (messages.size() < wanted) {
    page.page_size = static_cast<int>(std::min<size_t>(wanted - messages.size(), 100));
    auto found = client_.ListMessages(chat.id(), page);
    if (!found.ok()) {
      if (sdk::IsRetriable(found.status()) || sdk::AccessRests(found.status()))
        return found.status();
      return size_t{0};  // not granted: then it begins with what comes
    }
    for (auto& message : found->items) messages.push_back(std::move(message));
    page.page_token = found->next_page_token;
    if (page.page_token.empty()) break;
  }
  std::reverse(messages.begin(), messages.end());
  for (const auto& message : messages) {
    if (message.deleted() || message.withheld()) continue;
    if (auto status = TellOld(entry, message); !status.ok()) return status;
  }
  if (messages.size() >= wanted ||
      chat.capabilities().backfill() == v1::CAPABILITY_LEVEL_REJECTED) {
    return size_t{0};
  }
  return wanted - messages.size();
}

absl::Status ChatOpener::TellOld(const ChatEntry& entry, const v1::Message& message) {
  Telling telling;
  if (auto status = messages_.Add(entry, message, true, telling); !status.ok()) return status;
  if (auto status = teller_.Tell(entry, {}, std::move(telling), message.sender_contact_id());
      !status.ok()) {
    return status;
  }
  std::map<std::string, std::set<std::string>> reactions;
  for (const auto& reaction : message.reactions()) {
    reactions[reaction.contact_id()].insert(reaction.emoji());
  }
  for (const auto& [contact, emojis] : reactions) {
    Telling reacting;
    if (auto status = messages_.AddReactions(entry, message.id(), contact, emojis,
                                             absl::StrCat(message.id(), ".", contact), reacting);
        !status.ok()) {
      return status;
    }
    if (auto status = teller_.Tell(entry, {}, std::move(reacting), contact); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// Older ones come as events of the past, when the messenger has them.
absl::Status ChatOpener::AskForOlder(const std::string& chat_id, size_t messages_max) {
  grpc::ClientContext context;
  v1::RequestBackfillRequest request;
  request.set_request_id(absl::StrCat("backfill-", chat_id));
  request.set_chat_id(chat_id);
  request.set_messages_max(static_cast<uint32_t>(messages_max));
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  v1::RequestBackfillResponse response;
  const absl::Status asked =
      StatusOfCall(client_.stubs().chat->RequestBackfill(&context, request, &response));
  return sdk::IsRetriable(asked) || AccessIsSuspended(asked) ? asked : absl::OkStatus();
}

}  // namespace postern::xmpp_bridge
