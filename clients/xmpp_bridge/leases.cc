// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/leases.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <chrono>

#include "clients/sdk/grants.h"
#include "clients/sdk/stubs.h"

namespace postern::xmpp_bridge {
namespace {

constexpr auto kCallTimeout = std::chrono::seconds(20);
// Between two tries to reach a broker that is away.
constexpr absl::Duration kPause = absl::Seconds(1);

}  // namespace

absl::Status StatusOfCall(const grpc::Status& status) {
  absl::Status said = sdk::ToStatus(status);
  if (said.ok() || sdk::ErrorReasonOf(said) != v1::ERROR_REASON_UNSPECIFIED) return said;
  return absl::UnavailableError(said.message());
}

Leases::Leases(sdk::Client& client, std::function<void(const std::string&)> log)
    : client_(client), log_(std::move(log)) {}

Leases::~Leases() { Stop(); }

void Leases::Start() {
  thread_ = std::thread([this] { Follow(); });
}

void Leases::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->TryCancel();
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<bool> Leases::Held(const std::string& chat_id) {
  {
    absl::MutexLock lock(&mutex_);
    wanted_.insert(chat_id);
    if (held_.contains(chat_id)) return !awaited_.contains(chat_id);
  }
  const absl::StatusOr<bool> held = Acquire(chat_id);
  if (!held.ok() || !*held) return held;
  absl::MutexLock lock(&mutex_);
  return !awaited_.contains(chat_id);
}

void Leases::CameToUs(const std::string& chat_id) {
  absl::MutexLock lock(&mutex_);
  ++came_;
  if (awaited_.erase(chat_id) != 0) log_("took over a chat from another bridge");
}

absl::StatusOr<bool> Leases::Acquire(const std::string& chat_id) {
  const uint64_t came_before = [this] {
    absl::MutexLock lock(&mutex_);
    return came_;
  }();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  v1::AcquireLeaseRequest request;
  request.set_request_id(absl::StrCat("lease-", chat_id));
  request.set_chat_id(chat_id);
  request.set_target_network(kTargetNetwork);
  v1::AcquireLeaseResponse response;
  const absl::Status said =
      StatusOfCall(client_.stubs().forward->AcquireLease(&context, request, &response));
  if (!said.ok()) {
    if (sdk::IsRetriable(said) || sdk::AccessRests(said)) return said;
    absl::MutexLock lock(&mutex_);
    if (refused_.insert(chat_id).second) {
      log_(absl::StrCat("a chat is not forwarded: ", said.message()));
    }
    return false;
  }
  absl::MutexLock lock(&mutex_);
  refused_.erase(chat_id);
  if (response.lease().held()) {
    held_.insert(chat_id);
  } else if (came_ == came_before && awaited_.insert(chat_id).second) {
    log_("another bridge forwards a chat; this one stands by");
  }
  return response.lease().held();
}

void Leases::Follow() {
  for (bool connected_before = false;; connected_before = true) {
    grpc::ClientContext context;
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return;
      stream_ = &context;
    }
    auto reader = client_.stubs().forward->WatchLeases(&context, v1::WatchLeasesRequest());
    v1::WatchLeasesResponse response;
    bool first = true;
    while (reader->Read(&response)) {
      std::set<std::string> again;
      {
        absl::MutexLock lock(&mutex_);
        held_.clear();
        for (const auto& lease : response.leases()) {
          if (lease.held() && lease.target_network() == kTargetNetwork) {
            held_.insert(lease.chat_id());
          }
        }
        if (first) again = wanted_;
      }
      // The connection is new: leases end with the one that they were taken over. What is free then
      // was nobody's for a while, and may not have been told by anybody.
      first = false;
      for (const auto& chat : again) {
        const auto held = Acquire(chat);
        if (connected_before && held.ok() && *held) CameToUs(chat);
      }
    }
    reader->Finish();
    absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
    held_.clear();
    const absl::Time until = absl::Now() + kPause;
    while (!stopping_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
    if (stopping_) return;
  }
}

}  // namespace postern::xmpp_bridge
