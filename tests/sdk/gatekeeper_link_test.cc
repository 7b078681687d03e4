// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/gatekeeper_link.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/fakes/memory_secret_store.h"
#include "tests/sdk/fake_broker.h"

namespace postern::sdk {
namespace {

constexpr absl::Duration kSureWait = absl::Seconds(20);

v1::Event Message(int number) {
  v1::Event event;
  event.set_chat_id("chat");
  event.mutable_message_created()->mutable_message()->set_id(absl::StrCat("m", number));
  return event;
}

v1::Command SendCommandOf(const std::string& id) {
  v1::Command command;
  command.set_command_id(id);
  command.mutable_send_message()->set_text("hello");
  return command;
}

v1::CommandResult Result(const std::string& id, v1::CommandResult::State state) {
  v1::CommandResult result;
  result.set_command_id(id);
  result.set_state(state);
  return result;
}

class LinkTest : public ::testing::Test {
 protected:
  std::unique_ptr<GatekeeperLink> Open(GatekeeperCallbacks callbacks = {}) {
    auto link = TryOpen(std::move(callbacks));
    EXPECT_TRUE(link.ok()) << link.status();
    return *std::move(link);
  }
  absl::StatusOr<std::unique_ptr<GatekeeperLink>> TryOpen(GatekeeperCallbacks callbacks = {}) {
    v1::AttachHello hello;
    hello.mutable_account()->set_id("me@papernet");
    hello.mutable_account()->set_network("papernet");
    return GatekeeperLink::Open(
        GatekeeperManifest(), hello,
        {.client = broker_.OptionsFor("adapter"), .secret_store = &secrets_}, std::move(callbacks));
  }
  size_t ResultsOf(const std::string& id, v1::CommandResult::State state) {
    size_t count = 0;
    for (const auto& result : broker_.state.results) {
      count += result.command_id() == id && result.state() == state;
    }
    return count;
  }

