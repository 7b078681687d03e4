// SPDX-License-Identifier: Apache-2.0
#include "platform/session_watch.h"

#include "platform/linux/logind_session_watch.h"
#include "tests/fakes/fake_session_watch.h"
#include "tests/fakes/private_bus.h"
#include "tests/fakes/session_bus.h"
#include "tests/platform/fake_logind.h"
#include "tests/platform/session_watch_contract.h"

namespace postern::platform {
namespace {

class FakeWorld final : public WatchedWorld {
 public:
  SessionWatch& watch() override { return watch_; }
  void Make(SessionPresence presence) override { watch_.Set(presence); }

 private:
  fakes::FakeSessionWatch watch_;
};

// Both buses of the watch are the test's.
class LogindWorld final : public WatchedWorld {
 public:
  explicit LogindWorld(FakeLogind::Knows knows = FakeLogind::Knows::kUser)
      : logind_(std::make_unique<FakeLogind>(bus_.address(), knows)), watch_(WatchLogind()) {}

  SessionWatch& watch() override { return *watch_; }
  FakeLogind& logind() { return *logind_; }
  void RestartLogind() {
    logind_.reset();
    logind_ = std::make_unique<FakeLogind>(bus_.address());
  }
  void Make(SessionPresence presence) override {
    FakeSession session;
    session.active = presence != SessionPresence::kElsewhere;
    session.locked = presence == SessionPresence::kLocked;
    logind_->Put("1", session);
  }

 private:
  const fakes::PrivateBus bus_;
  const fakes::ScopedEnvironment environment_{
      {{"DBUS_SYSTEM_BUS_ADDRESS", bus_.address()}, {"DBUS_SESSION_BUS_ADDRESS", bus_.address()}}};
  std::unique_ptr<FakeLogind> logind_;
  std::unique_ptr<SessionWatch> watch_;
};

INSTANTIATE_TEST_SUITE_P(Fake, SessionWatchContract,
                         testing::Values(MakeWorld([] { return std::make_unique<FakeWorld>(); })));
INSTANTIATE_TEST_SUITE_P(Logind, SessionWatchContract, testing::Values(MakeWorld([] {
                           return std::make_unique<LogindWorld>();
                         })));

TEST(LogindSessionWatch, WithoutLogindNobodyCanTell) {
  const fakes::ScopedEnvironment none({{"DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus"},
                                       {"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"}});
  const auto watch = WatchLogind();
  EXPECT_EQ(watch->presence(), SessionPresence::kUnknown);
  EXPECT_TRUE(IsPresent(watch->presence()));
}

TEST(LogindSessionWatch, OfAUserThatLogindDoesNotKnowNobodyCanTell) {
  LogindWorld world(FakeLogind::Knows::kNobody);
  EXPECT_EQ(world.watch().presence(), SessionPresence::kUnknown);
}

TEST(LogindSessionWatch, WhoIsLoggedInNowhereIsNotHere) {
  LogindWorld world;
  Told told(world.watch());
  world.logind().Remove("1");
  EXPECT_TRUE(told.WaitFor(SessionPresence::kElsewhere));
}

TEST(LogindSessionWatch, TheSessionAtTheSeatCountsBeforeOneFromAfar) {
  LogindWorld world;
  Told told(world.watch());
  FakeSession remote;
  remote.seat = "";
  world.logind().Put("2", remote);
  FakeSession seated;
  seated.locked = true;
  world.logind().Put("1", seated);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kLocked));
  // Where there is none at a seat, the one from afar is the person.
  world.logind().Remove("1");
  EXPECT_TRUE(told.WaitFor(SessionPresence::kPresent));
}

TEST(LogindSessionWatch, GreetersAndClosingSessionsAreNobody) {
  LogindWorld world;
  Told told(world.watch());
  FakeSession greeter;
  greeter.kind = "greeter";
  world.logind().Put("2", greeter);
  FakeSession closing;
  closing.state = "closing";
  world.logind().Put("1", closing);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kElsewhere));
}

TEST(LogindSessionWatch, AScreenSaverLocksToo) {
  LogindWorld world;
  Told told(world.watch());
  world.logind().SetScreenSaver(true);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kLocked));
  world.logind().SetScreenSaver(false);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kPresent));
}

TEST(LogindSessionWatch, ARestartOfLogindIsSeenThrough) {
  LogindWorld world;
  Told told(world.watch());
  world.Make(SessionPresence::kLocked);
  ASSERT_TRUE(told.WaitFor(SessionPresence::kLocked));
  // The new one begins with an open session.
  world.RestartLogind();
  EXPECT_TRUE(told.WaitFor(SessionPresence::kPresent));
}

}  // namespace
}  // namespace postern::platform
