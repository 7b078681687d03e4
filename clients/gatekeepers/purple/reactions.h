// SPDX-License-Identifier: GPL-3.0-or-later
// Reactions come and go as all of one person's that stand on one message; the contract wants what
// changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/remembered.h"

namespace postern::purple {

struct ReactionChange {
  std::string emoji;
  bool removed = false;

  bool operator==(const ReactionChange&) const = default;
};

// What is new first, in its order, then what is gone.
std::vector<ReactionChange> ChangesBetween(const std::vector<std::string>& before,
                                           const std::vector<std::string>& now);

// The user's own in 1:1 chats. Those on their way are remembered at once, for the next may leave
// before the answer comes; what was refused does not stay remembered. Each stanza names all that
// shall stand: of two, the one that the account's server had last stands, whichever device sent it.
class OwnReactions {
 public:
  // 'remembered' must outlive it.
  explicit OwnReactions(Remembered& remembered) : remembered_(remembered) {}

  // All that shall stand leaves. 'key' is one of kReactionsFact. Returns the number to settle it
  // by.
  uint64_t Leave(const std::string& key, const std::vector<std::string>& emojis);
  // Called once for each that left: the network took it, or did not. Returns what is otherwise now
  // for the others.
  std::vector<ReactionChange> Settle(const std::string& key, uint64_t number, bool taken);
  // The account's server has had all up to this number: what it tells of later came after them.
  void ReachedServer(uint64_t number) { reached_number_ = std::max(reached_number_, number); }
  // What another device of the user said shall stand, as the account's server passes it on. Returns
  // what is otherwise now for the others.
  std::vector<ReactionChange> TakeElsewhere(const std::string& key,
                                            const std::vector<std::string>& emojis);
  // Whether the network has it, as far as that is known.
  bool Stands(const std::string& key, const std::string& emoji) const;

 private:
  struct Message {
    std::vector<std::string> taken;                     // what the network has
    uint64_t taken_number = 0;                          // it came after all up to this one
    std::map<uint64_t, std::vector<std::string>> left;  // and on its way, by its number
  };

  // Remembers what the next one builds on.
  void Remember(const std::string& key, const Message& message);

  Remembered& remembered_;
  std::map<std::string, Message> messages_;  // by key; those that have something on its way
  uint64_t last_number_ = 0;
  uint64_t reached_number_ = 0;
};

}  // namespace postern::purple
