// SPDX-License-Identifier: Apache-2.0
// The commands that an adapter was given, and what has come of each: its result, and how far its
// bytes are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "clients/conformance/breaches.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::conformance {

// The contract's own number.
inline constexpr size_t kChunkBytesMax = 64 * 1024;

// What has come of a command.
struct Commanded {
  std::optional<v1::CommandResult> final;
  // Of a download.
  std::string bytes;
  uint64_t offset = 0;
  bool last = false;
  // Of an upload.
  bool begun = false;
  bool ended = false;
  uint64_t acked = 0;
};

// Not thread-safe.
class GivenCommands {
 public:
  // Names the command when it has no name, and expects its answer.
  void Give(v1::Command& command);

  void TakeResult(const v1::CommandResult& result, Breaches& breaches);
  // Bytes of a download. What is to be answered; nothing to bytes that are against the contract.
  std::optional<v1::AttachmentAck> TakeChunk(const v1::AttachmentChunk& chunk, Breaches& breaches);
  // Of an upload.
  void TakeAck(const v1::AttachmentAck& ack, Breaches& breaches);

  // Nothing has come of what was not given.
  const Commanded& of(const std::string& command_id) { return commands_[command_id]; }

 private:
  std::map<std::string, Commanded> commands_;
  uint64_t ids_ = 0;
};

}  // namespace postern::conformance
