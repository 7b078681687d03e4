// SPDX-License-Identifier: Apache-2.0
// The AliceChat client: carries out what apps ask for, and shows the chats as its user sees them.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <string>
#include <vector>

#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::demo {

// What AliceChat made of a command.
struct Outcome {
  v1::CommandResult result;
  std::vector<v1::Event> events;  // what happened in the chats because of it
  std::string line;               // what the user sees of it; empty for nothing
};

// Carries a command out, in chats that 'chats' names (id -> name). A pure function: AliceChat's
// network is made of paper and never fails.
Outcome CarryOut(const v1::Command& command, const std::map<std::string, std::string>& chats,
                 absl::Time now);

// Says which apps can see a chat, as AliceChat shows it in the chat's header. Empty for a chat that
// 'chats' does not name.
std::string DisclosureLine(const v1::Disclosure& disclosure,
                           const std::map<std::string, std::string>& chats);

}  // namespace postern::demo
