// SPDX-License-Identifier: Apache-2.0
// Life on a laptop, in minutes of the injected clock: the machine sleeps, its clock is set, and
// what was connected goes on, an app or an adapter whose process is stopped too. The daemon, which
// is a part of this process here, is stopped in tests/daemon/stopped_daemon_test.cc.
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <sstream>

#include "broker/stall_watch.h"
#include "clients/sdk/backoff.h"
#include "platform/unique_fd.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/behaviors/owner_calls.h"
#include "tests/daemon/app_journal.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/process.h"
#include "tests/fakes/session_bus.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

class LaptopTest : public testing::Test {
 protected:
  // Names "0" to "count - 1", in order, from 'first' on.
  static std::vector<v1::Event> Messages(int first, int count) {
    std::vector<v1::Event> events;
    for (int i = first; i < first + count; ++i) {
      events.push_back(MessageEvent("club", "m" + std::to_string(i), std::to_string(i)));
    }
    return events;
  }
  static void ExpectInOrder(EventReader& reader, int count) {
    std::vector<std::string> expected;
    for (int i = 0; i < count; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(reader.texts(), expected);
  }

  BrokerHarness harness_{{}, absl::Milliseconds(20)};
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club", "club")});
  Program app_ = harness_.App("Reader", {kChatsRead, kMessagesRead});
  OwnerCalls owner_{harness_};
};

TEST_F(LaptopTest, ANightsSleepEndsNeitherStreamNorAttachment) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 5)));
  ASSERT_TRUE(reader.WaitForReported(5));
  for (int night = 0; night < 3; ++night) {
    harness_.clock().Advance(absl::Hours(8));
    ASSERT_TRUE(adapter_.PushDurably(Messages(5 + night * 5, 5)));
    ASSERT_TRUE(reader.WaitForReported(static_cast<size_t>(10 + night * 5)));
  }
  EXPECT_FALSE(reader.ended());
  ExpectInOrder(reader, 20);
  // Sleeping is not setting the clock.
  EXPECT_FALSE(owner_.HasNotice(v1::OwnerNotice::KIND_CLOCK_JUMPED));
  EXPECT_TRUE(owner_.Status().warnings().empty());
}

TEST_F(LaptopTest, WhatGatheredWhileTheAppSleptComesInOneCatchUp) {
  v1::SubscribeRequest request;
  request.set_subscription("main");
  {
    EventReader reader(app_, request);
    ASSERT_TRUE(reader.WaitLive());
  }
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 200)));
  harness_.clock().Advance(absl::Minutes(45));
  ASSERT_TRUE(adapter_.PushDurably(Messages(200, 200)));
  EventReader reader(app_, request);
  ASSERT_TRUE(reader.WaitForReported(400));
  ExpectInOrder(reader, 400);
  // Full frames, not one for each event.
  size_t with_events = 0;
  for (const auto& frame : reader.frames()) with_events += frame.response.events().empty() ? 0 : 1;
  EXPECT_LE(with_events, 10u);
}

TEST_F(LaptopTest, ClockSetForwardAndBackDuringASleepLosesNothing) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 3)));
  int sent = 3;
  for (const absl::Duration jump : {absl::Hours(30), -absl::Hours(60), absl::Hours(30)}) {
    harness_.clock().Advance(absl::Minutes(10));
    harness_.clock().Jump(jump);
    ASSERT_TRUE(adapter_.PushDurably(Messages(sent, 1)));
    ASSERT_TRUE(reader.WaitForReported(static_cast<size_t>(++sent)));
  }
  EXPECT_FALSE(reader.ended());
  ExpectInOrder(reader, 6);
}

TEST_F(LaptopTest, TheNetworkGoesAndComesWithoutAnEventTwice) {
  EventReader reader(app_);
  ASSERT_TRUE(reader.WaitLive());
  for (int i = 0; i < 10; ++i) {
    v1::Event away;
    away.mutable_account_state_changed()->set_state(i % 2 == 0 ? v1::ACCOUNT_STATE_OFFLINE
                                                               : v1::ACCOUNT_STATE_ONLINE);
    ASSERT_TRUE(adapter_.PushDurably({away}));
  }
  ASSERT_TRUE(adapter_.PushDurably(Messages(0, 3)));
  ASSERT_TRUE(reader.WaitForText("2"));
  ExpectInOrder(reader, 3);
}

// Puts the harness's broker where programs of 'profile' look for theirs.
void ServeFrom(const BrokerHarness& harness, const daemon_test::Profile& profile) {
  for (const std::string& folder : {profile.runtime_dir() + "/postern", profile.data_dir()}) {
    ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0) << folder;
  }
  std::filesystem::create_symlink(harness.socket_path(), profile.socket());
  daemon_test::WriteFile(profile.data_dir() + "/broker.pem", harness.broker_certificate());
}

// A real app that is stopped for minutes of the injected clock.
class StoppedApp : public testing::Test {
 protected:
  static constexpr absl::Duration kStop = absl::Minutes(5);
  // Much more than a connection holds of what is not read: its buffers, and HTTP/2's windows.
  static constexpr int kMessages = 2000;
  // Each frame may hold 64.
  static constexpr int kFramesMax = 100;

