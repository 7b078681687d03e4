// SPDX-License-Identifier: Apache-2.0
// The first event after a silence is not late: nothing had to wake up that sleeps deeply.
//
// In the test suite sixty streams share one silence. POSTERN_SILENCES asks for so many silences of
// one broker, one after the other, each measured and none repeated (./dev soak).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

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
static_assert(kBrokers * kAppsPerBroker * kStreamsPerApp == 60);

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

  // Waits for an event that must not come.
  void BeSilent() { EXPECT_FALSE(readers.front()->WaitForReported(events + 1, kSilence)); }

  // How long after its sending each reader has the next event.
  std::vector<absl::Duration> NextEvent() {
    const std::string name = "m" + std::to_string(++events);
    const v1::Event event = MessageEvent("club", name, name);
    const auto sent = Steady::now();
    adapter.Push({event});
    std::vector<absl::Duration> latencies;
    for (const auto& reader : readers) {
      EXPECT_TRUE(reader->WaitForText(name));
      for (const EventReader::Frame& frame : reader->frames()) {
        for (const v1::Event& read : frame.response.events()) {
          if (read.message_created().message().text() == name) {
            latencies.push_back(absl::FromChrono(frame.time - sent));
          }
        }
      }
    }
    return latencies;
  }

  BrokerHarness harness;
  Adapter adapter{harness.Gatekeeper()};
  std::vector<std::unique_ptr<EventReader>> readers;
  size_t events = 0;
};

// The latencies of 60 first events, in order.
std::vector<absl::Duration> OneRound() {
  std::vector<std::unique_ptr<Household>> households;
  for (int i = 0; i < kBrokers; ++i) households.push_back(std::make_unique<Household>());
  households.back()->BeSilent();
  std::vector<absl::Duration> latencies;
  for (const auto& household : households) {
    for (const absl::Duration latency : household->NextEvent()) latencies.push_back(latency);
  }
  return latencies;
}

// The latency after each of 'count' silences of one household, of its readers by turns.
std::vector<absl::Duration> Silences(int count) {
  Household household;
  std::vector<absl::Duration> latencies;
  for (int i = 0; i < count; ++i) {
    household.BeSilent();
    const std::vector<absl::Duration> of_readers = household.NextEvent();
    latencies.push_back(of_readers[static_cast<size_t>(i) % of_readers.size()]);
  }
  return latencies;
}

// Prints them, and returns their 99th percentile: of 60, the 60th.
absl::Duration P99(std::vector<absl::Duration> latencies) {
  std::sort(latencies.begin(), latencies.end());
  const absl::Duration p99 = latencies[(latencies.size() * 99 + 99) / 100 - 1];
  std::printf("[ figure   ] %zu first events after %s of silence: fastest %s, median %s, p99 %s\n",
              latencies.size(), absl::FormatDuration(kSilence).c_str(),
              absl::FormatDuration(latencies.front()).c_str(),
              absl::FormatDuration(latencies[latencies.size() / 2]).c_str(),
              absl::FormatDuration(p99).c_str());
  return p99;
}

TEST(QuietLatency, FirstEventAfterFiveSilentSecondsComesWithinTenMilliseconds) {
  if (const char* asked = std::getenv("POSTERN_SILENCES"); asked != nullptr) {
    const int silences = std::atoi(asked);
    ASSERT_GT(silences, 0) << "POSTERN_SILENCES is a number above 0";
    EXPECT_LT(P99(Silences(silences)), kFirstEventWithin);
    return;
  }
  // What else the machine does can spoil a round, and can only make it slower: the best one counts.
  absl::Duration best = absl::InfiniteDuration();
  for (int round = 0; round < kRounds && best >= kFirstEventWithin; ++round) {
    const std::vector<absl::Duration> latencies = OneRound();
    ASSERT_EQ(latencies.size(), size_t{kBrokers * kAppsPerBroker * kStreamsPerApp});
    best = std::min(best, P99(latencies));
  }
  EXPECT_LT(best, kFirstEventWithin);
}

}  // namespace
}  // namespace postern::behaviors
