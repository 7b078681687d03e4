// SPDX-License-Identifier: Apache-2.0
// The slots of the Door and what each holds now. All state that the accept thread shares with
// gRPC's threads lives here, behind one lock.
//
// The life of a slot: free -> handshaking (accepted, handed to gRPC) -> serving (the key is proven)
// -> closing (the peer or we ended it; calls may still run) -> free, once gRPC has closed its
// descriptor.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <vector>

#include "broker/caller.h"
#include "broker/door.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "platform/peer_credentials.h"
#include "platform/unique_fd.h"

namespace postern::broker {

// Thread-safe.
class ConnectionTable {
 public:
  // Real time on purpose: these are waits of the kernel's and gRPC's machinery, and tests shorten
  // them by DoorLimits.
  using SteadyTime = std::chrono::steady_clock::time_point;

  using Peer = platform::PeerCredentials;
  struct Opened {
    int slot = 0;
    ConnectionId connection;
  };
  // A connection that gRPC has let go of.
  struct Ended {
    ConnectionId connection;
    permissions::Principal principal;  // empty when no key was proven
    uid_t uid = static_cast<uid_t>(-1);
    pid_t pid = 0;
    bool refusal_told = false;
  };

  ConnectionTable(int slots, const DoorLimits& limits, StandingOf standing_of,
                  Admits admits = nullptr);

  // Puts a connection into a free slot. 'duplicate' is our own descriptor of the socket; 'grpc_fd'
  // is the number that gRPC gets and will close. Nothing when no slot is free.
  std::optional<Opened> Take(Peer peer, platform::UniqueFd duplicate, int grpc_fd,
                             SteadyTime deadline);

  // Records that the peer in 'slot' has proven to hold the key of 'principal'. Returns why it may
  // not go on, or nothing when it may.
  std::optional<Door::Refusal> Prove(int slot, const permissions::Principal& principal);
  // Marks that the refusal of the connection in 'slot' has been reported, and returns whose it was
  // (uid and pid; no pidfd).
  Peer MarkRefused(int slot);

  // Returns the connection in 'slot', whose key is proven; the empty one when there is none.
  ConnectionId ProvenIn(int slot) const;
  // Returns who is at the other end; the standing is left to the caller. Nothing when it is gone.
  std::optional<Caller> Find(ConnectionId connection) const;
  absl::StatusOr<platform::UniqueFd> PidfdOf(ConnectionId connection) const;

  // Ends a connection: both directions of the socket are shut, the slot is closing.
  void HangUp(ConnectionId connection);
  // Shuts the sockets of a key; their slots go to closing when the kernel reports it.
  int ShutAll(const permissions::Principal& principal);
  void ShutEverything();
  // Shuts every handshake whose deadline has passed.
  void ShutLate(SteadyTime now);
  // Makes room when all slots are taken: shuts one unfinished handshake, chosen at random, so that
  // a flood of silent connections cannot lock a quick one out. False when none is unfinished.
  bool ShutOneUnfinished();

  // Frees the slots whose descriptor gRPC has closed, and returns what was in them.
  std::vector<Ended> Reap();

  // When the accept thread must look again, apart from events; nothing when never.
  std::optional<SteadyTime> NextDeadline() const;
  bool has_closing() const;
  // Whether a closing connection may have calls that wait: none comes before the key is proven.
  bool has_proven_closing() const;
  bool has_free() const;
  Door::Counts counts() const;
  // Connections of a key whose calls are being served.
  int CountOf(const permissions::Principal& principal) const;

 private:
  enum class State { kFree, kHandshaking, kServing, kClosing };
  struct Slot {
    State state = State::kFree;
    ConnectionId connection;
    permissions::Principal principal;
    Peer peer;
    platform::UniqueFd duplicate;
    int grpc_fd = -1;
    // Which socket it is: gRPC has closed its descriptor when the number no longer names this.
    dev_t device = 0;
    ino_t inode = 0;
    SteadyTime deadline;
    bool refusal_told = false;
  };

  const Slot* FindSlot(ConnectionId connection) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Shut(const Slot& slot);

  const DoorLimits limits_;
  const StandingOf standing_of_;
  const Admits admits_;
  platform::Mutex proving_mutex_;  // taken before mutex_, and before any lock of standing_of_
  mutable platform::Mutex mutex_;
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_connection_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::broker
