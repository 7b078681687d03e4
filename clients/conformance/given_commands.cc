// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/given_commands.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace postern::conformance {

void GivenCommands::Give(v1::Command& command) {
  if (command.command_id().empty()) {
    command.set_command_id(absl::StrCat("conformance-", ++ids_));
  }
  Commanded commanded;
  commanded.offset = command.download().offset();
  commands_[command.command_id()] = std::move(commanded);
}

void GivenCommands::TakeResult(const v1::CommandResult& result, Breaches& breaches) {
  const auto commanded = commands_.find(result.command_id());
  if (commanded == commands_.end()) {
    breaches.Add("it answers a command that it was not given");
    return;
  }
  if (result.state() == v1::CommandResult::STATE_UNSPECIFIED) {
    breaches.Add("a result has no state");
  }
  if (result.state() != v1::CommandResult::STATE_PENDING) commanded->second.final = result;
}

std::optional<v1::AttachmentAck> GivenCommands::TakeChunk(const v1::AttachmentChunk& chunk,
                                                          Breaches& breaches) {
  const auto commanded = commands_.find(chunk.command_id());
  if (commanded == commands_.end()) {
    breaches.Add("it sends bytes that nobody asked for");
    return std::nullopt;
  }
  Commanded& download = commanded->second;
  if (chunk.data().size() > kChunkBytesMax) breaches.Add("a chunk is larger than 64 KiB");
  const uint64_t have = download.offset + download.bytes.size();
  if (chunk.offset() > have) {
    breaches.Add("a chunk does not begin where the last one ended");
    return std::nullopt;
  }
  // After a cut what is here already may come again.
  if (chunk.offset() == have && !download.last) {
    download.bytes += chunk.data();
    download.last = chunk.last();
  }
  v1::AttachmentAck ack;
  ack.set_command_id(chunk.command_id());
  ack.set_offset(download.offset + download.bytes.size());
  ack.set_ended(download.last);
  return ack;
}

void GivenCommands::TakeAck(const v1::AttachmentAck& ack, Breaches& breaches) {
  const auto commanded = commands_.find(ack.command_id());
  if (commanded == commands_.end()) {
    breaches.Add("it confirms bytes that it was not sent");
    return;
  }
  Commanded& upload = commanded->second;
  upload.begun = true;
  upload.ended = upload.ended || ack.ended();
  upload.acked = std::max(upload.acked, ack.offset());
}

}  // namespace postern::conformance
