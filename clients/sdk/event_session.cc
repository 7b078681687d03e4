// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "clients/sdk/errors.h"
#include "clients/sdk/event_stream.h"

namespace postern::sdk {
namespace {

// Acknowledgements of a busy stream are gathered for so long: what a crash of the app would have it
// handle twice, against a call to the broker for every frame.
constexpr absl::Duration kAcknowledgeEvery = absl::Milliseconds(50);

class ThreadedSession final : public EventSession {
 public:
  ThreadedSession(std::unique_ptr<Subscription> subscription, Handler handler, EndHandler on_end,
                  AcknowledgeMode mode)
      : subscription_(std::move(subscription)),
        handler_(std::move(handler)),
        on_end_(std::move(on_end)),
        mode_(mode),
        thread_([this] { Loop(); }) {}

  ~ThreadedSession() override {
    subscription_->Cancel();
    thread_.join();
  }

  absl::Status Acknowledge() override { return subscription_->Acknowledge(); }
  void Cancel() override { subscription_->Cancel(); }

 private:
  void Loop() {
    ::pthread_setname_np(::pthread_self(), "postern-events");
    absl::Status end;
    bool unacknowledged = false;
    absl::Time acknowledge_time;
    while (end.ok()) {
      // While something waits to be acknowledged, wake up to do it; else sleep as long as it takes.
      const absl::Duration timeout =
          unacknowledged ? std::max(acknowledge_time - absl::Now(), absl::ZeroDuration())
                         : absl::InfiniteDuration();
      const absl::StatusOr<v1::Event> event = subscription_->Next(timeout);
      if (event.ok()) {
        handler_(*event);
        if (mode_ == AcknowledgeMode::kAfterHandler && !unacknowledged) {
          unacknowledged = true;
          acknowledge_time = absl::Now() + kAcknowledgeEvery;
        }
      } else if (!unacknowledged || !absl::IsDeadlineExceeded(event.status()) ||
                 ErrorReasonOf(event.status()) != v1::ERROR_REASON_UNSPECIFIED) {
        end = event.status();
      }
      if (end.ok() && unacknowledged && absl::Now() >= acknowledge_time) {
        unacknowledged = false;
        end = subscription_->Acknowledge();
      }
    }
    if (unacknowledged && absl::IsCancelled(end)) subscription_->Acknowledge().IgnoreError();
    if (on_end_) on_end_(end);
  }

  const std::unique_ptr<Subscription> subscription_;
  const Handler handler_;
  const EndHandler on_end_;
  const AcknowledgeMode mode_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<EventSession> MakeEventSession(std::unique_ptr<Subscription> subscription,
                                               EventSession::Handler handler,
                                               EventSession::EndHandler on_end,
                                               AcknowledgeMode mode) {
  return std::make_unique<ThreadedSession>(std::move(subscription), std::move(handler),
                                           std::move(on_end), mode);
}

}  // namespace postern::sdk
