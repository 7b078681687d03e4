// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/recent.h"

#include <glib.h>

namespace postern::purple {

void RecentMessages::Add(const std::string& chat_jid, const std::string& message_id,
                         RecentMessage message) {
  if (message.excerpt.size() > kExcerptBytesMax) {
    const char* end = message.excerpt.data() + kExcerptBytesMax;
    message.excerpt.resize(static_cast<size_t>(g_utf8_find_prev_char(message.excerpt.data(), end) -
                                               message.excerpt.data()));
  }
  const Key key(chat_jid, message_id);
  if (messages_.count(key) == 0) order_.push_back(key);
  messages_[key] = std::move(message);
  if (order_.size() <= kMessagesMax) return;
  messages_.erase(order_.front());
  order_.pop_front();
}

const RecentMessage* RecentMessages::Find(const std::string& chat_jid,
                                          const std::string& message_id) const {
  const auto found = messages_.find({chat_jid, message_id});
  return found == messages_.end() ? nullptr : &found->second;
}

}  // namespace postern::purple
