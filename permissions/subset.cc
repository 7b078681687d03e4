// SPDX-License-Identifier: Apache-2.0
// One function for each part of a grant. All must hold: a grant opens what every part lets through.
#include "permissions/subset.h"

#include <algorithm>

#include "permissions/limits.h"
#include "permissions/scope.h"

namespace postern::permissions {
namespace {

template <typename Set>
bool IsSubset(const Set& smaller, const Set& larger) {
  return std::all_of(smaller.begin(), smaller.end(),
                     [&](const auto& item) { return larger.contains(item); });
}

// A grant that ended does not come back; a suspended one may.
int Liveliness(GrantState state) {
  switch (state) {
    case GrantState::kActive:
      return 2;
    case GrantState::kSuspended:
      return 1;
    case GrantState::kRevoked:
    case GrantState::kExpired:
      return 0;
  }
  // A state that nobody knows opens nothing.
  return 0;
}

// How long a grant lives by connections: "once" ends with the first that closes, "while it runs"
// with the last, the others with none.
int ConnectionLife(ValidityKind kind) {
  switch (kind) {
    case ValidityKind::kOnce:
      return 0;
    case ValidityKind::kWhileRunning:
      return 1;
    case ValidityKind::kUntil:
    case ValidityKind::kUntilRevoked:
      return 2;
  }
  // Ends nothing by itself.
  return 2;
}

bool TimesAreWithin(const Grant& narrower, const Grant& wider) {
  return Liveliness(narrower.state) <= Liveliness(wider.state) &&
         ConnectionLife(narrower.validity.kind) <= ConnectionLife(wider.validity.kind) &&
         narrower.validity.expire_time <= wider.validity.expire_time &&
         narrower.create_time >= wider.create_time &&
         (narrower.only_while_unlocked || !wider.only_while_unlocked) &&
         (wider.may_start || !narrower.may_start);
}

bool ScopesAreWithin(const Grant& narrower, const Grant& wider) {
  if (!WithImplied(wider.scopes).HasAll(narrower.scopes)) return false;
  return !narrower.scopes.Has(Scope::kMessagesHistory) ||
         narrower.history_start_time >= wider.history_start_time;
}

bool IncludesByName(const Selection& selection, const ChatId& chat) {
  return (selection.chat_choice == ChatChoice::kListed ||
          selection.chat_choice == ChatChoice::kAllExisting) &&
         selection.included_chats.contains(chat);
}

bool ChatsAreWithin(const Selection& narrower, const Selection& wider) {
  const bool all_of_wider = wider.chat_choice == ChatChoice::kAllAndNew;
  if (narrower.chat_choice == ChatChoice::kAllAndNew) {
    return all_of_wider && IsSubset(wider.excluded_chats, narrower.excluded_chats);
  }
  return std::all_of(narrower.included_chats.begin(), narrower.included_chats.end(),
                     [&](const ChatId& chat) {
                       if (narrower.excluded_chats.contains(chat)) return true;
                       return !wider.excluded_chats.contains(chat) &&
                              (all_of_wider || IncludesByName(wider, chat));
                     });
}

bool KindsAreWithin(const Selection& narrower, const Selection& wider) {
  return wider.chat_kinds == ChatKinds::kBoth || narrower.chat_kinds == wider.chat_kinds;
}

bool PeopleAreWithin(const Selection& narrower, const Selection& wider) {
  // 'people' speaks of 1:1 chats only.
  return wider.people == People::kAll || narrower.people == wider.people ||
         narrower.chat_kinds == ChatKinds::kGroup;
}

bool SelectionIsWithin(const Selection& narrower, const Selection& wider) {
  return IsSubset(narrower.accounts, wider.accounts) &&
         IsSubset(narrower.networks, wider.networks) && ChatsAreWithin(narrower, wider) &&
         KindsAreWithin(narrower, wider) && PeopleAreWithin(narrower, wider);
}

bool LimitsAreWithin(const Limits& narrower, const Limits& wider) {
  const Limits less = WithDefaults(narrower), more = WithDefaults(wider);
  return less.sends_per_hour <= more.sends_per_hour &&
         less.new_chats_per_day <= more.new_chats_per_day &&
         less.bytes_per_day <= more.bytes_per_day;
}

}  // namespace

bool IsWithin(const Grant& narrower, const Grant& wider) {
  return TimesAreWithin(narrower, wider) && ScopesAreWithin(narrower, wider) &&
         SelectionIsWithin(narrower.selection, wider.selection) &&
         LimitsAreWithin(narrower.limits, wider.limits);
}

}  // namespace postern::permissions
