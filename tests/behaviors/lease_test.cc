// SPDX-License-Identifier: Apache-2.0
// One app at a time passes a chat on to a network; who stands by follows.
#include <gtest/gtest.h>

#include "tests/behaviors/echoing_network.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

// What an app sees of the leases, as they change.
class LeaseWatch {
 public:
  explicit LeaseWatch(const Program& app) : thread_([this, app] { Loop(app); }) {}
  ~LeaseWatch() {
    context_.TryCancel();
    thread_.join();
  }
  // Waits until it sees so many leases, of which it holds 'held'.
  bool WaitFor(int leases, int held) {
    const auto deadline = Steady::now() + absl::ToChronoSeconds(kPatience);
    platform::MutexLock lock(mutex_);
    while (!(seen_ && latest_.leases_size() == leases && Held() == held)) {
      if (ended_ || Steady::now() > deadline) return false;
      changed_.WaitFor(mutex_, absl::FromChrono(deadline - Steady::now()));
    }
    return true;
  }

 private:
  void Loop(const Program& app) {
    const auto stream = app->forward->WatchLeases(&context_, {});
    v1::WatchLeasesResponse response;
    while (stream->Read(&response)) {
      platform::MutexLock lock(mutex_);
      latest_ = response;
      seen_ = true;
      changed_.NotifyAll();
    }
    stream->Finish();
    platform::MutexLock lock(mutex_);
    ended_ = true;
    changed_.NotifyAll();
  }
  int Held() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    int held = 0;
    for (const v1::Lease& lease : latest_.leases()) held += lease.held();
    return held;
  }

  grpc::ClientContext context_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  v1::WatchLeasesResponse latest_ ABSL_GUARDED_BY(mutex_);
  bool seen_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class LeaseTest : public testing::Test {
 protected:
  Program Bridge(const std::string& name) {
    return harness_.App(name, {kChatsRead, kMessagesRead, kMessagesSend, kForward});
  }
  grpc::Status Acquire(const Program& app, const std::string& chat_id, v1::Lease* lease = nullptr,
                       const std::string& network = "bobchat", std::string request_id = {}) {
    v1::AcquireLeaseRequest request;
    request.set_request_id(request_id.empty() ? harness_.NewRequestId() : request_id);
    request.set_chat_id(chat_id);
    request.set_target_network(network);
    v1::AcquireLeaseResponse response;
    const grpc::Status status = app->forward->AcquireLease(Patiently().get(), request, &response);
    if (lease != nullptr) *lease = response.lease();
    return status;
  }
  grpc::Status Release(const Program& app, const std::string& lease_id,
                       const std::string& request_id) {
    v1::ReleaseLeaseRequest request;
    request.set_request_id(request_id);
    request.set_lease_id(lease_id);
    v1::ReleaseLeaseResponse response;
    return app->forward->ReleaseLease(Patiently().get(), request, &response);
  }
  // Waits for a lease_changed event; whether the app holds the lease after it.
  static bool HoldsAfter(EventReader& reader, size_t changes) {
    for (size_t count = 1; reader.WaitForEvents(count); ++count) {
      const v1::Event event = reader.events()[count - 1];
      if (!event.has_lease_changed() || --changes > 0) continue;
      EXPECT_EQ(event.lease_changed().target_network(), "bobchat");
      return event.lease_changed().held_by_self();
    }
    ADD_FAILURE() << "no change was told";
    return false;
  }

  BrokerHarness harness_;
  EchoingNetwork alice_{harness_, "alicechat", {"garden", "kitchen"}};
};

