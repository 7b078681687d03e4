// SPDX-License-Identifier: Apache-2.0
#include "permissions/account_access.h"

#include <vector>

namespace postern::permissions {
namespace {

// The grant as if it had been given for all chats, also new ones. The lists, which can be long, are
// not copied.
Grant ForAnyChat(const Grant& grant) {
  Grant any;
  any.id = grant.id;
  any.principal = grant.principal;
  any.scopes = grant.scopes;
  any.selection.accounts = grant.selection.accounts;
  any.selection.networks = grant.selection.networks;
  any.selection.chat_choice = ChatChoice::kAllAndNew;
  any.selection.chat_kinds = grant.selection.chat_kinds;
  any.selection.people = grant.selection.people;
  any.validity = grant.validity;
  any.limits = grant.limits;
  any.state = grant.state;
  any.create_time = grant.create_time;
  any.only_while_unlocked = grant.only_while_unlocked;
  return any;
}

std::vector<Grant> ForAnyChat(const Access& access) {
  std::vector<Grant> grants;
  for (const Grant& grant : access.grants) grants.push_back(ForAnyChat(grant));
  return grants;
}

// A chat that no list names.
ChatId NewChat() {
  ChatId chat;
  chat.bytes.fill(0xFF);
  return chat;
}

}  // namespace

Verdict DecidePerson(const Access& access, Scope scope, const ObjectFacts& object, absl::Time now) {
  const Verdict verdict = Decide(access, scope, object, now);
  if (verdict != Verdict::kAllowed) return verdict;
  for (const Grant& grant : access.grants) {
    if (!CoversEveryChat(grant.selection)) continue;
    Access one = access;
    one.grants = {&grant, 1};
    if (Decide(one, scope, object, now) == Verdict::kAllowed) return Verdict::kAllowed;
  }
  return Verdict::kNotFound;
}

Verdict DecideNewChat(const Access& access, ObjectFacts object, absl::Time now) {
  const std::vector<Grant> grants = ForAnyChat(access);
  Access any = access;
  any.grants = grants;
  object.chat = NewChat();
  return Decide(any, Scope::kChatsCreate, object, now);
}

Limits LimitsForNewChat(const Access& access, ObjectFacts object, absl::Time now) {
  const std::vector<Grant> grants = ForAnyChat(access);
  Access any = access;
  any.grants = grants;
  object.chat = NewChat();
  return LimitsFor(any, Scope::kChatsCreate, object, now);
}

}  // namespace postern::permissions
