// SPDX-License-Identifier: Apache-2.0
// An app hears, in its own stream, what becomes of its grants.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;
using testing::IsEmpty;

class GrantNewsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(adapter_->PushDurably({ChatEvent("club")})); }

  // The grants that a stream named as changed, in the app's own ids.
  static std::vector<std::string> Named(EventReader& reader) {
    std::vector<std::string> ids;
    for (const v1::Event& event : reader.events()) {
      if (event.has_grant_changed()) ids.push_back(event.grant_changed().grant_id());
    }
    return ids;
  }
  static bool WaitNamed(EventReader& reader, size_t count) {
    return OwnerCalls::Await([&] { return Named(reader).size() >= count; });
  }
  // What comes behind everything so far has come.
  bool Settle(std::initializer_list<EventReader*> readers) {
    const std::string text = "settled " + std::to_string(++number_);
    if (!adapter_->PushDurably({MessageEvent("club", "m" + std::to_string(number_), text)})) {
      return false;
    }
    for (EventReader* reader : readers) {
      if (!reader->WaitForText(text)) return false;
    }
    return true;
  }
  // The app's own ids of its grants that are in force.
  static std::vector<std::string> OwnGrants(const Program& app) {
    v1::GetSelfResponse self;
    EXPECT_TRUE(app->grant->GetSelf(Patiently().get(), {}, &self).ok());
    std::vector<std::string> ids;
    for (const v1::Grant& grant : self.grants()) {
      if (grant.state() == v1::Grant::STATE_ACTIVE) ids.push_back(grant.id());
    }
    return ids;
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  OwnerCalls owner_{harness_};
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
  int number_ = 0;
};

TEST_F(GrantNewsTest, NarrowingIsToldToTheAppAndToNobodyElse) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kReactionsRead});
  const Program other = harness_.App("Other", {kChatsRead, kMessagesRead});
  EventReader reader(app);
  EventReader others(other);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(others.WaitLive());
  v1::NarrowGrantRequest narrow;
  narrow.set_grant_id(owner_.GrantOf(app).id());
  narrow.add_remove_scopes(v1::SCOPE_REACTIONS_READ);
  owner_.Narrow(narrow);
  ASSERT_TRUE(WaitNamed(reader, 1));
  ASSERT_TRUE(Settle({&reader, &others}));
  EXPECT_EQ(Named(reader), OwnGrants(app));
  EXPECT_THAT(Named(others), IsEmpty());
}

TEST_F(GrantNewsTest, AnAddedGrantIsToldAndTheFirstIsNot) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  EventReader reader(app, FromOldest());
  ASSERT_TRUE(Settle({&reader}));
  EXPECT_THAT(Named(reader), IsEmpty());
  const std::vector<std::string> first = OwnGrants(app);
  harness_.Widen(app, {kReactionsRead}, {});
  ASSERT_TRUE(WaitNamed(reader, 1));
  ASSERT_TRUE(Settle({&reader}));
  std::vector<std::string> grants = OwnGrants(app);
  ASSERT_EQ(grants.size(), 2u);
  std::erase(grants, first.front());
  EXPECT_EQ(Named(reader), grants);
}

TEST_F(GrantNewsTest, OneOfTwoTakenBackIsToldAndTheLastEndsTheStreamInstead) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  // Each of the two shows messages: which one goes first does not matter.
  harness_.Widen(app, {kMessagesRead, kReactionsRead}, {});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  const std::vector<v1::Grant> grants = owner_.Grants(app.principal);
  ASSERT_EQ(grants.size(), 2u);
  const std::vector<std::string> both = OwnGrants(app);
  owner_.Revoke(grants.back().id());
  ASSERT_TRUE(WaitNamed(reader, 1));
  ASSERT_TRUE(Settle({&reader}));
  const std::vector<std::string> named = Named(reader);
  ASSERT_EQ(named.size(), 1u);
  EXPECT_THAT(both, testing::Contains(named.front()));
  EXPECT_THAT(OwnGrants(app), testing::Not(testing::Contains(named.front())));
  owner_.Revoke(grants.front().id());
  EXPECT_EQ(reader.WaitEnd().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Named(reader), named);
}

TEST_F(GrantNewsTest, TheFirstGrantAfterAllWereTakenBackIsWaitedForAndNotTold) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  owner_.Revoke(owner_.GrantOf(app).id());
  harness_.Widen(app, {kMessagesRead}, {});
  EventReader reader(app, FromOldest());
  ASSERT_TRUE(Settle({&reader}));
  EXPECT_THAT(Named(reader), IsEmpty());
}

TEST_F(GrantNewsTest, WhatChangedWhileAGrantRestedIsToldWhenItIsBack) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  const std::string grant = owner_.GrantOf(app).id();
  EventReader before(app, FromOldest("main"));
  ASSERT_TRUE(Settle({&before}));
  owner_.Suspend(grant);
  EXPECT_FALSE(before.WaitEnd().ok());
  owner_.Resume(grant);
  EventReader after(app, FromOldest("main"));
  ASSERT_TRUE(WaitNamed(after, 2));
  ASSERT_TRUE(Settle({&after}));
  const std::string own = OwnGrants(app).front();
  EXPECT_THAT(Named(after), ElementsAre(own, own));
}

TEST_F(GrantNewsTest, ARestartTellsNothingAnew) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead});
  adapter_.reset();
  harness_.Restart();
  adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
  EventReader reader(harness_.Reconnect(app), FromOldest());
  ASSERT_TRUE(Settle({&reader}));
  EXPECT_THAT(Named(reader), IsEmpty());
}

}  // namespace
}  // namespace postern::behaviors
