// SPDX-License-Identifier: Apache-2.0
#include "platform/unit_starter.h"

#include "tests/fakes/fake_unit_starter.h"
#include "tests/fakes/private_bus.h"
#include "tests/fakes/session_bus.h"
#include "tests/platform/fake_systemd.h"
#include "tests/platform/unit_starter_contract.h"

namespace postern::platform {
namespace {

class FakeWorld final : public StarterWorld {
 public:
  UnitStarter starter() override { return units_.starter(); }
  void Install(const std::string& unit) override { units_.Install(unit); }
  void Mask(const std::string& unit) override { units_.Mask(unit); }
  void Stop() override { units_.Stop(); }
  std::vector<std::string> asked() override { return units_.asked(); }

 private:
  fakes::FakeUnitStarter units_;
};

class SystemdWorld final : public StarterWorld {
 public:
  UnitStarter starter() override { return StartUserUnit; }
  void Install(const std::string& unit) override { systemd_->Install(unit); }
  void Mask(const std::string& unit) override { systemd_->Mask(unit); }
  void Stop() override { systemd_.reset(); }
  std::vector<std::string> asked() override { return systemd_->asked(); }

 private:
  const fakes::PrivateBus bus_;
  const fakes::ScopedEnvironment environment_{{{"DBUS_SESSION_BUS_ADDRESS", bus_.address()}}};
  std::unique_ptr<FakeSystemd> systemd_ = std::make_unique<FakeSystemd>(bus_.address());
};

INSTANTIATE_TEST_SUITE_P(Fake, UnitStarterContract, testing::Values(MakeStarterWorld([] {
                           return std::make_unique<FakeWorld>();
                         })));
INSTANTIATE_TEST_SUITE_P(Systemd, UnitStarterContract, testing::Values(MakeStarterWorld([] {
                           return std::make_unique<SystemdWorld>();
                         })));

TEST(SystemdUnitStarter, WithoutABusNothingIsStartedAndNothingHangs) {
  const fakes::ScopedEnvironment none({{"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"}});
  EXPECT_EQ(StartUserUnit("translator.service").code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace postern::platform
