// SPDX-License-Identifier: GPL-3.0-or-later
// Makes contract events of what happened on one XMPP account: the words, not the wiring.
//
// Names: an account is "xmpp:bob@chat.test", a chat the other person's bare JID, a contact
// "xmpp:carol@chat.test", a message the id its sender gave it.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "postern/v1/account.pb.h"
#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::purple {

inline constexpr char kNetwork[] = "xmpp";

// A message's text can be this long; what is longer arrives as a message of kind UNSUPPORTED.
inline constexpr size_t kTextBytesMax = 64 * 1024;

// A message that was read or written. All times are seconds since 1970.
struct MessageFacts {
  std::string id;
  std::string chat_jid;
  std::string sender_name;
  bool from_owner = false;
  bool end_to_end_encrypted = false;
  std::string text;
  std::time_t time = 0;
};

// "xmpp:carol@chat.test".
std::string ContactId(std::string_view bare_jid);

class EventMaker {
 public:
  explicit EventMaker(std::string owner_jid) : owner_jid_(std::move(owner_jid)) {}

  // What Attach needs to know of the account.
  v1::Account Account() const;
  // What a 1:1 chat can do through libpurple.
  static v1::ChatCapabilities Capabilities();

  v1::Event Message(const MessageFacts& facts) const;
  // A 1:1 chat and its two people.
  v1::Event ChatCreated(const std::string& chat_jid, const std::string& name) const;
  v1::Event ContactSeen(const std::string& jid, const std::string& name, bool in_roster) const;
  v1::Event Receipt(const std::string& chat_jid, const std::string& message_id,
                    v1::Receipt::Kind kind) const;
  v1::Event Typing(const std::string& chat_jid, bool active) const;
  v1::Event Presence(const std::string& jid, v1::Presence::State state) const;
  v1::Event AccountState(v1::AccountState state, std::string_view reason) const;
  // 'count' messages were lost, zero when nobody knows how many; from 'start' on, zero when not
  // known.
  v1::Event Gap(uint64_t count, std::time_t start) const;

  const std::string& owner_jid() const { return owner_jid_; }

 private:
  v1::Event InChat(const std::string& chat_jid, std::time_t time) const;

  std::string owner_jid_;
};

}  // namespace postern::purple
