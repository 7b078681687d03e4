// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/chat_book.h"

#include <blist.h>
#include <util.h>

namespace postern::purple {
namespace {

// A fact of its own: what the server offers, so that the next run need not ask first.
constexpr char kServerFact[] = "server";
constexpr char kUploadsKey[] = "uploads";
constexpr char kYes[] = "yes";
constexpr char kNo[] = "no";
// What kChatFact says of a room.
constexpr char kGroup[] = "group";

}  // namespace

std::string ChatBook::ChatOf(const char* name) const {
  const char* normalized = name == nullptr ? nullptr : purple_normalize(account_, name);
  const std::string jid = normalized == nullptr ? "" : normalized;
  return jid.find('/') == std::string::npos ? jid : "";
}

std::string ChatBook::NameOf(const std::string& jid) const {
  // As the list of contacts has it; libpurple goes on showing the name from before.
  const std::string known = remembered_.Get(kContactFact, jid);
  const bool listed = known.size() > 2;
  if (listed && known.substr(2) != jid) return known.substr(2);
  PurpleBuddy* buddy = purple_find_buddy(account_, jid.c_str());
  if (buddy == nullptr) return jid;
  // Listed without a name: what the person calls themselves, not what the user called them before.
  const char* alias = listed ? purple_buddy_get_server_alias(buddy) : purple_buddy_get_alias(buddy);
  return alias == nullptr || *alias == '\0' ? jid : alias;
}

bool ChatBook::IsAnnounced(const std::string& chat_jid) const {
  return remembered_.Has(kChatFact, chat_jid);
}

bool ChatBook::IsRoom(const std::string& chat_jid) const {
  return remembered_.Get(kChatFact, chat_jid) == kGroup;
}

void ChatBook::Announce(const std::string& chat_jid) {
  if (IsAnnounced(chat_jid)) return;
  const std::string name = NameOf(chat_jid);
  reporter_.Hand(maker_.ContactSeen(chat_jid, name,
                                    purple_find_buddy(account_, chat_jid.c_str()) != nullptr,
                                    IsBlocked(chat_jid)));
  reporter_.Hand(maker_.ChatCreated(DirectChat(chat_jid)));
  remembered_.Put(kChatFact, chat_jid);
}

v1::Chat ChatBook::DirectChat(const std::string& chat_jid) const {
  v1::Chat chat = maker_.DirectChat(chat_jid, NameOf(chat_jid), TraitsOf(chat_jid, false));
  chat.set_blocked(IsBlocked(chat_jid));
  return chat;
}

bool ChatBook::IsBlocked(const std::string& jid) const {
  const std::string known = remembered_.Get(kContactFact, jid);
  return known.size() > 1 && known[1] == kBlocked;
}

bool ChatBook::MarkAnnounced(const std::string& room_jid) {
  return remembered_.Put(kChatFact, room_jid, kGroup);
}

ChatTraits ChatBook::TraitsOf(const std::string& chat_jid, bool group) const {
  ChatTraits traits;
  traits.group = group;
  traits.encrypted = IsEncrypted(chat_jid);
  traits.uploads = remembered_.Get(kServerFact, kUploadsKey) == kYes;
  return traits;
}

bool ChatBook::IsEncrypted(const std::string& chat_jid) const {
  return remembered_.Has(kEncryptedFact, chat_jid);
}

void ChatBook::MarkEncrypted(const std::string& chat_jid, bool group) {
  if (!remembered_.Put(kEncryptedFact, chat_jid) || !IsAnnounced(chat_jid)) return;
  // A room tells of itself as a whole.
  if (!group) reporter_.Hand(maker_.ChatChanged(DirectChat(chat_jid)));
  reporter_.Hand(maker_.CapabilitiesChanged(chat_jid, TraitsOf(chat_jid, group)));
}

void ChatBook::SetUploads(bool uploads) {
  if (!remembered_.Put(kServerFact, kUploadsKey, uploads ? kYes : kNo)) return;
  for (const std::string& chat_jid : remembered_.Keys(kChatFact)) {
    reporter_.Hand(maker_.CapabilitiesChanged(chat_jid, TraitsOf(chat_jid, IsRoom(chat_jid))));
  }
}

}  // namespace postern::purple
