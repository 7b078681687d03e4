// SPDX-License-Identifier: Apache-2.0
// A gatekeeper adapter's connection to the broker: what it submits is safe once submitted, what the
// broker asks for is done once.
//
// Performance
//   Submit commits to an encrypted file (one fsync, a few milliseconds on a slow disk; threads that
//   submit together share one). SubmitAll commits many events at once: use it for imports. Neither
//   waits for the network or the broker, so a client's one event loop may call them.
//
// Thread safety
//   Thread-safe. 'on_command' and the other callbacks may call Submit and Answer.
//
// Background threads
//   "postern-link" connects, enrols, receives; "postern-link-tx" sends; "postern-commands" calls
//   'on_command' and 'on_chunk', one at a time, in the order they came.
//
// Error handling
//   The link reconnects with back-off for as long as it lives, but for two ends: the owner refused
//   or revoked it, or another adapter serves the account; then 'on_state' says kEnded with the
//   reason, and events keep going to the spool until it is full.
//
// Example
//   auto link = GatekeeperLink::Open(manifest, hello, {.secret_store = &secrets},
//                                    {.on_command = [&](const v1::Command& c) { queue.Push(c); }});
//   if (!link.ok()) return Fail(link.status());
//   ...
//   (*link)->Submit(event);                       // on any thread
//   (*link)->Answer(result, {created_event});     // when the command has been carried out
//
// Files
//   A DownloadCommand is carried out by SendChunk, from the offset it names, until 'last', and then
//   Answer. For an UploadCommand the bytes come to 'on_chunk', each once and in order; after the
//   last of them Answer, with 'attachment_id' set to what the network calls the file. Broken
//   connections are the link's affair. When the adapter restarts, what ran is over: the broker asks
//   anew, a download from where it stopped.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "clients/sdk/errors.h"
#include "clients/sdk/manifest.h"
#include "clients/sdk/options.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::platform {
class SecretStore;
}

namespace postern::sdk {

// Where a link stands.
enum class LinkState {
  kConnecting,  // no broker yet, or waiting for the next try
  kEnrolling,   // the owner is being asked
  kAttached,    // events flow
  kEnded,       // for good, see the status
};

struct GatekeeperOptions {
  ClientOptions client{};
  // Holds the spool's key under "spool-key:<app_id>". Required; must outlive Open, and is not used
  // later.
  platform::SecretStore* secret_store = nullptr;
  // The spool's file. Empty: spool.db in the client's state directory.
  std::string spool_path{};
  // Most bytes of events that may wait for the broker; beyond, Submit answers RESOURCE_EXHAUSTED.
  uint64_t spool_bytes_max = 1024u * 1024 * 1024;
};

struct GatekeeperCallbacks {
  // Carries a command out, then or later, and has it answered with GatekeeperLink::Answer. Called
  // once for each command id, ever, across restarts; again only after STATE_FAILED_RETRIABLE.
  std::function<void(const v1::Command&)> on_command{};
  // Brings the bytes of an UploadCommand, at most 64 KiB at a time. When it returns they count as
  // taken; the broker stays at most 1 MiB ahead, so to wait in here is to slow it down (and every
  // later command). Empty: uploads are refused.
  std::function<void(const v1::AttachmentChunk&)> on_chunk{};
  // A SendChunk that was refused for want of room would now be taken. May be empty.
  std::function<void(const std::string& command_id)> on_room{};
  // The broker gave a download or an upload up: no more bytes of it are wanted, or come. Answer the
  // command all the same. May be empty.
  std::function<void(const std::string& command_id)> on_transfer_ended{};
  // Told when the link's state changes, on its threads. May be empty.
  std::function<void(LinkState, const absl::Status&)> on_state{};
  // Who can see a chat, for the client to show. After each attach all chats that some app can see
  // are told of anew; of any other chat, what was told before no longer holds. May be empty.
  std::function<void(const v1::Disclosure&)> on_disclosure{};
  // Everything up to this position is durable at the broker. May be empty.
  std::function<void(uint64_t position)> on_durable{};
  // The broker refused an event for good. May be empty.
  std::function<void(const v1::RefusedEvent&)> on_refused{};
};

class GatekeeperLink {
 public:
  // Opens the spool and starts connecting; does not wait for the broker. 'hello' needs the
  // account's id and network; version and last position are filled in.
  //
  // UNAVAILABLE while the keyring is locked or there is none: wait and call again, nothing was
  // made. FAILED_PRECONDITION when a spool exists but its key does not (the spool is left alone),
  // when the key does not open it, or another process has it open. INVALID_ARGUMENT for a bad
  // manifest or hello.
  static absl::StatusOr<std::unique_ptr<GatekeeperLink>> Open(const v1::Manifest& manifest,
                                                              v1::AttachHello hello,
                                                              GatekeeperOptions options,
                                                              GatekeeperCallbacks callbacks);
  // Stops the threads. What is in the spool is sent by the next run.
  virtual ~GatekeeperLink() = default;

