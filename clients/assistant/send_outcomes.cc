// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/send_outcomes.h"

#include <absl/time/clock.h>

namespace postern::assistant {
namespace {

// More than a person answers in a day.
constexpr size_t kRequestsMax = 200;
// The user has ten minutes to answer; a network that is away may take longer, and is not waited
// for.
constexpr absl::Duration kListenAtMost = absl::Minutes(15);
constexpr absl::Duration kUpWithin = absl::Seconds(10);
constexpr absl::Duration kLook = absl::Seconds(1);

}  // namespace

SendOutcomes::~SendOutcomes() {
  absl::MutexLock lock(&listening_);
  if (events_ != nullptr) events_->Cancel();
  if (listener_.joinable()) listener_.join();
}

bool SendOutcomes::SomeWait() const {
  for (const auto& [id, request] : requests_) {
    if (!request.end.has_value() && request.give_up_time > absl::Now()) return true;
  }
  return false;
}

absl::Status SendOutcomes::Expect(std::shared_ptr<sdk::Client> client,
                                  const std::string& request_id) {
  absl::MutexLock listening(&listening_);
  bool listen = false;
  {
    absl::MutexLock lock(&mutex_);
    std::erase_if(requests_, [](const auto& one) { return one.second.give_up_time < absl::Now(); });
    if (requests_.size() >= kRequestsMax) {
      return absl::ResourceExhaustedError(
          "Too many messages wait for the user's word. Try again when they have answered some.");
    }
    // One that is asked for again has ended already, or will end once.
    requests_.try_emplace(request_id, Request{absl::Now() + kListenAtMost, std::nullopt});
    // From here on the thread that follows does not end.
    listen = !follows_;
    follows_ = true;
  }
  if (!listen) return absl::OkStatus();
  if (listener_.joinable()) listener_.join();
  client_ = std::move(client);
  events_ = client_->Subscribe({.name = ""});
  // Until the stream lives: what ends before would not be heard.
  const absl::Time deadline = absl::Now() + kUpWithin;
  absl::Status status;
  while (events_->cursor().empty() && absl::Now() < deadline) {
    const auto event = events_->Next(absl::Milliseconds(50));
    if (event.ok()) Take(*event);
    if (!event.ok() && !absl::IsDeadlineExceeded(event.status())) {
      status = event.status();
      break;
    }
  }
  if (!status.ok() || events_->cursor().empty()) {
    absl::MutexLock lock(&mutex_);
    follows_ = false;
    requests_.erase(request_id);
    // Unread, it would stay open.
    events_->Cancel();
    return status.ok() ? absl::UnavailableError("") : status;
  }
  listener_ = std::thread([this, events = events_] {
    for (;;) {
      const auto event = events->Next(kLook);
      if (event.ok()) Take(*event);
      absl::MutexLock lock(&mutex_);
      if (event.ok() || (absl::IsDeadlineExceeded(event.status()) && SomeWait())) continue;
      follows_ = false;
      events->Cancel();
      return;
    }
  });
  return absl::OkStatus();
}

void SendOutcomes::Take(const v1::Event& event) {
  if (!event.has_request_completed()) return;
  absl::MutexLock lock(&mutex_);
  const auto found = requests_.find(event.request_completed().request_id());
  if (found != requests_.end()) found->second.end = event.request_completed();
}

void SendOutcomes::Forget(const std::string& request_id) {
  absl::MutexLock lock(&mutex_);
  requests_.erase(request_id);
}

absl::StatusOr<std::optional<v1::RequestCompleted>> SendOutcomes::Wait(
    const std::string& request_id, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  absl::MutexLock lock(&mutex_);
  const auto settled = [this, &request_id]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    const auto found = requests_.find(request_id);
    return found == requests_.end() || found->second.end.has_value();
  };
  mutex_.AwaitWithDeadline(absl::Condition(&settled), deadline);
  const auto found = requests_.find(request_id);
  if (found == requests_.end()) {
    return absl::NotFoundError(
        "This assistant knows of no such request; it may have been started anew since. "
        "list_messages "
        "shows whether the message is in the chat.");
  }
  return found->second.end;
}

}  // namespace postern::assistant
