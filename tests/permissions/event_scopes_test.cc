// SPDX-License-Identifier: Apache-2.0
#include "permissions/event_scopes.h"

#include <gtest/gtest.h>

#include "postern/v1/event.pb.h"
#include "postern/v1/scope.pb.h"

namespace postern::permissions {
namespace {

TEST(EventScopes, HasARowForEveryKindOfTheContractAndNoOther) {
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  ASSERT_NE(kinds, nullptr);
  int rows = 0;
  for (int kind = 0; kind < 256; ++kind) {
    rows += FindEventScopes(static_cast<EventKind>(kind)) != nullptr;
  }
  EXPECT_EQ(rows, kinds->field_count());
  for (int i = 0; i < kinds->field_count(); ++i) {
    const auto* field = kinds->field(i);
    const EventScopes* row = FindEventScopes(static_cast<EventKind>(field->number()));
    ASSERT_NE(row, nullptr) << field->name();
    EXPECT_EQ(std::string(row->name), field->name());
    EXPECT_EQ(row->kind, field->number());
  }
}

TEST(EventScopes, AddressedKindsAreTheBrokersOwn) {
  for (int kind = kFirstEventKind; kind <= kLastEventKind; ++kind) {
    const EventScopes* row = FindEventScopes(static_cast<EventKind>(kind));
    if (row->reach == EventReach::kAddressed) {
      EXPECT_TRUE(IsBrokerOnly(row->kind)) << std::string(row->name);
    }
  }
  EXPECT_FALSE(IsBrokerOnly(20));
}

// The numbers and names of scope.h are those of the contract.
TEST(Scope, IsTheContracts) {
  const auto* scopes = v1::Scope_descriptor();
  EXPECT_EQ(scopes->value_count(), kScopeCount + 1);
  for (int number = 1; number <= kScopeCount; ++number) {
    std::string name = "SCOPE_";
    for (char c : ScopeName(static_cast<Scope>(number))) {
      name += c == ':' || c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    ASSERT_NE(scopes->FindValueByNumber(number), nullptr);
    EXPECT_EQ(scopes->FindValueByNumber(number)->name(), name);
  }
}

}  // namespace
}  // namespace postern::permissions
