// SPDX-License-Identifier: Apache-2.0
// Stops 4 to 6 of an event's path: one app's stream. Reads on from its cursor, filters by the
// grants as they are at that moment, writes a frame.
//
// The problem: a stream that is fast when the app is, costs no memory when the app is slow, and
// stops at the very next event when the user says so. The shape of the answer: the log is the queue
// and a stream is a position in it. A frame holds what gathered while the write before it was under
// way, so batching costs no delay and a slow app only lags. What looks wrong and is not: every
// event of every app is decided again here, although most answers repeat. It is what lets a
// revocation be exact, and decisions are cheaper than the encryption of the bytes they let through.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/caller.h"
#include "broker/event_view.h"
#include "broker/live_streams.h"
#include "broker/log_record.h"
#include "broker/parts.h"
#include "broker/pseudonym_book.h"
#include "postern/v1/event_service.pb.h"

namespace postern::broker {

// Used by one thread, the handler's.
class Subscription {
 public:
  // Writes a frame; false when the connection is gone.
  using Write = absl::FunctionRef<bool(const v1::SubscribeResponse&)>;

  Subscription(const Parts& parts, const Caller& caller, const v1::SubscribeRequest& request,
               grpc::ServerContext* context);

  // Runs until the stream ends and says why. Refuses a bad request, an unusable cursor, a name in
  // use and an app without any live scope before anything is written.
  absl::Status Run(Write write);

 private:
  // Where to start. OUT_OF_RANGE CURSOR_TOO_OLD, INVALID_ARGUMENT INVALID_CURSOR.
  absl::StatusOr<Sequence> StartPosition();
  absl::StatusOr<Sequence> NewPosition();
  // OK while a grant in force opens something to a stream.
  absl::Status CheckStanding();
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED when the app has read its bytes of the day.
  absl::Status CheckReadBudget() const;
  // Whether an app brought this here from a network that the reader would pass it on to, by the
  // leases it holds or stands by for: a bridge is not handed what came over another one.
  absl::StatusOr<bool> WouldGoBack(const LogRecord& record) const;
  // Reads on and fills 'frame' with what the app may see, moving position_ past all that it looked
  // at.
  absl::Status FillFrame(v1::SubscribeResponse& frame);
  absl::Status AddRecord(const LogRecord& record, const Viewer& viewer,
                         v1::SubscribeResponse& frame, size_t& bytes);
  void AddGap(uint64_t count, v1::SubscribeResponse& frame);
  // Notes an event of the frame at hand for the access history.
  void AddReading(permissions::ChatId chat, v1::AccessVerb verb);
  // Writes 'frame' unless the grants changed since it was filled; then fills again from 'start'.
  absl::Status WriteFrame(v1::SubscribeResponse& frame, Write write);
  void WaitForMore(uint64_t seen_wakes);
  std::string Cursor() const;

  const Parts& parts_;
  const Caller& caller_;
  const v1::SubscribeRequest& request_;
  grpc::ServerContext* const context_;
  const PseudonymBook::Page& page_;

  std::unique_ptr<LiveStream> stream_;
  // What the frame at hand was decided by.
  uint64_t epoch_ = 0;
  AppPointer app_;
  absl::Time checked_at_;
  Sequence position_ = 0;
  // The position of the last frame that was written; nothing before the first.
  std::optional<Sequence> written_;
  // What the frame at hand holds; counted once it is written.
  std::vector<AccessHistory::Reading> readings_;
  // Which of its events ask the app to erase something.
  std::vector<Sequence> asks_;
  // Records that retention passed over and this app would have seen, not yet told of.
  uint64_t lost_ = 0;
};

}  // namespace postern::broker
