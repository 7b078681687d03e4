// SPDX-License-Identifier: Apache-2.0
#include "broker/steady_read.h"

#include <gtest/gtest.h>

#include "postern/v1/message_service.pb.h"

namespace postern::broker {
namespace {

// A call that reads one message, while what its app may see changes within the first 'changes' of
// its readings.
class SteadyReadTest : public testing::Test {
 protected:
  absl::Status Read(int changes) {
    return ReadSteadily([&] { return epoch_; }, response_,
                        [&] {
                          response_.add_messages()->set_text(std::to_string(++readings_));
                          if (readings_ <= changes) ++epoch_;
                          return absl::OkStatus();
                        });
  }

  uint64_t epoch_ = 7;
  int readings_ = 0;
  v1::ListMessagesResponse response_;
};

TEST_F(SteadyReadTest, WhatWasReadUnderOtherGrantsIsNotAnswered) {
  ASSERT_TRUE(Read(2).ok());
  ASSERT_EQ(response_.messages_size(), 1);
  EXPECT_EQ(response_.messages(0).text(), "3");
}

TEST_F(SteadyReadTest, GrantsThatChangeAllTheTimeEndItWithNothing) {
  EXPECT_TRUE(Read(kReadAttemptsMax - 1).ok()) << "the last of its readings counts";
  readings_ = 0;
  EXPECT_TRUE(absl::IsAborted(Read(kReadAttemptsMax)));
  EXPECT_EQ(readings_, kReadAttemptsMax);
  EXPECT_EQ(response_.messages_size(), 0);
  // The next call is as good as any.
  readings_ = 0;
  EXPECT_TRUE(Read(0).ok());
  EXPECT_EQ(response_.messages_size(), 1);
}

TEST_F(SteadyReadTest, ARefusalIsNotTriedAgain) {
  int readings = 0;
  EXPECT_TRUE(absl::IsNotFound(ReadSteadily([&] { return ++epoch_; }, response_,
                                            [&] {
                                              ++readings;
                                              return absl::NotFoundError("gone");
                                            })));
  EXPECT_EQ(readings, 1);
}

}  // namespace
}  // namespace postern::broker
