// SPDX-License-Identifier: Apache-2.0
#include "permissions/event_scopes.h"

#include <gtest/gtest.h>

namespace postern::permissions {
namespace {

TEST(EventScopes, KnowsNoKindOutsideOfTheTable) {
  for (int kind = 0; kind < 256; ++kind) {
    const EventScopes* row = FindEventScopes(static_cast<EventKind>(kind));
    EXPECT_EQ(row != nullptr, kind >= kFirstEventKind && kind <= kLastEventKind) << kind;
    if (row == nullptr) EXPECT_FALSE(IsBrokerOnly(static_cast<EventKind>(kind))) << kind;
  }
}

TEST(EventScopes, AddressedKindsAreTheBrokersOwn) {
  for (int kind = kFirstEventKind; kind <= kLastEventKind; ++kind) {
    const EventScopes* row = FindEventScopes(static_cast<EventKind>(kind));
    if (row->reach == EventReach::kAddressed) {
      EXPECT_TRUE(IsBrokerOnly(row->kind)) << std::string(row->name);
    }
  }
  EXPECT_FALSE(IsBrokerOnly(kFirstEventKind));
}

}  // namespace
}  // namespace postern::permissions