  TemporaryFolder folder_;
  fakes::MemorySecretStore secrets_;
  FakeBroker broker_{folder_.path()};
};

using LinkOpening = LinkTest;
using LinkFeeding = LinkTest;
using LinkCommands = LinkTest;

TEST_F(LinkOpening, WaitsForALockedKeyringAndMakesNothing) {
  secrets_.SetState(platform::SecretStoreState::kLocked);
  EXPECT_TRUE(absl::IsUnavailable(TryOpen().status()));
  EXPECT_EQ(secrets_.stores(), 0);
}

TEST_F(LinkOpening, RefusesAnAppsManifest) {
  const auto link = GatekeeperLink::Open(AppManifest(), {}, {.secret_store = &secrets_}, {});
  EXPECT_TRUE(absl::IsInvalidArgument(link.status()));
}

TEST_F(LinkOpening, EndsWhenTheOwnerRefuses) {
  broker_.state.enrolled = false;
  broker_.state.enroll_answer = v1::EnrollResponse::STATE_DENIED;
  const auto link = Open();
  ASSERT_TRUE(link->Submit(Message(1)).ok());
  EXPECT_EQ(ErrorReasonOf(link->WaitUntilDurable(kSureWait)), v1::ERROR_REASON_CONSENT_REFUSED);
  EXPECT_EQ(broker_.state.enroll_calls, 1);
}

TEST_F(LinkOpening, EndsWhenAnotherAdapterServesTheAccount) {
  broker_.state.attach_refusals = 1000;
  const auto link = Open();
  ASSERT_TRUE(link->Submit(Message(1)).ok());
  EXPECT_EQ(ErrorReasonOf(link->WaitUntilDurable(kSureWait)),
            v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED);
}

TEST_F(LinkOpening, BearsItsOwnStreamOfAMomentAgo) {
  broker_.state.attach_refusals = 2;
  const auto link = Open();
  ASSERT_TRUE(link->Submit(Message(1)).ok());
  EXPECT_TRUE(link->WaitUntilDurable(kSureWait).ok());
}

TEST_F(LinkOpening, EnrolsWhenItMustAndGoesOn) {
  broker_.state.enrolled = false;
  const auto link = Open();
  ASSERT_TRUE(link->Submit(Message(1)).ok());
  EXPECT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  EXPECT_EQ(broker_.state.enroll_calls, 1);
}

TEST_F(LinkFeeding, RefusesAnEventThatNoBatchCanCarry) {
  const auto link = Open();
  v1::Event event = Message(1);
  event.mutable_message_created()->mutable_message()->set_raw_text(std::string(2'000'000, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(link->Submit(event).status()));
}

TEST_F(LinkFeeding, KeepsWhatIsSubmittedWhileNoBrokerIsThere) {
  broker_.Stop();
  {
    const auto link = Open();
    for (int i = 1; i <= 5; ++i) EXPECT_EQ(*link->Submit(Message(i)), static_cast<uint64_t>(i));
    EXPECT_TRUE(absl::IsDeadlineExceeded(link->WaitUntilDurable(absl::ZeroDuration())));
  }
  broker_.Start();
  const auto link = Open();
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  ASSERT_EQ(broker_.state.taken.size(), 5u);
  v1::Event event;
  ASSERT_TRUE(event.ParseFromString(broker_.state.taken[3].event()));
  EXPECT_EQ(event.message_created().message().id(), "m3");
}

TEST_F(LinkFeeding, SendsAgainWhatWasNotAcknowledgedAndNothingElse) {
  broker_.state.acks = false;
  const auto link = Open();
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(link->Submit(Message(i)).ok());
  broker_.WaitFor([&] { return broker_.state.taken.size() == 3; });
  broker_.Stop();
  // The broker lost what it had not made durable: the adapter must still have it.
  broker_.state.taken.clear();
  broker_.state.durable_position = 1;
  broker_.state.acks = true;
  broker_.Start();
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  EXPECT_EQ(broker_.state.taken.size(), 2u);
  EXPECT_EQ(broker_.state.taken.begin()->first, 2u);
  EXPECT_EQ(broker_.state.doubled, 0);
}

TEST_F(LinkFeeding, CarriesMoreThanOneBatch) {
  const auto link = Open();
  std::vector<v1::Event> events;
  for (int i = 0; i < 20'000; ++i) {
    events.push_back(Message(i));
    events.back().mutable_message_created()->mutable_message()->set_text(std::string(300, 'x'));
  }
  EXPECT_EQ(*link->SubmitAll(events, "done"), 20'000u);
  EXPECT_EQ(link->bookmark(), "done");
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  EXPECT_EQ(broker_.state.taken.size(), 20'000u);
  EXPECT_EQ(broker_.state.doubled, 0);
}

// An adapter that goes at any moment of a session: what it was told is safe reaches the broker,
// once, in order. (That the spool itself bears kill -9 is spool_test's to show.)
TEST_F(LinkFeeding, LosesNothingAndDoublesNothingOverManyLives) {
  constexpr int kLives = 20;
  constexpr int kEvents = 10;
  int number = 0;
  for (int life = 0; life < kLives; ++life) {
    {
      // In every other life the broker takes events in whose acknowledgement never arrives.
      platform::MutexLock lock(broker_.mutex());
      broker_.state.acks = life % 2 == 0;
    }
    const auto link = Open();
    for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(link->Submit(Message(number++)).ok());
    if (life % 3 == 0) {
      broker_.WaitFor([&] { return broker_.state.taken.size() > static_cast<size_t>(life); });
    }
  }
  {
    platform::MutexLock lock(broker_.mutex());
    broker_.state.acks = true;
  }
  const auto link = Open();
  ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  platform::MutexLock lock(broker_.mutex());
  ASSERT_EQ(broker_.state.taken.size(), static_cast<size_t>(kLives * kEvents));
  number = 0;
  for (const auto& [position, sourced] : broker_.state.taken) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromString(sourced.event()));
    EXPECT_EQ(event.message_created().message().id(), absl::StrCat("m", number++));
  }
}

TEST_F(LinkCommands, AreCarriedOutOnceAndAnsweredAgain) {
  std::atomic<int> carried_out = 0;
  std::atomic<GatekeeperLink*> link_pointer = nullptr;
  platform::Mutex mutex;
  GatekeeperCallbacks callbacks;
  callbacks.on_command = [&](const v1::Command& command) {
    platform::MutexLock lock(mutex);
    ++carried_out;
    const v1::Event made = Message(7);
    EXPECT_TRUE(
        link_pointer.load()
            ->Answer(Result(command.command_id(), v1::CommandResult::STATE_SENT), {&made, 1})
            .ok());
  };
  {
    std::unique_ptr<GatekeeperLink> link;
    {
      platform::MutexLock lock(mutex);
      link = Open(callbacks);
      link_pointer = link.get();
    }
    broker_.SendCommand(SendCommandOf("c1"));
    broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_SENT) == 1; });
    broker_.SendCommand(SendCommandOf("c1"));
    broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_SENT) == 2; });
    ASSERT_TRUE(link->WaitUntilDurable(kSureWait).ok());
  }
  // And after a restart of the adapter.
  const auto link = Open(callbacks);
  broker_.SendCommand(SendCommandOf("c1"));
  broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_SENT) >= 4; });
  EXPECT_EQ(carried_out, 1);
  ASSERT_EQ(broker_.state.taken.size(), 1u);
  EXPECT_EQ(broker_.state.taken.begin()->second.command_id(), "c1");
}