  // 'stall_max': how long the broker bears with a reader that reads nothing.
  void Start(absl::Duration stall_max) {
    harness_.SetReaderStall(stall_max);
    harness_.Restart();
    adapter_ = std::make_unique<Adapter>(harness_.Gatekeeper());
    ASSERT_TRUE(adapter_->PushDurably({ChatEvent("club", "club")}));
    owner_ = std::make_unique<OwnerCalls>(harness_);
    ASSERT_NO_FATAL_FAILURE(ServeFrom(harness_, profile_));
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    ASSERT_NE(program, nullptr) << "run by ctest, which names the program";
    // The last question was a while ago.
    harness_.clock().Advance(absl::Minutes(15));
    app_ = daemon_test::Process::Start(
        profile_, {.program = program, .arguments = {"org.example.sleeper", journal_}});
    ASSERT_TRUE(app_->AwaitReady()) << app_->errors();
    ASSERT_TRUE(AwaitStreams(1)) << app_->errors();
    ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m0", TextOf(0))}));
    ASSERT_TRUE(AwaitEvents(1)) << app_->errors();
  }

  bool AwaitStreams(uint32_t count) {
    return OwnerCalls::Await([&] { return owner_->Status().stream_count() == count; });
  }
  bool AwaitEvents(size_t count) const {
    return daemon_test::FileWatch(journal_).Await([&](const std::string& bytes) {
      return daemon_test::Count(bytes, daemon_test::kEventWord) >= count;
    });
  }
  static std::string TextOf(int number) {
    return std::to_string(number) + " " + std::string(1000, '.');
  }
  void PushWhileItSleeps() {
    for (int first = 1; first < kMessages; first += 100) {
      std::vector<v1::Event> events;
      for (int i = first; i < std::min(first + 100, kMessages); ++i) {
        events.push_back(MessageEvent("club", "m" + std::to_string(i), TextOf(i)));
      }
      ASSERT_TRUE(adapter_->PushDurably(events));
    }
  }
  // Every message once, in order, in one life of the app, in few frames.
  void ExpectOneCatchUp() {
    ASSERT_TRUE(AwaitEvents(kMessages)) << app_->errors();
    std::istringstream lines(daemon_test::ReadFile(journal_));
    int next = 0, starts = 0, frames = 0;
    for (std::string line; std::getline(lines, line);) {
      starts += line == "start" ? 1 : 0;
      frames += line == daemon_test::kFrameLine ? 1 : 0;
      if (line.rfind(daemon_test::kEventWord, 0) != 0) continue;
      ASSERT_EQ(line, daemon_test::kEventWord + TextOf(next));
      ++next;
    }
    EXPECT_EQ(next, kMessages);
    EXPECT_EQ(starts, 1);
    EXPECT_LE(frames, kFramesMax);
    EXPECT_TRUE(app_->running()) << app_->errors();
  }

  BrokerHarness harness_{{}, absl::Milliseconds(20)};
  std::unique_ptr<Adapter> adapter_;
  std::unique_ptr<OwnerCalls> owner_;
  daemon_test::Profile profile_{nullptr};
  const std::string journal_ = profile_.home() + "/journal";
  std::unique_ptr<daemon_test::Process> app_;
};

TEST_F(StoppedApp, CatchesUpOverTheStreamItHad) {
  ASSERT_NO_FATAL_FAILURE(Start(broker::kReaderStallMax));
  app_->Signal(SIGSTOP);
  PushWhileItSleeps();
  harness_.clock().Advance(kStop);
  // Minutes have passed, and nobody gave it up: it was watched for a moment of them.
  EXPECT_TRUE(AwaitStreams(1));
  app_->Signal(SIGCONT);
  ExpectOneCatchUp();
  EXPECT_EQ(owner_->Status().stream_count(), 1u);
}

TEST_F(StoppedApp, ThatWasGivenUpComesBackForTheRest) {
  ASSERT_NO_FATAL_FAILURE(Start(absl::Milliseconds(300) * kSlowdown));
  app_->Signal(SIGSTOP);
  PushWhileItSleeps();
  harness_.clock().Advance(kStop);
  EXPECT_TRUE(AwaitStreams(0)) << "the broker waits for a reader that reads nothing";
  app_->Signal(SIGCONT);
  ExpectOneCatchUp();
  EXPECT_TRUE(AwaitStreams(1));
}

