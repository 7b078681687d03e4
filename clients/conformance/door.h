// SPDX-License-Identifier: Apache-2.0
// The broker's side of the gatekeeper contract, and nothing else of a broker: lets one adapter in,
// remembers what it says as it said it, and has it do things. There is no log, no app and no grant
// behind it, so nobody needs to be asked.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <vector>

#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::conformance {

// An event as the adapter sent it.
struct TakenEvent {
  uint64_t position = 0;
  v1::Event event;
  std::string command_id;
};

// A file that is to be uploaded.
struct OfferedFile {
  v1::Attachment description;
  std::string bytes;
};

// Thread-safe.
class Door {
 public:
  // Listens where an adapter looks under the environment that EnvironmentFor gives; 'folder' is
  // there, empty and private. UNAVAILABLE when it cannot listen.
  static absl::StatusOr<std::unique_ptr<Door>> Open(const std::string& folder);
  static std::vector<std::string> EnvironmentFor(const std::string& folder);
  virtual ~Door() = default;

  // Waits until an adapter has said hello, for the 'count'th time. False when it did not in time.
  virtual bool WaitForHello(int count, absl::Duration timeout) = 0;
  virtual v1::AttachHello hello() const = 0;
  virtual int hellos() const = 0;

  // How many events have come; what came after the first 'after'.
  virtual size_t event_count() const = 0;
  virtual std::vector<TakenEvent> EventsAfter(size_t after) const = 0;
  // Waits for more than 'count' events, at most so long.
  virtual void WaitForMore(size_t count, absl::Duration timeout) = 0;

  // Has a command carried out and waits for its last result. Gives it an id when it has none.
  // DEADLINE_EXCEEDED when no result came, UNAVAILABLE without an adapter.
  virtual absl::StatusOr<v1::CommandResult> Run(v1::Command command, absl::Duration timeout) = 0;
  // Fetches a file's bytes from 'offset' on. FAILED_PRECONDITION with the adapter's reason when it
  // refused.
  virtual absl::StatusOr<std::string> Download(const std::string& attachment_id, uint64_t offset,
                                               absl::Duration timeout) = 0;
  // Sends a file to the adapter.
  virtual absl::StatusOr<v1::CommandResult> Upload(const std::string& chat_id,
                                                   const OfferedFile& file,
                                                   absl::Duration timeout) = 0;

  // Cuts the connection: what has not been acknowledged has to come again.
  virtual void Cut() = 0;
  // From now on nothing is acknowledged, or all again.
  virtual void HoldAcks(bool hold) = 0;

  // What the adapter did against the contract, one sentence each: positions that do not grow, an
  // event nobody can read, an answer to what was not asked.
  virtual std::vector<std::string> breaches() const = 0;
};

}  // namespace postern::conformance
