// SPDX-License-Identifier: Apache-2.0
// Small makers of ids, grants and events for the tests of this folder.
#pragma once

#include "permissions/decide.h"
#include "permissions/grant.h"

namespace postern::permissions {

template <typename IdType>
IdType NumberedId(int number) {
  IdType id;
  id.bytes[0] = 0xEE;
  id.bytes[15] = static_cast<uint8_t>(number);
  return id;
}
inline AccountId AccountNumber(int number) { return NumberedId<AccountId>(number); }
inline ChatId ChatNumber(int number) { return NumberedId<ChatId>(number); }

inline const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);

// In force since an hour, for all and new chats of account 1.
inline Grant GrantOf(ScopeSet scopes) {
  Grant grant;
  grant.scopes = scopes;
  grant.selection.accounts = {AccountNumber(1)};
  grant.selection.chat_choice = ChatChoice::kAllAndNew;
  grant.create_time = kNow - absl::Hours(1);
  return grant;
}

// A 1:1 chat of account 1 on "xmpp".
inline ObjectFacts ChatFacts(int chat) {
  ObjectFacts object;
  object.account = AccountNumber(1);
  object.network = "xmpp";
  object.chat = ChatNumber(chat);
  object.chat_type = ChatType::kDirect;
  return object;
}

// Recorded a minute ago.
inline EventFacts EventIn(int chat, EventKind kind) {
  EventFacts event;
  event.object = ChatFacts(chat);
  event.kind = kind;
  event.record_time = kNow - absl::Minutes(1);
  event.event_time = event.record_time;
  return event;
}

}  // namespace postern::permissions
