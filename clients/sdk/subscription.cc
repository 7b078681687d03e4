// SPDX-License-Identifier: Apache-2.0
// One stream of events over as many connections as it takes.
//
// Next() is a small state machine that runs on the caller's thread only: no call -> starting ->
// reading
// -> finishing -> no call. gRPC's completion queue is used for one thing, a read that can time out;
// there is never more than one operation outstanding, so every completion is the one that was asked
// for.
//
// Nothing comes twice across a reconnect because each new call names the cursor of the last frame
// that arrived whole. What the app has acknowledged matters only to the next run of the app.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "clients/sdk/enroll.h"
#include "clients/sdk/erase_confirmer.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/event_stream.h"
#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

// After a crash of app or connection the broker may notice the end of the old stream a moment later
// than we are back. About two seconds of tries; then the name really is in use.
constexpr int kNameInUseTriesMax = 6;
constexpr uint32_t kProtocolMajor = 1;
// An acknowledgement that a hung broker does not take is given up: the next one covers it.
constexpr absl::Duration kAcknowledgeTimeout = absl::Seconds(5);

class EventStream final : public Subscription {
 public:
  EventStream(std::shared_ptr<ClientCore> core, SubscribeOptions options)
      : core_(std::move(core)),
        options_(std::move(options)),
        resume_cursor_(options_.cursor),
        erase_confirmer_(core_, options_),
        backoff_(core_->options.backoff),
        pause_(core_->options.wait) {}

  ~EventStream() override {
    // Who ends the stream is done with what it was handed.
    erase_confirmer_.Confirm();
    Cancel();
    if (reader_ == nullptr) return;
    if (operation_ != Operation::kNone) AwaitOperation();
    FinishCall();
  }

  absl::StatusOr<v1::Event> Next(absl::Duration timeout) override {
    const auto deadline = timeout == absl::InfiniteDuration()
                              ? std::chrono::system_clock::time_point::max()
                              : absl::ToChronoTime(absl::Now() + timeout);
    erase_confirmer_.Confirm();
    for (;;) {
      if (next_in_frame_ < frame_.events_size()) return TakeEvent();
      if (!ended_.ok()) return ended_;
      if (reader_ == nullptr) {
        if (!WaitBeforeTry(deadline)) return TimedOutOrCancelled();
        RETURN_IF_ERROR(StartCall());
      }
      if (operation_ == Operation::kNone) {
        operation_ = Operation::kRead;
        reader_->Read(&incoming_, this);
      }
      switch (Await(deadline)) {
        case Completion::kTimeout:
          return absl::DeadlineExceededError("no event in the given time");
        case Completion::kOk:
          if (std::exchange(operation_, Operation::kNone) == Operation::kRead) TakeFrame();
          break;
        case Completion::kFailed:
          operation_ = Operation::kNone;
          OnCallEnded(FinishCall());
          break;
      }
    }
  }

  absl::Status Acknowledge() override {
    if (options_.name.empty()) {
      return absl::FailedPreconditionError("an unnamed subscription keeps no acknowledged cursor");
    }
    v1::AcknowledgeRequest request;
    request.set_subscription(options_.name);
    {
      platform::MutexLock lock(mutex_);
      if (returned_cursor_.empty() || returned_cursor_ == acknowledged_cursor_) {
        return absl::OkStatus();
      }
      request.set_cursor(returned_cursor_);
    }
    RETURN_IF_ERROR(core_->ended());
    grpc::ClientContext context;
    // Not ended by Cancel: what has been dealt with may still be said on the way out.
    context.set_deadline(absl::ToChronoTime(
        absl::Now() + std::min(core_->options.call_timeout, kAcknowledgeTimeout)));
    v1::AcknowledgeResponse response;
    const absl::Status status =
        ToClientStatus(core_->stubs.event->Acknowledge(&context, request, &response));
    core_->Note(status);
    // Away for a moment: a later cursor will cover this one, and the cursor never moves back.
    if (!status.ok()) return IsRetriable(status) ? absl::OkStatus() : status;
    platform::MutexLock lock(mutex_);
    acknowledged_cursor_ = request.cursor();
    return absl::OkStatus();
  }

  std::string cursor() const override {
    platform::MutexLock lock(mutex_);
    return returned_cursor_;
  }

  void Cancel() override {
    pause_.Stop();
    canceller_.Cancel();
  }

 private:
  enum class Operation { kNone, kStart, kRead };
  enum class Completion { kOk, kFailed, kTimeout };
  using TimePoint = std::chrono::system_clock::time_point;

  // Waits out the back-off of the last failure. False when the deadline came first or it was
  // cancelled.
  bool WaitBeforeTry(TimePoint deadline) {
    if (pause_.stopped()) return false;
    while (wait_ > absl::ZeroDuration()) {
      const absl::Duration left = deadline == TimePoint::max()
                                      ? absl::InfiniteDuration()
                                      : absl::FromChrono(deadline) - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      const absl::Duration part = std::min(wait_, left);
      wait_ -= part;
      if (!PauseForConnection(pause_, *core_->stubs.channel, part)) return false;
    }
    return true;
  }

  absl::Status TimedOutOrCancelled() {
    if (!pause_.stopped()) return absl::DeadlineExceededError("no event in the given time");
    ended_ = absl::CancelledError("the subscription was cancelled");
    return ended_;
  }