TEST_F(LinkCommands, ThatACrashCutAreUnknownAndNeverRepeated) {
  std::atomic<int> carried_out = 0;
  GatekeeperCallbacks callbacks;
  callbacks.on_command = [&](const v1::Command&) { ++carried_out; };  // and never answers
  {
    const auto link = Open(callbacks);
    broker_.SendCommand(SendCommandOf("c1"));
    broker_.WaitFor([&] { return carried_out == 1; });
  }
  const auto link = Open(callbacks);
  broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_UNKNOWN) == 1; });
  broker_.SendCommand(SendCommandOf("c1"));
  broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_UNKNOWN) == 2; });
  EXPECT_EQ(carried_out, 1);
}

TEST_F(LinkCommands, ThatFailedForNowMayBeCarriedOutAgain) {
  std::atomic<int> carried_out = 0;
  GatekeeperCallbacks callbacks;
  callbacks.on_command = [&](const v1::Command&) { ++carried_out; };
  const auto link = Open(callbacks);
  broker_.SendCommand(SendCommandOf("c1"));
  broker_.WaitFor([&] { return carried_out == 1; });
  ASSERT_TRUE(link->Answer(Result("c1", v1::CommandResult::STATE_FAILED_RETRIABLE)).ok());
  broker_.SendCommand(SendCommandOf("c1"));
  broker_.WaitFor([&] { return carried_out == 2; });
}

TEST_F(LinkCommands, AreAskedForByTheirIdsAlone) {
  std::atomic<int> carried_out = 0;
  GatekeeperCallbacks callbacks;
  callbacks.on_command = [&](const v1::Command&) { ++carried_out; };
  const auto link = Open(callbacks);
  broker_.SendCommand(SendCommandOf("c1"));
  broker_.WaitFor([&] { return carried_out == 1; });
  ASSERT_TRUE(link->Answer(Result("c1", v1::CommandResult::STATE_PENDING)).ok());
  ASSERT_TRUE(link->Answer(Result("c1", v1::CommandResult::STATE_SENT)).ok());
  broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_SENT) == 1; });
  v1::Command question;
  question.set_command_id("c1");
  broker_.SendCommand(question);
  broker_.WaitFor([&] { return ResultsOf("c1", v1::CommandResult::STATE_SENT) == 2; });
  // Of what was never given, nobody knows.
  question.set_command_id("c2");
  broker_.SendCommand(question);
  broker_.WaitFor([&] { return ResultsOf("c2", v1::CommandResult::STATE_UNKNOWN) == 1; });
  EXPECT_EQ(carried_out, 1);
}

}  // namespace
}  // namespace postern::sdk
