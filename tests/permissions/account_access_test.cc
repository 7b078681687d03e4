// SPDX-License-Identifier: Apache-2.0
#include "permissions/account_access.h"

#include <gtest/gtest.h>

#include <vector>

#include "permissions/event_scopes.h"
#include "permissions/limits.h"
#include "tests/permissions/make_grant.h"

namespace postern::permissions {
namespace {

constexpr EventKind kContactChanged = 38;

ObjectFacts AccountFacts(ChatType type = ChatType::kUnknown, bool in_address_book = false) {
  ObjectFacts object = ChatFacts(1);
  object.chat = {};
  object.chat_type = type;
  object.peer_in_address_book = in_address_book;
  return object;
}

Verdict Person(const std::vector<Grant>& grants, Scope scope = Scope::kContactsRead) {
  return DecidePerson({.grants = grants}, scope, AccountFacts(), kNow);
}

Verdict NewChat(const std::vector<Grant>& grants, const ObjectFacts& object) {
  return DecideNewChat({.grants = grants}, object, kNow);
}

// One for each way in which a selection can leave a chat out.
std::vector<Selection> Partial() {
  std::vector<Selection> partial(5, GrantOf({}).selection);
  partial[0].chat_choice = ChatChoice::kListed;
  partial[1].chat_choice = ChatChoice::kAllExisting;
  partial[2].excluded_chats = {ChatNumber(1)};
  partial[3].chat_kinds = ChatKinds::kGroup;
  partial[4].people = People::kContacts;
  return partial;
}

TEST(AccountAccess, PeopleOutsideOfChatsAreForGrantsOfEveryChat) {
  Grant every = GrantOf({Scope::kContactsRead});
  EXPECT_EQ(Person({every}), Verdict::kAllowed);
  EXPECT_EQ(Person({every}, Scope::kContactsIdentify), Verdict::kScopeMissing);
  for (const Selection& selection : Partial()) {
    Grant grant = every;
    grant.selection = selection;
    EXPECT_FALSE(CoversEveryChat(selection));
    EXPECT_EQ(Person({grant}), Verdict::kNotFound);
    // Another grant that has the chats, but not the scope, adds nothing.
    EXPECT_EQ(Person({grant, GrantOf({Scope::kChatsRead})}), Verdict::kNotFound);
    EXPECT_EQ(Person({grant, every}), Verdict::kAllowed);
  }
}

TEST(AccountAccess, PeopleAreSeenExactlyWhereTheirNewsIs) {
  std::vector<Selection> selections = Partial();
  selections.push_back(GrantOf({}).selection);
  selections.push_back(selections.back());
  selections.back().accounts = {AccountNumber(2)};
  selections.push_back(selections.back());
  selections.back().networks = {"xmpp"};
  for (const Selection& selection : selections) {
    Grant grant = GrantOf({Scope::kContactsRead});
    grant.selection = selection;
    EventFacts news = EventIn(1, kContactChanged);
    news.object = AccountFacts();
    const Access access{.grants = {&grant, 1}};
    EXPECT_EQ(DecidePerson(access, Scope::kContactsRead, AccountFacts(), kNow) == Verdict::kAllowed,
              ViewOf(access, news, kNow) == View::kWhole);
  }
}

TEST(AccountAccess, ANewChatIsOnNoList) {
  Grant grant = GrantOf({Scope::kChatsCreate});
  const ObjectFacts group = AccountFacts(ChatType::kGroup);
  const ObjectFacts stranger = AccountFacts(ChatType::kDirect);
  const ObjectFacts known = AccountFacts(ChatType::kDirect, true);
  for (const ChatChoice choice :
       {ChatChoice::kListed, ChatChoice::kAllExisting, ChatChoice::kAllAndNew}) {
    grant.selection.chat_choice = choice;
    grant.selection.excluded_chats = {ChatNumber(1)};
    for (const ObjectFacts& object : {group, stranger, known}) {
      EXPECT_EQ(NewChat({grant}, object), Verdict::kAllowed);
    }
  }
  grant.selection.chat_kinds = ChatKinds::kDirect;
  EXPECT_EQ(NewChat({grant}, group), Verdict::kNotFound);
  EXPECT_EQ(NewChat({grant}, stranger), Verdict::kAllowed);
  grant.selection.people = People::kContacts;
  EXPECT_EQ(NewChat({grant}, stranger), Verdict::kNotFound);
  EXPECT_EQ(NewChat({grant}, known), Verdict::kAllowed);
}

TEST(AccountAccess, ANewChatNeedsItsScopeItsAccountAndAGrantInForce) {
  const ObjectFacts object = AccountFacts(ChatType::kGroup);
  EXPECT_EQ(NewChat({}, object), Verdict::kScopeMissing);
  EXPECT_EQ(NewChat({GrantOf({Scope::kChatsWrite})}, object), Verdict::kScopeMissing);
  Grant grant = GrantOf({Scope::kChatsCreate});
  ObjectFacts elsewhere = object;
  elsewhere.account = AccountNumber(2);
  EXPECT_EQ(NewChat({grant}, elsewhere), Verdict::kNotFound);
  grant.selection.networks = {"xmpp"};
  EXPECT_EQ(NewChat({grant}, elsewhere), Verdict::kAllowed);
  ObjectFacts sealed = object;
  sealed.sealed = true;
  EXPECT_EQ(NewChat({grant}, sealed), Verdict::kNotFound);

  Grant ended = grant;
  ended.state = GrantState::kRevoked;
  EXPECT_EQ(NewChat({ended}, object), Verdict::kRevoked);
  ended = grant;
  ended.validity.expire_time = kNow;
  EXPECT_EQ(NewChat({ended}, object), Verdict::kExpired);
  grant.only_while_unlocked = true;
  const Access locked{.grants = {&grant, 1}, .session_unlocked = false};
  EXPECT_EQ(DecideNewChat(locked, object, kNow), Verdict::kSuspended);
}

TEST(AccountAccess, ItsAllowanceIsThatOfTheGrantsThatOpenIt) {
  const ObjectFacts object = AccountFacts(ChatType::kGroup);
  Grant few = GrantOf({Scope::kChatsCreate});
  few.selection.chat_choice = ChatChoice::kListed;
  few.limits.new_chats_per_day = 3;
  Grant many = GrantOf({Scope::kChatsWrite});
  many.limits.new_chats_per_day = 30;
  const std::vector<Grant> grants{few, many};
  EXPECT_EQ(LimitsForNewChat({.grants = grants}, object, kNow).new_chats_per_day, 3u);
  EXPECT_EQ(LimitsForNewChat({.grants = {&grants[1], 1}}, object, kNow).new_chats_per_day, 0u);
}

}  // namespace
}  // namespace postern::permissions
