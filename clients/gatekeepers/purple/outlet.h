// SPDX-License-Identifier: GPL-3.0-or-later
// Where the adapter hands over what libpurple told it. The plugin's outlet is the link to the
// broker; tests have one that writes to a file.
#pragma once

#include <absl/status/status.h>

#include <span>
#include <string>

#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

// Called on libpurple's one thread. Must not wait for the network or the broker.
class Outlet {
 public:
  virtual ~Outlet() = default;

  // Takes 'event' for good: OK means that it will reach the broker whatever crashes. Any other
  // status means that it was not taken. 'command_id' names the command that caused it, if one did.
  virtual absl::Status Submit(const v1::Event& event, const std::string& command_id = {}) = 0;
  // Answers a command; 'events' are what it made, taken for good together with the answer.
  virtual absl::Status Answer(const v1::CommandResult& result,
                              std::span<const v1::Event> events) = 0;
  // Takes the next bytes of a DownloadCommand. UNAVAILABLE: no room now, the same once more later.
  virtual absl::Status SendChunk(const v1::AttachmentChunk& chunk) = 0;
};

}  // namespace postern::purple
