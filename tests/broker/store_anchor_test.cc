// SPDX-License-Identifier: Apache-2.0
#include "broker/store_anchor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "broker/access_history.h"
#include "broker/event_log.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/memory_secret_store.h"

namespace postern::broker {
namespace {

namespace fs = std::filesystem;

// What the anchor needs of a daemon.
struct Daemon {
  explicit Daemon(const std::string& folder, platform::SecretStore& secrets) {
    store = *OpenStore(folder);
    log = *EventLog::Open(*store);
    accesses = *AccessHistory::Open(*store, clock);
    anchor = std::make_unique<StoreAnchor>(secrets, *store, *log, *accesses);
  }
  void Change(int times) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(store
                      ->Write([](Database& database) {
                        return database.Run(
                            "INSERT OR REPLACE INTO meta(key, value) VALUES('test', 1)");
                      })
                      .ok());
    }
  }

  fakes::FakeClock clock;
  std::unique_ptr<Store> store;
  std::unique_ptr<EventLog> log;
  std::unique_ptr<AccessHistory> accesses;
  std::unique_ptr<StoreAnchor> anchor;
};

// Other parts write while the daemon starts; once a copy that was a few changes old passed for
// current, because it was looked at after them.
TEST(StoreAnchor, ACopyIsAsOldAsItWasWhenItWasOpened) {
  ScratchFolder folder;
  fakes::MemorySecretStore secrets;
  const std::string data = folder.File("data");
  const std::string copy = folder.File("copy");
  fs::create_directory(data);
  fs::permissions(data, fs::perms::owner_all);
  Daemon(data, secrets).Change(1);
  fs::copy(data, copy, fs::copy_options::recursive);
  {
    Daemon daemon(data, secrets);
    daemon.Change(1);
    ASSERT_TRUE(daemon.anchor->SaveNow());
  }
  const auto remembered = StoreAnchor::Read(secrets);
  ASSERT_TRUE(remembered.ok());
  {
    Daemon daemon(data, secrets);
    daemon.Change(5);
    EXPECT_EQ(daemon.anchor->Check(remembered).value(), StoreAnchor::Finding::kCurrent);
  }
  Daemon daemon(copy, secrets);
  daemon.Change(5);
  EXPECT_EQ(daemon.anchor->Check(remembered).value(), StoreAnchor::Finding::kOlder);
}

}  // namespace
}  // namespace postern::broker
