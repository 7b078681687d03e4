// SPDX-License-Identifier: Apache-2.0
// The connection to the XMPP server (XEP-0114, gloox), on a thread of its own, made anew whenever
// it breaks.
//
// XEP-0114 has no acknowledgement. What the server has taken is found out by a stanza that the
// bridge sends to itself: a server handles a component's stanzas in order, so when it comes back,
// all that was sent before it has been handled.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {

struct ComponentHandlers {
  // Every stanza but answers to Ask. On the component's thread.
  std::function<void(const gloox::Tag&)> on_stanza;
  // The server took the component. What it returns is sent before anything else. Same thread.
  std::function<std::vector<std::string>()> on_connected;
  // The server refused the secret, or the name: the reason for people. Same thread; it is tried
  // again.
  std::function<void(const std::string&)> on_trouble;
};

class Component {
 public:
  // 'config' must outlive it. A server that has not handled a stanza after 'patience' is taken for
  // gone: the connection is made anew.
  Component(const Config& config, std::string secret, ComponentHandlers handlers,
            absl::Duration patience = absl::Minutes(1));
  ~Component();
  Component(const Component&) = delete;
  Component& operator=(const Component&) = delete;

  // Begins to connect.
  void Start();
  // Ends the connection; whoever waits gets CANCELLED.
  void Stop();

  // Any thread.
  bool connected() {
    absl::MutexLock lock(&mutex_);
    return connected_;
  }

  // Sends when connected, else forgets: for what is worth nothing later. Any thread.
  void Send(const std::string& stanza);
  // Returns once the server has handled all of these, in this order, however often the connection
  // breaks meanwhile: after a break all are sent again, with the same ids. ABORTED when the server
  // sent one of them back as an error, with its id. CANCELLED after Stop. One thread at a time.
  absl::Status Deliver(const std::vector<std::string>& stanzas);
  // Sends one stanza, and returns once the server has handled it. UNAVAILABLE when there was no
  // connection, or it broke before that was known, as it does after a silence. CANCELLED after
  // Stop. Any thread but the component's.
  absl::Status Confirm(const std::string& stanza);
  // An <iq/> without an id, and its answer. UNAVAILABLE when there was none in time; ABORTED with
  // the condition when it is an error. Not on the component's thread.
  absl::StatusOr<TagPtr> Ask(TagPtr iq, absl::Duration timeout = absl::Seconds(30));

 private:
  class Session;
  friend class Session;

  void Loop();
  // One connection, from its begin to its end. True when the server had taken the component.
  bool RunOnce();
  // At once when the server has taken the component: stanzas may have come with the word of it, and
  // what answers them must find the connection.
  void BeginSession(Session& session);
  void Take(const gloox::Tag& stanza);
  bool TakeAnswer(const gloox::Tag& stanza);
  bool TakeBarrier(const gloox::Tag& stanza);
  // Has the server send back, behind all that is to be sent already, what confirmed_ will name.
  uint64_t SendBarrier() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes the connection anew, unless that session has ended already.
  void EndSession(uint64_t session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wake();
  void Drain(Session& session);

  const Config& config_;
  const std::string secret_;
  const ComponentHandlers handlers_;
  const absl::Duration patience_;
  int wake_ = -1;
  std::thread thread_;

  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool connected_ ABSL_GUARDED_BY(mutex_) = false;
  bool reconnect_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t session_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t confirmed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<std::string> outgoing_ ABSL_GUARDED_BY(mutex_);
  // Of the Deliver that waits.
  std::set<std::string> watched_ ABSL_GUARDED_BY(mutex_);
  std::string bounced_ ABSL_GUARDED_BY(mutex_);
  // Asks by id; null until answered.
  std::map<std::string, TagPtr> asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::xmpp_bridge
