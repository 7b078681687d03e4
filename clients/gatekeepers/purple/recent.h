// SPDX-License-Identifier: GPL-3.0-or-later
// The latest messages of all chats, in memory: what a reply, a correction or a retraction of one of
// them needs. Bounded; what is older is simply not known.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

namespace postern::purple {

struct RecentMessage {
  std::string author_contact_id;
  std::string author_jid;  // as a reply names its author: in a group with the nick
  std::string excerpt;     // the beginning of the text
  bool from_owner = false;
  bool notice = false;  // written as "/me waves"
};

class RecentMessages {
 public:
  void Add(const std::string& chat_jid, const std::string& message_id, RecentMessage message);
  // Null when it is not known.
  const RecentMessage* Find(const std::string& chat_jid, const std::string& message_id) const;

 private:
  static constexpr size_t kMessagesMax = 2000;
  static constexpr size_t kExcerptBytesMax = 1024;

  using Key = std::pair<std::string, std::string>;  // chat, message
  std::map<Key, RecentMessage> messages_;
  std::deque<Key> order_;  // oldest first
};

}  // namespace postern::purple
