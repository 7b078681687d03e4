// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/message_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace postern::platform {
namespace {

void SendRaw(int channel, const std::string& packet) {
  ASSERT_EQ(::send(channel, packet.data(), packet.size(), 0), static_cast<ssize_t>(packet.size()));
}

TEST(MessageChannel, RefusesWhatIsNotAMessage) {
  for (const char* packet : {"hello", "postern 2 5", "postern 1 ", "postern 1 0", "postern 1 -1",
                             "postern 1 99999999999", "{\"decision\":\"allow\"}"}) {
    auto ends = MakeChannel();
    ASSERT_TRUE(ends.ok());
    SendRaw(ends->first.get(), packet);
    EXPECT_EQ(ReceiveFromChannel(ends->second.get(), -1, absl::Seconds(5)).status().code(),
              absl::StatusCode::kDataLoss)
        << packet;
  }
}

TEST(MessageChannel, RefusesMoreThanWasAnnounced) {
  auto ends = MakeChannel();
  ASSERT_TRUE(ends.ok());
  SendRaw(ends->first.get(), "postern 1 3");
  SendRaw(ends->first.get(), "four");
  EXPECT_TRUE(
      absl::IsDataLoss(ReceiveFromChannel(ends->second.get(), -1, absl::Seconds(5)).status()));
}

TEST(MessageChannel, HasNoMessageWhenTheOtherEndClosesInTheMiddle) {
  auto ends = MakeChannel();
  ASSERT_TRUE(ends.ok());
  SendRaw(ends->first.get(), "postern 1 3");
  ends->first.Reset();
  EXPECT_TRUE(
      absl::IsUnavailable(ReceiveFromChannel(ends->second.get(), -1, absl::Seconds(5)).status()));
}

TEST(MessageChannel, StopsWaitingWhenItIsWoken) {
  auto ends = MakeChannel();
  ASSERT_TRUE(ends.ok());
  const UniqueFd wake(::eventfd(1, EFD_CLOEXEC));
  EXPECT_TRUE(absl::IsCancelled(
      ReceiveFromChannel(ends->second.get(), wake.get(), absl::Seconds(5)).status()));
}

TEST(MessageChannel, EndsAtItsTime) {
  auto ends = MakeChannel();
  ASSERT_TRUE(ends.ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      ReceiveFromChannel(ends->second.get(), -1, absl::Milliseconds(10)).status()));
}

TEST(MessageChannel, CarriesAMessageLargerThanTheSocketHoldsAndADescriptor) {
  auto ends = MakeChannel();
  ASSERT_TRUE(ends.ok());
  const std::string bytes(3 << 20, 'q');
  const UniqueFd attached(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  absl::Status sent;
  std::thread sender([&] {
    sent = SendOnChannel(ends->first.get(), bytes, attached.get(), -1, absl::Seconds(30));
  });
  const auto message = ReceiveFromChannel(ends->second.get(), -1, absl::Seconds(30));
  sender.join();
  ASSERT_TRUE(sent.ok());
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->bytes, bytes);
  EXPECT_TRUE(message->attached.valid());
  EXPECT_NE(::fcntl(message->attached.get(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace postern::platform
