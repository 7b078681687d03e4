// SPDX-License-Identifier: Apache-2.0
// The first event after a silence is not late: nothing had to wake up that sleeps deeply.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

// Sixty streams share one silence, and are measured ten at a time: each of the brokers has been
// silent until its own first event.
constexpr int kRounds = 3;
constexpr int kBrokers = 6;
constexpr int kAppsPerBroker = 2;
constexpr int kStreamsPerApp = 5;
constexpr absl::Duration kSilence = absl::Seconds(5);
constexpr absl::Duration kFirstEventWithin = absl::Milliseconds(10 * kSlowdown);

// A broker with its adapter and its readers.
struct Household {
  Household() {
    EXPECT_TRUE(adapter.PushDurably({ChatEvent("club")}));
    for (int i = 0; i < kAppsPerBroker; ++i) {
      const Program app = harness.App("Reader " + std::to_string(i), {kMessagesRead});
      for (int stream = 0; stream < kStreamsPerApp; ++stream) {
        readers.push_back(std::make_unique<EventReader>(app));
        EXPECT_TRUE(readers.back()->WaitLive());
      }
    }
  }

  // How long after its sending each reader has the first event.
  std::vector<absl::Duration> FirstEvents() {
    const v1::Event event = MessageEvent("club", "m1", "hello");
    const auto sent = Steady::now();
    adapter.Push({event});
    std::vector<absl::Duration> latencies;
    for (const auto& reader : readers) {
      EXPECT_TRUE(reader->WaitForEvents(1));
      for (const EventReader::Frame& frame : reader->frames()) {
        if (!frame.response.events().empty()) {
          latencies.push_back(absl::FromChrono(frame.time - sent));
          break;
        }
      }
    }
    return latencies;
  }

  BrokerHarness harness;
  Adapter adapter{harness.Gatekeeper()};
  std::vector<std::unique_ptr<EventReader>> readers;
};

// The latencies of 60 first events, in order.
std::vector<absl::Duration> OneRound() {
  std::vector<std::unique_ptr<Household>> households;
  for (int i = 0; i < kBrokers; ++i) households.push_back(std::make_unique<Household>());
  // The silence is a wait for an event that must not come.
  EXPECT_FALSE(households.back()->readers.front()->WaitForEvents(1, kSilence));
  std::vector<absl::Duration> latencies;
  for (const auto& household : households) {
    for (const absl::Duration latency : household->FirstEvents()) latencies.push_back(latency);
  }
  EXPECT_EQ(latencies.size(), size_t{kBrokers * kAppsPerBroker * kStreamsPerApp});
  std::sort(latencies.begin(), latencies.end());
  return latencies;
}

TEST(QuietLatency, FirstEventAfterFiveSilentSecondsComesWithinTenMilliseconds) {
  // What else the machine does can spoil a round, and can only make it slower: the best one counts.
  absl::Duration best = absl::InfiniteDuration();
  for (int round = 0; round < kRounds && best >= kFirstEventWithin; ++round) {
    const std::vector<absl::Duration> latencies = OneRound();
    ASSERT_FALSE(latencies.empty());
    // Of 60, the 99th percentile is the 60th.
    const absl::Duration p99 = latencies[(latencies.size() * 99 + 99) / 100 - 1];
    std::printf(
        "[ figure   ] %zu first events after %s of silence: fastest %s, median %s, p99 %s\n",
        latencies.size(), absl::FormatDuration(kSilence).c_str(),
        absl::FormatDuration(latencies.front()).c_str(),
        absl::FormatDuration(latencies[latencies.size() / 2]).c_str(),
        absl::FormatDuration(p99).c_str());
    best = std::min(best, p99);
  }
  EXPECT_LT(best, kFirstEventWithin);
}

}  // namespace
}  // namespace postern::behaviors
