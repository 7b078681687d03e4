// SPDX-License-Identifier: Apache-2.0
// What everything that starts units promises, whoever does it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/unit_starter.h"

namespace postern::platform {

// A starter and the manager that it asks.
class StarterWorld {
 public:
  virtual ~StarterWorld() = default;
  virtual UnitStarter starter() = 0;
  virtual void Install(const std::string& unit) = 0;
  virtual void Mask(const std::string& unit) = 0;
  // The manager is gone.
  virtual void Stop() = 0;
  virtual std::vector<std::string> asked() = 0;
};

using MakeStarterWorld = std::function<std::unique_ptr<StarterWorld>()>;
class UnitStarterContract : public testing::TestWithParam<MakeStarterWorld> {
 protected:
  void SetUp() override { world_ = GetParam()(); }
  std::unique_ptr<StarterWorld> world_;
};

TEST_P(UnitStarterContract, StartsExactlyTheUnitThatWasNamed) {
  world_->Install("translator@1.service");
  world_->Install("other.service");
  EXPECT_EQ(world_->starter()("translator@1.service"), absl::OkStatus());
  EXPECT_THAT(world_->asked(), testing::ElementsAre("translator@1.service"));
}

TEST_P(UnitStarterContract, StartingAgainIsNoError) {
  world_->Install("translator.service");
  EXPECT_EQ(world_->starter()("translator.service"), absl::OkStatus());
  EXPECT_EQ(world_->starter()("translator.service"), absl::OkStatus());
}

TEST_P(UnitStarterContract, SaysWhyNothingWasStarted) {
  world_->Mask("masked.service");
  EXPECT_EQ(world_->starter()("unknown.service").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world_->starter()("masked.service").code(), absl::StatusCode::kFailedPrecondition);
  world_->Stop();
  EXPECT_EQ(world_->starter()("unknown.service").code(), absl::StatusCode::kUnavailable);
}

}  // namespace postern::platform