TEST_F(LeaseTest, WhoStandsByGetsItWhenTheHoldersConnectionEnds) {
  auto first = std::make_unique<Program>(Bridge("First"));
  const Program second = Bridge("Second");
  const Program third = Bridge("Third");
  const std::string seen_by_second = ChatIdOf(second, "garden");
  EventReader reader(second);
  ASSERT_TRUE(reader.WaitLive());
  LeaseWatch watch(second);
  v1::Lease lease;
  ASSERT_TRUE(Acquire(*first, ChatIdOf(*first, "garden"), &lease).ok());
  EXPECT_TRUE(lease.held());
  const std::string firsts_id = lease.id();
  EXPECT_TRUE(watch.WaitFor(1, 0));
  ASSERT_TRUE(Acquire(second, seen_by_second, &lease).ok());
  EXPECT_FALSE(lease.held());
  EXPECT_NE(lease.id(), firsts_id);
  EXPECT_EQ(lease.chat_id(), seen_by_second);
  ASSERT_TRUE(Acquire(third, ChatIdOf(third, "garden"), &lease).ok());
  EXPECT_FALSE(lease.held());
  // Another chat, and another network, are other leases.
  ASSERT_TRUE(Acquire(third, ChatIdOf(third, "kitchen"), &lease).ok());
  EXPECT_TRUE(lease.held());
  ASSERT_TRUE(Acquire(third, ChatIdOf(third, "garden"), &lease, "carolchat").ok());
  EXPECT_TRUE(lease.held());
  EXPECT_FALSE(HoldsAfter(reader, 1));

  first.reset();
  EXPECT_TRUE(watch.WaitFor(3, 1));
  ASSERT_TRUE(Acquire(second, seen_by_second, &lease).ok());
  EXPECT_TRUE(lease.held());
}

TEST_F(LeaseTest, ItIsLostWithTheScopeAndToldAsAnEvent) {
  const Program first = Bridge("First");
  const Program second = Bridge("Second");
  EventReader first_reader(first);
  EventReader second_reader(second);
  ASSERT_TRUE(first_reader.WaitLive() && second_reader.WaitLive());
  ASSERT_TRUE(Acquire(first, ChatIdOf(first, "garden")).ok());
  ASSERT_TRUE(Acquire(second, ChatIdOf(second, "garden")).ok());
  EXPECT_TRUE(HoldsAfter(first_reader, 1));
  EXPECT_FALSE(HoldsAfter(second_reader, 1));
  v1::GetSelfResponse self;
  ASSERT_TRUE(first->grant->GetSelf(Patiently().get(), {}, &self).ok());
  v1::ReleaseGrantRequest release;
  release.set_request_id("release");
  release.set_grant_id(self.grants(0).id());
  release.add_scopes(v1::SCOPE_FORWARD);
  v1::ReleaseGrantResponse released;
  ASSERT_TRUE(first->grant->ReleaseGrant(Patiently().get(), release, &released).ok());
  EXPECT_FALSE(HoldsAfter(first_reader, 2));
  EXPECT_TRUE(HoldsAfter(second_reader, 2));
  const grpc::Status refused = Acquire(first, ChatIdOf(first, "garden"));
  EXPECT_EQ(ReasonOf(refused), "SCOPE_REQUIRED") << Text(refused);
}

TEST_F(LeaseTest, SameRequestIdIsTheSameRequest) {
  const Program first = Bridge("First");
  const Program second = Bridge("Second");
  const std::string garden = ChatIdOf(first, "garden");
  v1::Lease lease;
  ASSERT_TRUE(Acquire(first, garden, &lease, "bobchat", "a").ok());
  v1::Lease again;
  ASSERT_TRUE(Acquire(first, garden, &again, "bobchat", "a").ok());
  EXPECT_EQ(again.SerializeAsString(), lease.SerializeAsString());
  EXPECT_EQ(ReasonOf(Acquire(first, garden, &again, "carolchat", "a")), "REQUEST_ID_CONFLICT");
  EXPECT_EQ(ReasonOf(Release(first, lease.id(), "a")), "REQUEST_ID_CONFLICT");
  // What another holds cannot be given back, nor what is nobody's.
  EXPECT_EQ(ReasonOf(Release(second, ChatIdOf(second, "garden") + ".bobchat", "b")), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Release(second, "garden", "b")), "INVALID_FIELD");
  ASSERT_TRUE(Release(first, lease.id(), "r").ok());
  ASSERT_TRUE(Acquire(first, garden, &lease, "bobchat", "c").ok());
  // A late repetition gives nothing back twice.
  EXPECT_TRUE(Release(first, lease.id(), "r").ok());
  ASSERT_TRUE(Acquire(second, ChatIdOf(second, "garden"), &again).ok());
  EXPECT_FALSE(again.held());
  EXPECT_EQ(ReasonOf(Acquire(first, garden, &lease, "Not A Network")), "INVALID_FIELD");
}

