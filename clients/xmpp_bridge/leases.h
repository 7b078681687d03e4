// SPDX-License-Identifier: Apache-2.0
// Which chats this bridge may forward. One bridge a chat and network: another one stands by, and
// gets the lease when this one's connection to Postern ends.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <grpcpp/client_context.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "clients/sdk/client.h"

namespace postern::xmpp_bridge {

inline constexpr char kTargetNetwork[] = "xmpp";

// The status of a call that is made without the client's retries: UNAVAILABLE also when the
// connection broke or the time ran out, for every refusal of Postern carries a reason.
absl::Status StatusOfCall(const grpc::Status& status);

// Thread-safe.
class Leases {
 public:
  // 'log' gets one line for people when a chat cannot be forwarded, when another bridge has it, and
  // when it comes to this one after all. Both outlive this.
  Leases(sdk::Client& client, std::function<void(const std::string&)> log);
  ~Leases();

  // Follows the leases from here on, and takes them anew when the connection was lost.
  void Start();
  void Stop();
  // Whether this bridge forwards the chat now; asks for the lease when it does not know. False:
  // another bridge does, or the user does not want it. UNAVAILABLE while Postern is away,
  // LIMIT_EXCEEDED when it was asked too often for the moment, GRANT_SUSPENDED while the access is:
  // what is for this chat must wait then, and not be passed over.
  // Of a chat that was another bridge's it says false until CameToUs: what is read before that was
  // said while the other had it.
  absl::StatusOr<bool> Held(const std::string& chat_id);
  // The events have come to where the chat became this bridge's.
  void CameToUs(const std::string& chat_id);

 private:
  void Follow();
  absl::StatusOr<bool> Acquire(const std::string& chat_id);

  sdk::Client& client_;
  const std::function<void(const std::string&)> log_;
  std::thread thread_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::set<std::string> held_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> wanted_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> refused_ ABSL_GUARDED_BY(mutex_);
  // How often a chat came to this bridge: what was answered before the last time is out of date.
  uint64_t came_ ABSL_GUARDED_BY(mutex_) = 0;
  // Another bridge's, as far as the events have been read.
  std::set<std::string> awaited_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::xmpp_bridge
