// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/broker_link.h"

#include <absl/strings/str_cat.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "clients/assistant/log.h"
#include "clients/assistant/problem.h"
#include "clients/sdk/silence.h"

namespace postern::assistant {
namespace {

// How long a call waits for a broker or a person; clients of MCP give up after a minute.
constexpr absl::Duration kPatience = absl::Seconds(15);
constexpr absl::Duration kFirstWait = absl::Seconds(1);
constexpr absl::Duration kLongestWait = absl::Seconds(30);
// At most, where the person cannot be asked now.
constexpr absl::Duration kConsentWait = absl::Minutes(5);

constexpr char kAsking[] =
    "Postern is asking the user right now whether to allow this assistant. Tell them to look for "
    "its question, and call again.";

constexpr char kNotConnected[] =
    "This assistant cannot connect to Postern; its log says why. `postern-assistant --allow` in a "
    "terminal says it too.";

absl::Duration WaitAfter(const absl::Status& status, absl::Duration usual) {
  // Looked at again before it is over too: what is said of it must not grow old.
  if (sdk::CanBeAskedLater(status)) return std::min(kConsentWait, sdk::AskPauseOf(status));
  return usual;
}

}  // namespace

struct BrokerLink::State {
  const v1::Manifest manifest;
  sdk::ClientOptions options;
  std::once_flag begun;

  absl::Mutex mutex;
  std::shared_ptr<sdk::Client> client ABSL_GUARDED_BY(mutex);
  bool asking ABSL_GUARDED_BY(mutex) = false;
  // OK until something went wrong.
  absl::Status problem ABSL_GUARDED_BY(mutex);

  State(v1::Manifest the_manifest, sdk::ClientOptions the_options)
      : manifest(std::move(the_manifest)), options(std::move(the_options)) {
    options.on_enrollment = [this](const v1::EnrollResponse& response) {
      absl::MutexLock lock(&mutex);
      asking = response.state() == v1::EnrollResponse::STATE_PENDING;
    };
  }

  // Returns whether there is nothing left to do.
  bool Try() {
    auto connected = sdk::Client::Connect(manifest, options);
    absl::MutexLock lock(&mutex);
    asking = false;
    problem = connected.status();
    Log(absl::StrCat("event=connect outcome=", absl::StatusCodeToString(problem.code()),
                     problem.ok() ? "" : " problem=\"" + Problem(problem) + "\""));
    if (connected.ok()) client = *std::move(connected);
    return connected.ok() || IsNo(problem);
  }

  void Run() {
    for (absl::Duration wait = kFirstWait; !Try(); wait = std::min(2 * wait, kLongestWait)) {
      absl::Status last;
      {
        absl::MutexLock lock(&mutex);
        last = problem;
      }
      absl::SleepFor(WaitAfter(last, wait));
    }
  }

  bool IsSettled() const ABSL_SHARED_LOCKS_REQUIRED(mutex) {
    return client != nullptr || !problem.ok();
  }
};

BrokerLink::BrokerLink(v1::Manifest manifest, sdk::ClientOptions options)
    : state_(std::make_shared<State>(std::move(manifest), std::move(options))) {}

absl::StatusOr<std::shared_ptr<sdk::Client>> BrokerLink::Client() {
  std::call_once(state_->begun,
                 [this] { std::thread([state = state_] { state->Run(); }).detach(); });
  absl::MutexLock lock(&state_->mutex);
  state_->mutex.AwaitWithTimeout(absl::Condition(state_.get(), &State::IsSettled), kPatience);
  if (state_->client != nullptr) return state_->client;
  if (state_->asking) return absl::FailedPreconditionError(kAsking);
  // What has no reason names files of this user, which are nothing for a model.
  const bool has_reason = sdk::ErrorReasonOf(state_->problem) != v1::ERROR_REASON_UNSPECIFIED;
  if (has_reason || absl::IsUnavailable(state_->problem)) return state_->problem;
  if (!state_->problem.ok()) return absl::FailedPreconditionError(kNotConnected);
  return absl::UnavailableError("");
}

}  // namespace postern::assistant