TEST_F(LeaseTest, OnlyChatsThatTheGrantCoversCanBePassedOn) {
  Allowance only_garden;
  only_garden.chats = {"garden"};
  const Program app = harness_.App("Narrow", {kChatsRead, kForward}, only_garden);
  const Program wide = Bridge("Wide");
  LeaseWatch watch(app);
  ASSERT_TRUE(Acquire(app, ChatIdOf(app, "garden")).ok());
  // An id of another app names nothing here.
  EXPECT_EQ(ReasonOf(Acquire(app, ChatIdOf(wide, "kitchen"))), "NOT_FOUND");
  ASSERT_TRUE(Acquire(wide, ChatIdOf(wide, "kitchen")).ok());
  LeaseWatch wide_watch(wide);
  EXPECT_TRUE(wide_watch.WaitFor(2, 1));
  EXPECT_TRUE(watch.WaitFor(1, 1));
  const Program reader = harness_.App("Reader", {kChatsRead});
  EXPECT_EQ(ReasonOf(Acquire(reader, ChatIdOf(reader, "garden"))), "SCOPE_REQUIRED");
}

TEST_F(LeaseTest, WhatCameOverABridgeFromANetworkIsNotHandedToAnotherTowardsIt) {
  const Program first = Bridge("First");
  const Program second = Bridge("Second");
  const Program reader = harness_.App("Reader", {kChatsRead, kMessagesRead});
  ASSERT_TRUE(Acquire(first, ChatIdOf(first, "garden")).ok());
  ASSERT_TRUE(Acquire(second, ChatIdOf(second, "garden")).ok());
  EventReader second_events(second);
  EventReader reader_events(reader);
  ASSERT_TRUE(second_events.WaitLive() && reader_events.WaitLive());
  // Brought here from bobchat by the bridge towards it; in another chat it is just a message.
  ASSERT_TRUE(SendText(harness_, first, ChatIdOf(first, "garden"), "from Bob").status.ok());
  ASSERT_TRUE(SendText(harness_, first, ChatIdOf(first, "kitchen"), "from First").status.ok());
  alice_.Say("garden", "Hello Bob");
  ASSERT_TRUE(reader_events.WaitForText("Hello Bob"));
  ASSERT_TRUE(second_events.WaitForText("Hello Bob"));
  EXPECT_EQ(reader_events.texts(),
            (std::vector<std::string>{"from Bob", "from First", "Hello Bob"}));
  EXPECT_EQ(second_events.texts(), (std::vector<std::string>{"from First", "Hello Bob"}));
}

TEST_F(LeaseTest, ARingIsCutWhereItWouldGoBack) {
  EchoingNetwork bob(harness_, "bobchat", {"hall"});
  const Program there = Bridge("There");
  const Program back = Bridge("Back");
  const std::string hall = ChatIdOf(there, "hall");
  ASSERT_TRUE(Acquire(back, ChatIdOf(back, "hall"), nullptr, "alicechat").ok());
  EventReader events(there);
  EventReader back_events(back);
  ASSERT_TRUE(events.WaitLive() && back_events.WaitLive());
  alice_.Say("garden", "Is anybody home?");
  ASSERT_TRUE(events.WaitForText("Is anybody home?"));
  // Passed on with its cause named: that it came from alicechat is known without a lease.
  std::string cause;
  for (const v1::Event& event : events.events()) {
    if (event.has_message_created()) cause = event.id();
  }
  ASSERT_TRUE(SendText(harness_, there, hall, "Alice: Is anybody home?", cause).status.ok());
  bob.Say("hall", "Who is it?");
  ASSERT_TRUE(back_events.WaitForText("Who is it?"));
  EXPECT_EQ(back_events.texts(), (std::vector<std::string>{"Is anybody home?", "Who is it?"}));
}

}  // namespace
}  // namespace postern::behaviors
