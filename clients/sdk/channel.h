// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "clients/sdk/backoff.h"
#include "clients/sdk/identity.h"
#include "platform/mutex.h"

namespace postern::sdk {

// Makes a TLS channel to the broker's socket: we show our certificate, and believe the pinned one
// only. Does not connect.
std::shared_ptr<grpc::Channel> MakeChannel(const Identity& identity);

// Says whether a failed call failed because something that is not the pinned broker answered.
bool IsWrongBroker(const grpc::Status& status);

// Like pause.For(longest), but brings a broken connection up meanwhile, and returns as soon as it
// is. gRPC moves a connection on only while some thread waits for it: after a plain sleep the
// handshake with a restarted broker is seen by gRPC's backup poller only, every 5 s.
bool PauseForConnection(Pause& pause, grpc::Channel& channel, absl::Duration longest);

// Cancels whatever calls run now, and those that start later: how another thread ends a blocking
// call. Thread-safe.
class Canceller {
 public:
  // While it lives, Cancel reaches 'context'.
  class Scope {
   public:
    Scope(Canceller& canceller, grpc::ClientContext& context);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Canceller& canceller_;
    grpc::ClientContext& context_;
  };

  void Cancel();

 private:
  platform::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::sdk
