// SPDX-License-Identifier: GPL-3.0-or-later
// Reactions come and go as all of one person's that stand on one message; the contract wants what
// changed.
#pragma once

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

// The user's own that are on their way. Remembered at once, for the next may leave before the
// answer comes; what was refused does not stay remembered.
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

 private:
  struct Message {
    std::vector<std::string> taken;  // what the network has
    uint64_t taken_number = 0;
    std::map<uint64_t, std::vector<std::string>> left;  // and on its way, by its number
  };

  Remembered& remembered_;
  std::map<std::string, Message> messages_;  // by key; those that have something on its way
  uint64_t last_number_ = 0;
};

}  // namespace postern::purple