// What its network and an app have for the adapter while it stands still waits for it, and comes
// over the attachment that it had.
TEST(StoppedAdapter, CatchesUpOverTheAttachmentItHad) {
  constexpr int kMessages = 150;
  const auto session = fakes::SessionBus::Start();
  ASSERT_TRUE(session.ok()) << session.status();
  BrokerHarness harness({}, absl::Milliseconds(20));
  daemon_test::Profile profile(session->get());
  ASSERT_NO_FATAL_FAILURE(ServeFrom(harness, profile));
  OwnerCalls owner(harness);

  const std::string script = profile.home() + "/script";
  daemon_test::WriteFile(script,
                         "account you@alicechat.example \"Your AliceChat\"\n"
                         "person alice \"Alice Novak\"\n"
                         "direct alice\n");
  int network[2];
  ASSERT_EQ(::pipe2(network, O_CLOEXEC), 0);
  const platform::UniqueFd far_end(network[0]);
  const platform::UniqueFd alice(network[1]);
  const auto say = [&](int number) {
    const std::string line =
        absl::StrCat(R"({"do":{"chat_id":"alice","message_created":{"message":{"id":"m)", number,
                     R"(","sender_contact_id":"alice","text":")", number, "\"}}}}\n");
    ASSERT_EQ(::write(alice.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
  };
  const std::string journal = profile.home() + "/journal";
  harness.clock().Advance(absl::Minutes(15));
  const auto adapter = daemon_test::Process::Start(
      profile, {.program = "postern-demo-gatekeeper",
                .arguments = {"--script", script, "--control", "--quiet", "--journal", journal},
                .input = far_end.get()});
  // A grant is for accounts that are there.
  ASSERT_TRUE(OwnerCalls::Await([&] { return owner.Status().accounts_size() == 1; }))
      << adapter->errors();
  const Program app = harness.App("Reader", {kChatsRead, kMessagesRead, kMessagesSend});
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(OwnerCalls::Await([&] { return !ChatIdOf(app, "Alice Novak").empty(); }))
      << adapter->errors();
  say(0);
  ASSERT_TRUE(reader.WaitForText("0")) << adapter->errors();

  adapter->Signal(SIGSTOP);
  auto sent = std::async(std::launch::async, [&] {
    v1::SendMessageRequest request;
    request.set_request_id(harness.NewRequestId());
    request.set_chat_id(ChatIdOf(app, "Alice Novak"));
    request.set_text("meanwhile");
    v1::SendMessageResponse response;
    return app->message->SendMessage(Patiently().get(), request, &response);
  });
  for (int i = 1; i < kMessages; ++i) say(i);
  harness.clock().Advance(absl::Minutes(5));
  // Minutes have passed, and nobody gave it up.
  const v1::GetStatusResponse status = owner.Status();
  ASSERT_EQ(status.accounts_size(), 1);
  EXPECT_EQ(status.accounts(0).state(), v1::ACCOUNT_STATE_ONLINE);
  adapter->Signal(SIGCONT);
  const grpc::Status outcome = sent.get();
  EXPECT_TRUE(outcome.ok()) << Text(outcome);
  ASSERT_TRUE(reader.WaitForText(std::to_string(kMessages - 1))) << adapter->errors();

  std::vector<std::string> texts = reader.texts();
  // The app's own may have come back by now, with what is written under it for the other people.
  EXPECT_LE(
      std::erase_if(texts, [](const std::string& text) { return text.starts_with("meanwhile"); }),
      1u);
  std::vector<std::string> expected;
  for (int i = 0; i < kMessages; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(texts, expected);
  for (const v1::Event& event : reader.events()) {
    EXPECT_NE(event.account_state_changed().state(), v1::ACCOUNT_STATE_DETACHED);
  }
  EXPECT_EQ(daemon_test::Count(daemon_test::ReadFile(journal), "attached\n"), 1u);
  EXPECT_TRUE(adapter->running()) << adapter->errors();
}

// A reader is given up for the time in which it was watched.
TEST(StallWatch, CountsNoMoreThanWasMeantToPass) {
  broker::StallWatch watch;
  EXPECT_EQ(watch.Look(absl::Hours(100)), absl::ZeroDuration());
  watch.Plan(absl::Seconds(5));
  EXPECT_EQ(watch.Look(absl::Hours(100) + absl::Seconds(2)), absl::Seconds(2));
  watch.Plan(absl::Seconds(5));
  // The machine slept, or the daemon was stopped.
  EXPECT_EQ(watch.Look(absl::Hours(108)), absl::Seconds(5));
  watch.Plan(absl::ZeroDuration());
  EXPECT_EQ(watch.Look(absl::Hours(109)), absl::ZeroDuration());
}

TEST(Backoff, OnWakingIsBoundedAndSpread) {
  const sdk::BackoffOptions options;
  std::vector<absl::Duration> firsts;
  for (int app = 0; app < 50; ++app) {
    sdk::Backoff backoff(options);
    firsts.push_back(backoff.Next());
    absl::Duration last;
    for (int tries = 0; tries < 40; ++tries) {
      last = backoff.Next();
      ASSERT_LE(last, options.longest);
      ASSERT_GT(last, absl::ZeroDuration());
    }
    ASSERT_GE(last, options.longest * (1 - options.jitter));
    backoff.Reset();
    ASSERT_LE(backoff.Next(), options.first);
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_GT(std::unique(firsts.begin(), firsts.end()) - firsts.begin(), 25)
      << "fifty apps would come back in one moment";
}

}  // namespace
}  // namespace postern::behaviors
