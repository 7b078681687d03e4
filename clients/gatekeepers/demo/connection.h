// SPDX-License-Identifier: Apache-2.0
// AliceChat's link to the broker, with what it does there: commands are carried out, bytes go both
// ways, and the link can be cut and made anew, as a client that loses its network does.
#pragma once

#include <absl/status/status.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "clients/gatekeepers/demo/alice_chat.h"
#include "clients/sdk/gatekeeper_link.h"
#include "platform/mutex.h"

namespace postern::demo {

// Downloads that wait for their turn; beyond, an app is told to try again.
inline constexpr size_t kDownloadsMax = 64;

class Connection {
 public:
  struct Parts {
    AliceChat& alice;
    Files& files;
    Faults& faults;
    // Shows a line of AliceChat.
    std::function<void(const std::string&)> show;
    // Says something to whoever runs the program.
    std::function<void(const std::string&)> say;
    // Shows what an app made happen, field by field. May be empty.
    std::function<void(const v1::Event&)> show_event = nullptr;
  };
  // 'callbacks' are what the caller wants to hear; commands and bytes are the connection's.
  Connection(Parts parts, v1::Manifest manifest, v1::AttachHello hello,
             sdk::GatekeeperOptions options, sdk::GatekeeperCallbacks callbacks);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Errors as GatekeeperLink::Open.
  absl::Status Open();
  // Cuts the link and opens it again: what was being carried out is then UNKNOWN, what was
  // submitted is not lost.
  absl::Status Reopen();
  // Once open; the reference holds until the next Reopen, which is for the same thread to call.
  sdk::GatekeeperLink& link() { return *link_; }

 private:
  void Carry(const v1::Command& command);
  void Take(const v1::AttachmentChunk& chunk);
  void TransferEnded(const std::string& command_id);
  void Answer(const Outcome& outcome);
  void SendDownloads();
  void Send(const v1::Command& command);
  // The link, once it is there.
  sdk::GatekeeperLink& WaitForLink();
  void Close();

  const Parts parts_;
  const v1::Manifest manifest_;
  const v1::AttachHello hello_;
  const sdk::GatekeeperOptions options_;
  sdk::GatekeeperCallbacks callbacks_;
  std::unique_ptr<sdk::GatekeeperLink> link_;

  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  // The same link, for its own threads: they begin before Open returns, and end with it.
  sdk::GatekeeperLink* current_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, v1::Command> uploads_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::Command> downloads_ ABSL_GUARDED_BY(mutex_);
  std::thread download_thread_;
  uint64_t commands_ = 0;  // on the link's one thread that gives them
};

}  // namespace postern::demo
