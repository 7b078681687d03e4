// SPDX-License-Identifier: Apache-2.0
#include "broker/recent_sent.h"

#include <utility>

#include "broker/limits.h"

namespace postern::broker {

using permissions::MessageId;

void RecentSent::Note(MessageId id, Message message) {
  platform::MutexLock lock(mutex_);
  if (!messages_.insert_or_assign(id, std::move(message)).second) return;
  order_.push_back(id);
  if (order_.size() <= kRecentSentMax) return;
  messages_.erase(order_.front());
  order_.pop_front();
}

std::optional<RecentSent::Message> RecentSent::Find(MessageId id) const {
  platform::MutexLock lock(mutex_);
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::nullopt;
  return found->second;
}

}  // namespace postern::broker
