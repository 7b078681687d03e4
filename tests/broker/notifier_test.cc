// SPDX-License-Identifier: Apache-2.0
// The real notifier: the real agent, on a bus of the test's own with a desktop that shows nothing.
#include "broker/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <systemd/sd-bus.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "tests/fakes/bus_service.h"
#include "tests/fakes/private_bus.h"
#include "tests/fakes/recording_notifier.h"
#include "tests/fakes/session_bus.h"

namespace postern::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// org.freedesktop.Notifications, as far as it is used.
class FakeDesktop {
 public:
  explicit FakeDesktop(const std::string& address)
      : service_(address, {"org.freedesktop.Notifications"},
                 [this](sd_bus_message* call) { return Answer(call); }) {}

  std::vector<std::string> bodies() {
    platform::MutexLock lock(mutex_);
    return bodies_;
  }

 private:
  int Answer(sd_bus_message* call) {
    const char* method = sd_bus_message_get_member(call);
    if (method == nullptr) return 0;
    if (std::string(method) == "GetCapabilities") {
      return sd_bus_reply_method_return(call, "as", 1, "body");
    }
    if (std::string(method) != "Notify") return 0;
    const char* name = nullptr;
    const char* icon = nullptr;
    const char* title = nullptr;
    const char* body = nullptr;
    uint32_t replaces = 0;
    sd_bus_message_read(call, "susss", &name, &replaces, &icon, &title, &body);
    {
      platform::MutexLock lock(mutex_);
      bodies_.push_back(body == nullptr ? "" : body);
    }
    return sd_bus_reply_method_return(call, "u", 1);
  }

  platform::Mutex mutex_;
  std::vector<std::string> bodies_ ABSL_GUARDED_BY(mutex_);
  fakes::BusService service_;
};

std::string Agent() { return std::string(std::getenv("POSTERN_BIN")) + "/postern-consent"; }

TEST(NotifierProcess, ShowsPlainTextOnTheDesktop) {
  const fakes::PrivateBus bus;
  const fakes::ScopedEnvironment environment({{"DBUS_SESSION_BUS_ADDRESS", bus.address()}});
  FakeDesktop desktop(bus.address());
  NotifierProcess notifier(Agent());
  const ConsentCancellation never;
  const absl::Status shown = notifier.Notify("You allowed \"<b>Reader</b>\".\nIf not:", never);
  EXPECT_TRUE(shown.ok()) << shown;
  // One line, and no markup of a stranger's.
  EXPECT_THAT(desktop.bodies(), ElementsAre("You allowed \"<b>Reader</b>\". If not:"));
}

TEST(NotifierProcess, SaysWhenNobodyShowsNotifications) {
  const ConsentCancellation never;
  {
    const fakes::PrivateBus bus;
    const fakes::ScopedEnvironment environment({{"DBUS_SESSION_BUS_ADDRESS", bus.address()}});
    EXPECT_TRUE(absl::IsUnavailable(NotifierProcess(Agent()).Notify("text", never)));
  }
  const fakes::ScopedEnvironment none({{"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"}});
  EXPECT_TRUE(absl::IsUnavailable(NotifierProcess(Agent()).Notify("text", never)));
  EXPECT_TRUE(absl::IsUnavailable(NotifierProcess("/nonexistent/agent").Notify("text", never)));
}

TEST(NotifierProcess, ShowsNothingOnceTheDaemonStops) {
  ConsentCancellation stopped;
  stopped.Cancel();
  EXPECT_TRUE(absl::IsCancelled(NotifierProcess(Agent()).Notify("text", stopped)));
}

TEST(RecordingNotifier, AnswersAsTheRealOne) {
  fakes::RecordingNotifier notifier;
  const ConsentCancellation never;
  EXPECT_TRUE(notifier.Notify("text", never).ok());
  notifier.SetPresent(false);
  EXPECT_TRUE(absl::IsUnavailable(notifier.Notify("text", never)));
}

}  // namespace
}  // namespace postern::broker