  // Puts an event into the spool and returns its position: from then on it reaches the broker,
  // once, whatever crashes. 'command_id' names the command that caused it, if one did.
  // RESOURCE_EXHAUSTED when the spool is full, INVALID_ARGUMENT when the event alone is larger than
  // a batch may be, UNAVAILABLE when the disk refused; the event was then not taken.
  virtual absl::StatusOr<uint64_t> Submit(const v1::Event& event,
                                          const std::string& command_id = {}) = 0;
  // All of 'events' or none, in one commit; their positions follow one another. Returns the
  // position of the last; 0 when there are none. 'bookmark', when not empty, is stored in the same
  // commit: the network's own cursor, or whatever tells the adapter after a crash what it has
  // submitted.
  virtual absl::StatusOr<uint64_t> SubmitAll(std::span<const v1::Event> events,
                                             const std::string& bookmark = {}) = 0;
  // The last bookmark stored; empty when there is none.
  virtual std::string bookmark() const = 0;

  // Answers a command; 'events' (what it made) go into the spool under its id in the same commit.
  // After STATE_PENDING a second answer follows. Survives a crash: an answer is given again when
  // the broker asks again. NOT_FOUND for a command that was never given; FAILED_PRECONDITION when
  // it has its final answer already.
  virtual absl::Status Answer(const v1::CommandResult& result,
                              std::span<const v1::Event> events = {}) = 0;

  // Sends the next bytes of a DownloadCommand: at most 64 KiB, each chunk where the one before it
  // ended, 'last' with the last. They are kept (at most 1 MiB of each download) until the broker
  // has them, whatever becomes of the connection. Waits for room up to 'wait'; ZeroDuration never
  // waits, for clients with one event loop: UNAVAILABLE then, and on_room when there is room.
  // CANCELLED: the broker wants no more of it. NOT_FOUND: no such download runs (it was answered).
  // INVALID_ARGUMENT: too large, or not the next. Do not wait inside 'on_room' or
  // 'on_transfer_ended'.
  virtual absl::Status SendChunk(const v1::AttachmentChunk& chunk,
                                 absl::Duration wait = absl::InfiniteDuration()) = 0;

  // Reports that a person said, by the client's own means, that apps must not read what they write
  // (or takes that back). Not kept in the spool: UNAVAILABLE while the link is not attached, and
  // when it breaks in this very moment nobody knows; say it again after the next attach.
  virtual absl::Status Report(const v1::Objection& objection) = 0;

  // The last position given to an event; 0 when none ever was.
  virtual uint64_t last_position() const = 0;
  // Everything up to here is durable at the broker, as far as this adapter was told.
  virtual uint64_t durable_position() const = 0;
  // Waits until everything submitted so far is durable at the broker, the link has ended (its
  // status), or 'timeout' has passed (DEADLINE_EXCEEDED).
  virtual absl::Status WaitUntilDurable(absl::Duration timeout) = 0;
};

}  // namespace postern::sdk
