// SPDX-License-Identifier: Apache-2.0
// The first event after a silence is not late: nothing had to wake up that sleeps deeply.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

constexpr int kApps = 10;
constexpr int kStreamsPerApp = 6;
constexpr absl::Duration kSilence = absl::Seconds(5);
constexpr absl::Duration kFirstEventWithin = absl::Milliseconds(10);

TEST(QuietLatency, FirstEventAfterFiveSilentSecondsComesWithinTenMilliseconds) {
  BrokerHarness harness;
  Adapter adapter(harness.Gatekeeper());
  ASSERT_TRUE(adapter.PushDurably({ChatEvent("club")}));
  // One silence for all: sixty streams over ten connections share it.
  std::vector<Program> apps;
  for (int i = 0; i < kApps; ++i) {
    apps.push_back(harness.App("Reader " + std::to_string(i), {kMessagesRead}));
  }
  std::vector<std::unique_ptr<EventReader>> readers;
  for (int i = 0; i < kApps * kStreamsPerApp; ++i) {
    readers.push_back(std::make_unique<EventReader>(apps[static_cast<size_t>(i % kApps)]));
    ASSERT_TRUE(readers.back()->WaitLive());
  }
  // The silence is a wait for an event that must not come.
  ASSERT_FALSE(readers.front()->WaitForEvents(1, kSilence));

  const v1::Event event = MessageEvent("club", "m1", "hello");
  const auto sent = Steady::now();
  adapter.Push({event});
  std::vector<absl::Duration> latencies;
  for (const auto& reader : readers) {
    ASSERT_TRUE(reader->WaitForEvents(1));
    for (const EventReader::Frame& frame : reader->frames()) {
      if (!frame.response.events().empty()) {
        latencies.push_back(absl::FromChrono(frame.time - sent));
        break;
      }
    }
  }
  std::sort(latencies.begin(), latencies.end());
  // Of 60, the 99th percentile is the 60th.
  const absl::Duration p99 = latencies[(latencies.size() * 99 + 99) / 100 - 1];
  std::printf("[ figure   ] %zu first events after %s of silence: fastest %s, median %s, p99 %s\n",
              latencies.size(), absl::FormatDuration(kSilence).c_str(),
              absl::FormatDuration(latencies.front()).c_str(),
              absl::FormatDuration(latencies[latencies.size() / 2]).c_str(),
              absl::FormatDuration(p99).c_str());
  EXPECT_EQ(latencies.size(), size_t{kApps * kStreamsPerApp});
  EXPECT_LT(p99, kFirstEventWithin);
}

}  // namespace
}  // namespace postern::behaviors
