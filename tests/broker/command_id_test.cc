// SPDX-License-Identifier: Apache-2.0
#include "broker/command_id.h"

#include <gtest/gtest.h>

#include "broker/limits.h"
#include "tests/broker/storage_fixture.h"

namespace postern::broker {
namespace {

TEST(CommandId, SaysWhoCausedTheCommandAndWhereTheMessageHasBeen) {
  const Trail trail{2, {"alicechat", "bob-chat2"}};
  const CommandOrigin origin = ReadCommandId(NewCommandId(AppOf(0xAB), trail));
  EXPECT_EQ(origin.principal_prefix, "abababababababab");
  EXPECT_EQ(origin.trail, trail);
  const CommandOrigin first = ReadCommandId(NewCommandId(AppOf(1), {1, {}}));
  EXPECT_EQ(first.trail, (Trail{1, {}}));
}

TEST(CommandId, IsNewEachTime) {
  EXPECT_NE(NewCommandId(AppOf(1), {1, {}}), NewCommandId(AppOf(1), {1, {}}));
}

TEST(CommandId, HasRoomForTheLongestTrail) {
  Trail trail{kHopsMax, {}};
  for (size_t i = 0; i < kTrailNetworksMax; ++i) {
    trail.AddNetwork(std::string(31, 'n') + static_cast<char>('a' + i));
  }
  const std::string id = NewCommandId(AppOf(1), trail);
  EXPECT_LE(id.size(), kIdBytesMax);
  EXPECT_EQ(ReadCommandId(id).trail, trail);
}

TEST(CommandId, ReadsWhatAnAdapterMadeUp) {
  const std::vector<std::string> ids = {"", "x", "....", "a.b.c.d", std::string(100'000, '.')};
  for (const std::string& id : ids) {
    const CommandOrigin origin = ReadCommandId(id);
    EXPECT_LE(origin.trail.hops, kHopsMax) << id.size();
    EXPECT_TRUE(origin.trail.networks.size() <= 1) << id.size();
  }
  // Nothing makes a message of an app look like one that people wrote, or one from nowhere.
  EXPECT_EQ(ReadCommandId("r.0102").trail.hops, 1u);
  EXPECT_EQ(ReadCommandId("r.0102.0").trail.hops, 1u);
  EXPECT_EQ(ReadCommandId("r.0102.4294967295").trail.hops, kHopsMax);
  EXPECT_EQ(ReadCommandId("r.0102.-1").trail.hops, 1u);
  EXPECT_EQ(ReadCommandId("r.0102.1.UP+ok+../x").trail.networks, (std::vector<std::string>{"ok"}));
}

TEST(Trail, KeepsNetworksSortedAndOnce) {
  Trail trail;
  for (const char* network : {"c", "a", "b", "a", "c"}) trail.AddNetwork(network);
  EXPECT_EQ(trail.networks, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(trail.HasBeenOn("b"));
  EXPECT_FALSE(trail.HasBeenOn("bb"));
}

}  // namespace
}  // namespace postern::broker
