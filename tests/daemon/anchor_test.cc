// SPDX-License-Identifier: Apache-2.0
// An older copy of the whole data folder is put back under a real daemon, with a real keyring.
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "platform/secret_store.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Anchor : public SessionTest {
 protected:
  // Runs the daemon once, to its orderly end, and returns what it said.
  std::string RunOnce(const Profile& profile) {
    const auto daemon = Process::Start(profile);
    EXPECT_TRUE(daemon->AwaitReady()) << daemon->errors();
    EXPECT_EQ(daemon->Stop(), 0);
    return daemon->errors();
  }
};

TEST_F(Anchor, NoticesAnOlderFolderOnceAndNoOrdinaryStart) {
  const Profile profile(&session());
  EXPECT_THAT(RunOnce(profile), Not(HasSubstr("database_older")));
  const std::string copy = profile.home() + "/yesterday";
  fs::copy(profile.data_dir(), copy, fs::copy_options::recursive);
  EXPECT_THAT(RunOnce(profile), Not(HasSubstr("database_older")));
  EXPECT_THAT(RunOnce(profile), Not(HasSubstr("database_older")));
  fs::remove_all(profile.data_dir());
  fs::copy(copy, profile.data_dir(), fs::copy_options::recursive);
  EXPECT_THAT(RunOnce(profile), HasSubstr("database_older"));
  EXPECT_THAT(RunOnce(profile), Not(HasSubstr("database_older")));
}

TEST_F(Anchor, AKeyringThatLostItIsNoticed) {
  const Profile profile(&session());
  RunOnce(profile);
  const auto secrets = platform::MakeSecretServiceStore(profile.data_dir());
  ASSERT_TRUE(secrets->Lookup("database-anchor").ok());
  ASSERT_TRUE(secrets->Erase("database-anchor").ok());
  EXPECT_THAT(RunOnce(profile), HasSubstr("database_older"));
}

// What a reply that takes something back waits for.
TEST_F(Anchor, IsQuicklyWritten) {
  const Profile profile(&session());
  const auto secrets = platform::MakeSecretServiceStore(profile.data_dir());
  const std::vector<uint8_t> slot(80, 7);
  absl::Duration slowest;
  absl::Duration total;
  constexpr int kWrites = 30;
  for (int i = 0; i < kWrites; ++i) {
    const absl::Time start = absl::Now();
    ASSERT_TRUE(secrets->Store("database-anchor", slot).ok());
    const absl::Duration took = absl::Now() - start;
    slowest = std::max(slowest, took);
    total += took;
  }
  std::printf("[ figure   ] a keyring write: mean %s, slowest of %d %s\n",
              absl::FormatDuration(total / kWrites).c_str(), kWrites,
              absl::FormatDuration(slowest).c_str());
  EXPECT_LT(total / kWrites, absl::Milliseconds(500));
}

}  // namespace
}  // namespace postern::daemon_test