  absl::Status StartCall() {
    if (ended_ = core_->ended(); !ended_.ok()) {
      erase_confirmer_.Ended(ended_, pause_);
      return ended_;
    }
    v1::SubscribeRequest request;
    request.mutable_protocol_version()->set_major(kProtocolMajor);
    request.set_subscription(options_.name);
    request.set_cursor(resume_cursor_);
    request.set_start(options_.start);
    request.set_include_own(options_.include_own);
    request.set_include_backfill(options_.include_backfill);
    context_ = std::make_unique<grpc::ClientContext>();
    cancel_scope_ = std::make_unique<Canceller::Scope>(canceller_, *context_);
    reader_ = core_->stubs.event->PrepareAsyncSubscribe(context_.get(), request, &queue_);
    operation_ = Operation::kStart;
    reader_->StartCall(this);
    return absl::OkStatus();
  }

  Completion Await(TimePoint deadline) {
    void* tag = nullptr;
    bool ok = false;
    const auto status = deadline == TimePoint::max()
                            ? (queue_.Next(&tag, &ok) ? grpc::CompletionQueue::GOT_EVENT
                                                      : grpc::CompletionQueue::SHUTDOWN)
                            : queue_.AsyncNext(&tag, &ok, deadline);
    if (status == grpc::CompletionQueue::TIMEOUT) return Completion::kTimeout;
    return status == grpc::CompletionQueue::GOT_EVENT && ok ? Completion::kOk : Completion::kFailed;
  }

  void AwaitOperation() {
    Await(TimePoint::max());
    operation_ = Operation::kNone;
  }

  grpc::Status FinishCall() {
    grpc::Status status;
    reader_->Finish(&status, this);
    Await(TimePoint::max());
    reader_.reset();
    cancel_scope_.reset();
    context_.reset();
    return status;
  }

  void TakeFrame() {
    backoff_.Reset();
    name_in_use_tries_ = 0;
    frame_.Swap(&incoming_);
    next_in_frame_ = 0;
    if (!frame_.cursor().empty()) resume_cursor_ = frame_.cursor();
    if (frame_.events().empty()) FrameIsReturned();
  }

  v1::Event TakeEvent() {
    v1::Event event = std::move(*frame_.mutable_events(next_in_frame_++));
    erase_confirmer_.Saw(event);
    if (next_in_frame_ == frame_.events_size()) FrameIsReturned();
    return event;
  }

  void FrameIsReturned() {
    if (frame_.cursor().empty()) return;
    erase_confirmer_.FrameReturned(frame_.cursor());
    platform::MutexLock lock(mutex_);
    returned_cursor_ = frame_.cursor();
  }

  void OnCallEnded(const grpc::Status& grpc_status) {
    const absl::Status status = ToClientStatus(grpc_status);
    core_->Note(status);
    const v1::ErrorReason reason = ErrorReasonOf(status);
    if (pause_.stopped()) {
      ended_ = absl::CancelledError("the subscription was cancelled");
    } else if (reason == v1::ERROR_REASON_CURSOR_TOO_OLD && ResumeAfterGap(status)) {
      wait_ = absl::ZeroDuration();
    } else if (status.ok() || IsBrokenConnection(status) ||
               (reason == v1::ERROR_REASON_SUBSCRIPTION_IN_USE &&
                ++name_in_use_tries_ <= kNameInUseTriesMax)) {
      wait_ = backoff_.Next(RetryAfterOf(status));
    } else {
      erase_confirmer_.Ended(status, pause_);
      ended_ = status;
    }
  }

  // What followed our cursor has left the log: tells the app by a Gap event, and goes on.
  bool ResumeAfterGap(const absl::Status& status) {
    const auto info = ErrorInfoOf(status);
    const auto oldest = info->metadata().find("oldest_cursor");
    if (oldest == info->metadata().end() || oldest->second.empty() ||
        oldest->second == resume_cursor_) {
      return false;
    }
    resume_cursor_ = oldest->second;
    frame_.Clear();
    frame_.set_cursor(resume_cursor_);
    frame_.add_events()->mutable_gap()->set_cause(v1::Gap::CAUSE_RETENTION);
    next_in_frame_ = 0;
    return true;
  }

  const std::shared_ptr<ClientCore> core_;  // shared with the client and other subscriptions
  const SubscribeOptions options_;

  // Used by the thread in Next only.
  std::string resume_cursor_;
  v1::SubscribeResponse incoming_;
  v1::SubscribeResponse frame_;
  int next_in_frame_ = 0;
  absl::Status ended_;
  EraseConfirmer erase_confirmer_;
  Backoff backoff_;
  absl::Duration wait_;
  int name_in_use_tries_ = 0;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<Canceller::Scope> cancel_scope_;
  std::unique_ptr<grpc::ClientAsyncReader<v1::SubscribeResponse>> reader_;
  Operation operation_ = Operation::kNone;

  // Provide their own synchronization.
  Pause pause_;
  Canceller canceller_;

  mutable platform::Mutex mutex_;
  std::string returned_cursor_ ABSL_GUARDED_BY(mutex_);
  std::string acknowledged_cursor_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Subscription> MakeSubscription(std::shared_ptr<ClientCore> core,
                                               SubscribeOptions options) {
  return std::make_unique<EventStream>(std::move(core), std::move(options));
}

}  // namespace postern::sdk
