// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/reactions.h"

#include <algorithm>

namespace postern::purple {
namespace {

bool Holds(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

std::vector<ReactionChange> ChangesBetween(const std::vector<std::string>& before,
                                           const std::vector<std::string>& now) {
  std::vector<ReactionChange> changes;
  for (const std::string& emoji : now) {
    if (!Holds(before, emoji)) changes.push_back({emoji, /*removed=*/false});
  }
  for (const std::string& emoji : before) {
    if (!Holds(now, emoji)) changes.push_back({emoji, /*removed=*/true});
  }
  return changes;
}

uint64_t OwnReactions::Leave(const std::string& key, const std::vector<std::string>& emojis) {
  Message& message = messages_[key];
  if (message.left.empty()) message.taken = remembered_.Words(kReactionsFact, key);
  message.left[++last_number_] = emojis;
  remembered_.PutWords(kReactionsFact, key, emojis);
  return last_number_;
}

std::vector<ReactionChange> OwnReactions::Settle(const std::string& key, uint64_t number,
                                                 bool taken) {
  const auto found = messages_.find(key);
  if (found == messages_.end() || found->second.left.count(number) == 0) return {};
  Message& message = found->second;
  const std::vector<std::string> emojis = message.left.extract(number).mapped();
  std::vector<ReactionChange> changes;
  // Each names all: what left later and was taken says more than this one.
  if (taken && number > message.taken_number) {
    changes = ChangesBetween(message.taken, emojis);
    message.taken = emojis;
    message.taken_number = number;
  }
  Remember(key, message);
  if (message.left.empty()) messages_.erase(found);
  return changes;
}

std::vector<ReactionChange> OwnReactions::TakeElsewhere(const std::string& key,
                                                        const std::vector<std::string>& emojis) {
  const auto found = messages_.find(key);
  if (found == messages_.end()) {
    const auto changes = ChangesBetween(remembered_.Words(kReactionsFact, key), emojis);
    remembered_.PutWords(kReactionsFact, key, emojis);
    return changes;
  }
  Message& message = found->second;
  const auto changes = ChangesBetween(message.taken, emojis);
  message.taken = emojis;
  message.taken_number = std::max(message.taken_number, reached_number_);
  Remember(key, message);
  return changes;
}

bool OwnReactions::Stands(const std::string& key, const std::string& emoji) const {
  const auto found = messages_.find(key);
  return Holds(
      found != messages_.end() ? found->second.taken : remembered_.Words(kReactionsFact, key),
      emoji);
}

void OwnReactions::Remember(const std::string& key, const Message& message) {
  const bool more = !message.left.empty() && message.left.rbegin()->first > message.taken_number;
  remembered_.PutWords(kReactionsFact, key, more ? message.left.rbegin()->second : message.taken);
}

}  // namespace postern::purple
