// SPDX-License-Identifier: Apache-2.0
// Forward leases: for each chat and target network one app at a time may pass messages on, so that
// two bridges side by side do not both carry each message, and a ring of them is cut open. Who asks
// later stands by and follows in that order.
//
// A lease is worth as much as the connection of its holder, so nothing of this is stored: after a
// restart the apps connect and ask again.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/caller.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe.
class LeaseTable {
 public:
  // What it is made of; all must outlive it. 'is_open' tells whether a connection is still there.
  struct World {
    AppRegistry& apps;
    const Directory& directory;
    EventLog& log;
    const platform::Clock& clock;
    std::function<bool(ConnectionId)> is_open;
  };
  explicit LeaseTable(World world);
  // Stops.
  ~LeaseTable();
  LeaseTable(const LeaseTable&) = delete;
  LeaseTable& operator=(const LeaseTable&) = delete;

  // Tells nobody any more. Calling it again does nothing.
  void Stop();

  // Takes the lease for the caller's connection, or puts the caller in line; an app that has it, or
  // stands in line, keeps its place. Returns whether it holds it now. The caller has checked that
  // `forward` is open. ABORTED REQUEST_ID_CONFLICT when the id came with another request;
  // RESOURCE_EXHAUSTED LIMIT_EXCEEDED with too many leases, of this app or for this chat.
  absl::StatusOr<bool> Acquire(const Caller& caller, permissions::ChatId chat,
                               const std::string& network, const std::string& request_id);
  // Gives it back, or leaves the line. NOT_FOUND when the app has no part in it; the same request
  // id again is OK and does nothing.
  absl::Status Release(const Caller& caller, permissions::ChatId chat, const std::string& network,
                       const std::string& request_id);
  // Ends what hangs on the connection. Only notes: it may be called where nobody may wait.
  void ConnectionClosed(ConnectionId connection);

  struct Lease {
    permissions::ChatId chat;
    std::string network;
    permissions::Principal holder;
  };
  // All that are held, in a stable order.
  std::vector<Lease> All() const;
  // The networks towards which the app holds a lease of the chat, or stands by for one.
  std::vector<std::string> TargetsOf(const permissions::Principal& app,
                                     permissions::ChatId chat) const;

  // Grows with every change of a holder.
  uint64_t changes() const;
  // Blocks until changes() is not 'seen', somebody wakes all, or 'timeout' passes.
  void WaitForChange(uint64_t seen, absl::Duration timeout) const;
  void WakeAll();

 private:
  using Key = std::pair<permissions::ChatId, std::string>;
  struct Place {
    permissions::Principal app;
    ConnectionId connection;
  };
  // What a request id was used for.
  struct Request {
    std::string id;
    Key key;
    bool acquires = false;
  };
  struct App {
    // Its places, by chat.
    absl::flat_hash_map<permissions::ChatId, std::vector<std::string>> targets;
    size_t places = 0;
    // Oldest first, at most kLeaseRequestsMax.
    std::deque<Request> requests;
  };

  void Loop();
  // Takes places out that 'is_over' names; who is first then holds the lease.
  void End(const std::function<bool(const Key&, const Place&)>& is_over)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends what `forward` is no longer open for.
  void EndForbidden();
  // Tells all who may know of the holders that changed. False when it must be tried again.
  bool Tell();
  // OK, or a conflict. Sets 'known' when the request was seen before.
  absl::Status CheckRequest(const App& app, const Request& request, bool& known) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(App& app, Request request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HolderChanged(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const World world_;

  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  // First in line holds the lease; never an empty line.
  std::map<Key, std::vector<Place>> lines_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<permissions::Principal, App> apps_ ABSL_GUARDED_BY(mutex_);
  // Leases whose new holder nobody has been told of.
  std::set<Key> untold_ ABSL_GUARDED_BY(mutex_);
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
