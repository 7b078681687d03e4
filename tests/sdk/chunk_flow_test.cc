// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/chunk_flow.h"

#include <gtest/gtest.h>

#include <thread>

namespace postern::sdk {
namespace {

v1::AttachmentChunk Chunk(uint64_t offset, size_t size, bool last = false) {
  v1::AttachmentChunk chunk;
  chunk.set_command_id("c");
  chunk.set_offset(offset);
  chunk.set_data(std::string(size, 'x'));
  chunk.set_last(last);
  return chunk;
}

v1::AttachmentAck Ack(uint64_t offset, bool ended = false) {
  v1::AttachmentAck ack;
  ack.set_command_id("c");
  ack.set_offset(offset);
  ack.set_ended(ended);
  return ack;
}

v1::CommandResult Sent() {
  v1::CommandResult result;
  result.set_command_id("c");
  result.set_state(v1::CommandResult::STATE_SENT);
  return result;
}

class ChunkFlowTest : public testing::Test {
 protected:
  // Offsets of the chunks that are to be sent now.
  std::vector<uint64_t> Sending() {
    std::vector<uint64_t> offsets;
    while (auto request = flow_.Next()) {
      EXPECT_TRUE(request->has_attachment_chunk());
      offsets.push_back(request->attachment_chunk().offset());
    }
    return offsets;
  }
  absl::Status Add(const v1::AttachmentChunk& chunk) {
    return flow_.Add(chunk, absl::ZeroDuration());
  }

  int wakes_ = 0;
  ChunkFlow flow_{[this] { ++wakes_; }};
};

TEST_F(ChunkFlowTest, StaysAWindowAheadOfTheBroker) {
  flow_.BeginDownload("c", 0);
  for (uint64_t at = 0; at < kChunkWindow; at += kChunkBytesMax) {
    ASSERT_TRUE(Add(Chunk(at, kChunkBytesMax)).ok());
  }
  EXPECT_TRUE(absl::IsUnavailable(Add(Chunk(kChunkWindow, 1))));
  EXPECT_EQ(Sending().size(), kChunkWindow / kChunkBytesMax);
  EXPECT_TRUE(flow_.TakeAck(Ack(kChunkBytesMax)).room);
  EXPECT_TRUE(Add(Chunk(kChunkWindow, 1)).ok());
  EXPECT_EQ(Sending(), std::vector<uint64_t>{kChunkWindow});
}

TEST_F(ChunkFlowTest, SendsAgainWhatTheBrokerDidNotTake) {
  flow_.BeginDownload("c", 1000);
  ASSERT_TRUE(Add(Chunk(1000, 10)).ok());
  ASSERT_TRUE(Add(Chunk(1010, 10)).ok());
  ASSERT_TRUE(Add(Chunk(1020, 10, true)).ok());
  EXPECT_EQ(Sending(), (std::vector<uint64_t>{1000, 1010, 1020}));
  flow_.TakeAck(Ack(1010));
  flow_.Answered(Sent());
  flow_.BeginSession();
  EXPECT_EQ(Sending(), (std::vector<uint64_t>{1010, 1020}));
  flow_.TakeAck(Ack(1030, true));
  flow_.BeginSession();
  EXPECT_TRUE(Sending().empty());
  EXPECT_TRUE(absl::IsNotFound(Add(Chunk(1030, 10))));
}

TEST_F(ChunkFlowTest, RefusesWhatDoesNotFollow) {
  EXPECT_TRUE(absl::IsNotFound(Add(Chunk(0, 10))));
  flow_.BeginDownload("c", 0);
  EXPECT_TRUE(absl::IsInvalidArgument(Add(Chunk(1, 10))));
  EXPECT_TRUE(absl::IsInvalidArgument(Add(Chunk(0, kChunkBytesMax + 1))));
  EXPECT_TRUE(Add(Chunk(0, 0, true)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Add(Chunk(0, 10))));
}

TEST_F(ChunkFlowTest, WhoWaitsForRoomIsToldThatTheBrokerGaveUp) {
  flow_.BeginDownload("c", 0);
  for (uint64_t at = 0; at < kChunkWindow; at += kChunkBytesMax) {
    ASSERT_TRUE(Add(Chunk(at, kChunkBytesMax)).ok());
  }
  absl::Status status;
  std::thread waiting(
      [&] { status = flow_.Add(Chunk(kChunkWindow, 10), absl::InfiniteDuration()); });
  EXPECT_TRUE(flow_.TakeAck(Ack(0, true)).given_up);
  waiting.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

TEST_F(ChunkFlowTest, AnUploadSaysHowFarItIsAndTakesEachByteOnce) {
  flow_.BeginUpload("c");
  EXPECT_EQ(flow_.Next()->attachment_ack().offset(), 0u);
  EXPECT_TRUE(flow_.Wants(Chunk(0, 10)));
  flow_.Took(Chunk(0, 10));
  EXPECT_FALSE(flow_.Wants(Chunk(0, 10)));
  EXPECT_FALSE(flow_.Wants(Chunk(20, 10)));
  EXPECT_EQ(flow_.Next()->attachment_ack().offset(), 10u);
  EXPECT_FALSE(flow_.Next().has_value());
  flow_.BeginSession();
  EXPECT_EQ(flow_.Next()->attachment_ack().offset(), 10u);
  flow_.Took(Chunk(10, 0, true));
  EXPECT_FALSE(flow_.Wants(Chunk(10, 0, true)));
  flow_.Answered(Sent());
  EXPECT_FALSE(flow_.Next().has_value());
  EXPECT_FALSE(flow_.TakeAck(Ack(0, true)).given_up);
}

}  // namespace
}  // namespace postern::sdk
