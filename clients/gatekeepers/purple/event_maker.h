// SPDX-License-Identifier: GPL-3.0-or-later
// Makes contract events of what happened on one XMPP account: the words, not the wiring.
//
// Names: an account is "xmpp:bob@chat.test", a chat the other person's bare JID or the room's, a
// contact "xmpp:carol@chat.test" ("xmpp:room@rooms.chat.test/nick" for somebody in a room that
// hides who people are). A message in a 1:1 chat is called as its author called it, one in a room
// as the room called it (XEP-0359).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postern/v1/account.pb.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::purple {

inline constexpr char kNetwork[] = "xmpp";

// A message's text can be this long; what is longer arrives as a message of kind UNSUPPORTED.
inline constexpr size_t kTextBytesMax = 64 * 1024;
// A file can be this long: it is decrypted as a whole, since only its end proves it true.
inline constexpr size_t kFileBytesMax = 16 * 1024 * 1024;
// The contract's bound for an id.
inline constexpr size_t kIdBytesMax = 512;

// A message that was read or written. All times are seconds since 1970.
struct MessageFacts {
  std::string id;
  std::string chat_jid;
  std::string sender_contact_id;
  std::string sender_name;
  bool from_owner = false;
  bool end_to_end_encrypted = false;
  bool backfill = false;
  std::string text;
  bool notice = false;  // people do not answer it
  std::time_t time = 0;
  std::string reply_to_id;  // empty: it answers none
  std::string reply_to_contact_id;
  std::string reply_excerpt;
  std::optional<v1::Attachment> file;  // the message is this file
};

// What decides what a chat can do.
struct ChatTraits {
  bool group = false;
  bool encrypted = false;
  bool uploads = false;  // the server takes files
};

// A group and who is in it.
struct GroupFacts {
  std::string jid;
  std::string name;
  std::string topic;
  std::vector<v1::Participant> participants;
  ChatTraits traits;
};

// "xmpp:carol@chat.test".
std::string ContactId(std::string_view jid);
// "carol@chat.test" of it; empty when it is no contact of this network.
std::string JidOf(std::string_view contact_id);

// What a chat with these traits can do.
v1::ChatCapabilities CapabilitiesOf(const ChatTraits& traits);

class EventMaker {
 public:
  explicit EventMaker(std::string owner_jid) : owner_jid_(std::move(owner_jid)) {}

  // What Attach needs to know of the account.
  v1::Account Account() const;

  v1::Event Message(const MessageFacts& facts) const;
  v1::Event Edited(const MessageFacts& facts) const;
  v1::Event Deleted(const std::string& chat_jid, const std::string& message_id,
                    const std::string& contact_id) const;
  v1::Event Reaction(const std::string& chat_jid, const std::string& message_id,
                     const std::string& contact_id, const std::string& emoji, bool removed) const;
  // A 1:1 chat and its two people.
  v1::Chat DirectChat(const std::string& chat_jid, const std::string& name,
                      const ChatTraits& traits) const;
  v1::Chat GroupChat(const GroupFacts& facts) const;
  v1::Event ChatCreated(const v1::Chat& chat) const;
  v1::Event ChatChanged(const v1::Chat& chat) const;
  v1::Event ChatRemoved(const std::string& chat_jid) const;
  v1::Event CapabilitiesChanged(const std::string& chat_jid, const ChatTraits& traits) const;
  v1::Event Joined(const std::string& chat_jid, const v1::Participant& participant) const;
  v1::Event Changed(const std::string& chat_jid, const v1::Participant& participant) const;
  v1::Event Left(const std::string& chat_jid, const std::string& contact_id,
                 const std::string& removed_by_contact_id) const;
  v1::Event Request(const std::string& chat_jid, const std::string& contact_id,
                    v1::MessageRequest::State state) const;
  v1::Event ContactSeen(const std::string& jid, const std::string& name, bool in_roster,
                        bool blocked) const;
  v1::Event Identity(const std::string& jid, v1::IdentityChanged::Kind kind) const;
  v1::Event Receipt(const std::string& chat_jid, const std::string& message_id,
                    const std::string& contact_id, v1::Receipt::Kind kind) const;
  // The user read the chat on another device.
  v1::Event ReadElsewhere(const std::string& chat_jid, const std::string& message_id) const;
  v1::Event Typing(const std::string& chat_jid, const std::string& contact_id, bool active) const;
  // 'last_seen' is zero when not known.
  v1::Event Presence(const std::string& jid, v1::Presence::State state,
                     std::time_t last_seen) const;
  v1::Event AccountState(v1::AccountState state, std::string_view reason) const;
  // 'count' messages were lost, zero when nobody knows how many; from 'start' on, zero when not
  // known.
  v1::Event Gap(uint64_t count, std::time_t start) const;

  const std::string& owner_jid() const { return owner_jid_; }
  std::string owner_contact_id() const { return ContactId(owner_jid_); }

 private:
  v1::Event InChat(const std::string& chat_jid, std::time_t time) const;

  std::string owner_jid_;
};

}  // namespace postern::purple
