// SPDX-License-Identifier: Apache-2.0
#include "tests/permissions/random_case.h"

namespace postern::model {

unsigned Dice::Some(int count, int n) {
  unsigned set = 0;
  for (int i = 1; i <= count; ++i) set |= static_cast<unsigned>(OneIn(n)) << i;
  return set;
}

Grant RandomGrant(Dice& dice) {
  Grant g;
  g.scopes = dice.OneIn(20) ? 0 : dice.Some(kScopes, 2);
  // Else most would hold the great scopes, and the lesser ones would decide nothing.
  if (!dice.OneIn(3)) g.scopes &= ~(1u << kRead);
  if (dice.OneIn(2)) g.scopes &= ~(1u << kSend | 1u << kReply);
  if (dice.OneIn(3)) g.scopes &= ~(1u << kAsk);
  g.accounts = dice.Most(kAccounts, 6);
  if (dice.OneIn(4)) g.networks = dice.Some(kNetworks, 2);
  g.choice = dice.OneIn(40) ? 0 : 1 + dice.Upto(2);
  g.chats = dice.Most(kChatCount, 3);
  if (dice.OneIn(2)) g.not_chats = dice.Some(kChatCount, 5);
  if (dice.OneIn(4)) g.kinds = dice.Upto(3);
  if (dice.OneIn(4)) g.people = dice.Upto(3);
  if (dice.OneIn(4)) g.expires = dice.Around(kModelNow);
  if (dice.OneIn(10)) g.state = dice.Upto(5);
  g.created = dice.Around(kModelNow - 30);
  if (dice.OneIn(2)) g.history_from = dice.Around(kModelNow - 25);
  g.unlocked_only = dice.OneIn(6);
  for (unsigned long& limit : g.limits) {
    if (dice.OneIn(2)) limit = 1ul + static_cast<unsigned long>(dice.Upto(100));
  }
  if (dice.OneIn(8)) g.limits[2] += 1ul << 31;
  return g;
}

App RandomApp(Dice& dice) {
  App app;
  for (int n = 1 + dice.Upto(4); n > 0; --n) app.grants.push_back(RandomGrant(dice));
  app.paused = dice.OneIn(30);
  app.unlocked = !dice.OneIn(5);
  app.leaves_device = dice.OneIn(2);
  return app;
}

Thing RandomThing(Dice& dice) {
  Thing thing;
  if (dice.OneIn(30)) return thing;
  thing.account = dice.OneIn(60) ? 0 : 1 + dice.Upto(kAccounts - 1);
  thing.network = dice.OneIn(20) ? 0 : 1 + dice.Upto(kNetworks - 1);
  thing.chat = dice.OneIn(8) ? 0 : 1 + dice.Upto(kChatCount - 1);
  thing.type = dice.Upto(2);
  thing.contact = dice.OneIn(2);
  thing.sealed = dice.OneIn(20);
  if (dice.OneIn(3)) thing.objection = dice.Upto(3);
  return thing;
}

Event RandomEvent(Dice& dice) {
  constexpr int kFirst = 20, kLast = 53;
  Event event;
  event.thing = RandomThing(dice);
  // Most are about messages; now and then a kind that there is not.
  event.kind = !dice.OneIn(3) ? kFirst + dice.Upto(3) : kFirst - 1 + dice.Upto(kLast - kFirst + 2);
  event.recorded = dice.Around(kModelNow - 20);
  if (!dice.OneIn(4)) event.happened = dice.Around(kModelNow - 20);
  event.backfill = dice.OneIn(5);
  event.ephemeral = dice.OneIn(8);
  if (dice.OneIn(4)) event.target = static_cast<View>(dice.Upto(3));
  return event;
}

Time RandomLastIncoming(Dice& dice, Time now) {
  if (dice.OneIn(6)) return kLongAgo;
  if (dice.OneIn(2)) return now - dice.Upto(24 * 60 * 60);
  return dice.Around(dice.OneIn(2) ? now : now - 24 * 60 * 60);
}

}  // namespace postern::model
