// SPDX-License-Identifier: Apache-2.0
#include "broker/connection_table.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <absl/random/random.h>
#include <absl/status/status.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace postern::broker {
namespace {

bool Names(int fd, dev_t device, ino_t inode) {
  struct stat status;
  return fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

}  // namespace

ConnectionTable::ConnectionTable(int slots, const DoorLimits& limits, StandingOf standing_of,
                                 Admits admits)
    : limits_(limits),
      standing_of_(std::move(standing_of)),
      admits_(std::move(admits)),
      slots_(static_cast<size_t>(slots)) {}

std::optional<ConnectionTable::Opened> ConnectionTable::Take(Peer peer,
                                                             platform::UniqueFd duplicate,
                                                             int grpc_fd, SteadyTime deadline) {
  struct stat status;
  if (fstat(duplicate.get(), &status) != 0) return std::nullopt;
  platform::MutexLock lock(mutex_);
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.state != State::kFree) continue;
    slot = Slot{};
    slot.state = State::kHandshaking;
    slot.connection = ConnectionId{++last_connection_};
    slot.peer = std::move(peer);
    slot.duplicate = std::move(duplicate);
    slot.grpc_fd = grpc_fd;
    slot.device = status.st_dev;
    slot.inode = status.st_ino;
    slot.deadline = deadline;
    return Opened{static_cast<int>(i), slot.connection};
  }
  return std::nullopt;
}

std::optional<Door::Refusal> ConnectionTable::Prove(int slot_number,
                                                    const permissions::Principal& principal) {
  if (admits_) {
    platform::UniqueFd pidfd;
    {
      platform::MutexLock lock(mutex_);
      const Slot& slot = slots_[static_cast<size_t>(slot_number)];
      pidfd.Reset(fcntl(slot.peer.pidfd.get(), F_DUPFD_CLOEXEC, 0));
    }
    // Files of /proc are read here, so nobody else's handshake waits for it.
    if (!admits_(principal, pidfd.get())) return Door::Refusal::kOtherProgram;
  }
  // One at a time, so that two keys cannot both take the last place for unknown ones.
  platform::MutexLock proving(proving_mutex_);
  // Standings are asked for without mutex_: the answer takes the locks of whoever gives it.
  const bool unknown = standing_of_(principal) <= Standing::kRevoked;
  std::vector<permissions::Principal> serving;
  {
    platform::MutexLock lock(mutex_);
    for (const Slot& slot : slots_) {
      if (slot.state != State::kFree && !slot.principal.empty()) serving.push_back(slot.principal);
    }
  }
  const auto unknown_serving = std::ranges::count_if(
      serving, [&](const auto& other) { return standing_of_(other) <= Standing::kRevoked; });

  platform::MutexLock lock(mutex_);
  Slot& slot = slots_[static_cast<size_t>(slot_number)];
  if (slot.state != State::kHandshaking) return Door::Refusal::kHandshake;
  const auto same_key = std::ranges::count_if(slots_, [&](const Slot& other) {
    return other.state != State::kFree && other.principal == principal;
  });
  if (same_key >= limits_.connections_per_principal_max) return Door::Refusal::kTooManyOfKey;
  const int unknown_max =
      std::max(1, static_cast<int>(slots_.size()) / limits_.unknown_connections_divisor);
  if (unknown && unknown_serving >= unknown_max) return Door::Refusal::kTooManyUnknown;
  slot.state = State::kServing;
  slot.principal = principal;
  return std::nullopt;
}

ConnectionTable::Peer ConnectionTable::MarkRefused(int slot_number) {
  platform::MutexLock lock(mutex_);
  Slot& slot = slots_[static_cast<size_t>(slot_number)];
  slot.refusal_told = true;
  Peer peer;
  peer.uid = slot.peer.uid;
  peer.pid = slot.peer.pid;
  return peer;
}

ConnectionId ConnectionTable::ProvenIn(int slot_number) const {
  platform::MutexLock lock(mutex_);
  const Slot& slot = slots_[static_cast<size_t>(slot_number)];
  // Closing counts: the last calls of a connection are still that connection's.
  if (slot.state == State::kFree || slot.principal.empty()) return {};
  return slot.connection;
}

const ConnectionTable::Slot* ConnectionTable::FindSlot(ConnectionId connection) const {
  for (const Slot& slot : slots_) {
    if (slot.state != State::kFree && slot.connection == connection) return &slot;
  }
  return nullptr;
}

std::optional<Caller> ConnectionTable::Find(ConnectionId connection) const {
  platform::MutexLock lock(mutex_);
  const Slot* slot = FindSlot(connection);
  if (slot == nullptr || slot->principal.empty()) return std::nullopt;
  Caller caller;
  caller.principal = slot->principal;
  caller.connection = connection;
  caller.uid = slot->peer.uid;
  caller.pid = slot->peer.pid;
  caller.pidfd_exact = slot->peer.pidfd_exact;
  return caller;
}

absl::StatusOr<platform::UniqueFd> ConnectionTable::PidfdOf(ConnectionId connection) const {
  platform::MutexLock lock(mutex_);
  const Slot* slot = FindSlot(connection);
  if (slot == nullptr) return absl::NotFoundError("the connection is gone");
  platform::UniqueFd copy(fcntl(slot->peer.pidfd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy.valid()) return absl::ErrnoToStatus(errno, "dup of a pidfd");
  return copy;
}

void ConnectionTable::Shut(const Slot& slot) { shutdown(slot.duplicate.get(), SHUT_RDWR); }

void ConnectionTable::HangUp(ConnectionId connection) {
  platform::MutexLock lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.state == State::kFree || slot.connection != connection) continue;
    Shut(slot);
    slot.state = State::kClosing;
  }
}

int ConnectionTable::ShutAll(const permissions::Principal& principal) {
  platform::MutexLock lock(mutex_);
  int shut = 0;
  for (const Slot& slot : slots_) {
    if (slot.state != State::kServing || slot.principal != principal) continue;
    Shut(slot);
    ++shut;
  }
  return shut;
}

void ConnectionTable::ShutEverything() {
  platform::MutexLock lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.state != State::kFree) Shut(slot);
  }
}

void ConnectionTable::ShutLate(SteadyTime now) {
  platform::MutexLock lock(mutex_);
  for (Slot& slot : slots_) {
    if (slot.state != State::kHandshaking || slot.deadline > now) continue;
    Shut(slot);
    slot.state = State::kClosing;
  }
}

bool ConnectionTable::ShutOneUnfinished() {
  platform::MutexLock lock(mutex_);
  std::vector<Slot*> unfinished;
  for (Slot& slot : slots_) {
    if (slot.state == State::kHandshaking) unfinished.push_back(&slot);
  }
  if (unfinished.empty()) return false;
  absl::BitGen random;
  Slot& victim = *unfinished[absl::Uniform<size_t>(random, 0, unfinished.size())];
  Shut(victim);
  victim.state = State::kClosing;
  return true;
}

std::vector<ConnectionTable::Ended> ConnectionTable::Reap() {
  platform::MutexLock lock(mutex_);
  std::vector<Ended> ended;
  for (Slot& slot : slots_) {
    // Our duplicate keeps the socket's inode from being used again, so this cannot mistake another
    // socket with the same number for the old one.
    if (slot.state != State::kClosing || Names(slot.grpc_fd, slot.device, slot.inode)) continue;
    ended.push_back(
        {slot.connection, slot.principal, slot.peer.uid, slot.peer.pid, slot.refusal_told});
    slot = Slot{};
  }
  return ended;
}

std::optional<ConnectionTable::SteadyTime> ConnectionTable::NextDeadline() const {
  platform::MutexLock lock(mutex_);
  std::optional<SteadyTime> next;
  for (const Slot& slot : slots_) {
    if (slot.state != State::kHandshaking) continue;
    if (!next || slot.deadline < *next) next = slot.deadline;
  }
  return next;
}

bool ConnectionTable::has_closing() const {
  platform::MutexLock lock(mutex_);
  return std::ranges::any_of(slots_, [](const Slot& s) { return s.state == State::kClosing; });
}

bool ConnectionTable::has_proven_closing() const {
  platform::MutexLock lock(mutex_);
  return std::ranges::any_of(
      slots_, [](const Slot& s) { return s.state == State::kClosing && !s.principal.empty(); });
}

bool ConnectionTable::has_free() const {
  platform::MutexLock lock(mutex_);
  return std::ranges::any_of(slots_, [](const Slot& s) { return s.state == State::kFree; });
}

int ConnectionTable::CountOf(const permissions::Principal& principal) const {
  platform::MutexLock lock(mutex_);
  return static_cast<int>(std::ranges::count_if(slots_, [&](const Slot& slot) {
    return slot.state == State::kServing && slot.principal == principal;
  }));
}

Door::Counts ConnectionTable::counts() const {
  platform::MutexLock lock(mutex_);
  Door::Counts counts;
  counts.slots = static_cast<int>(slots_.size());
  for (const Slot& slot : slots_) {
    if (slot.state == State::kFree) continue;
    ++counts.connections;
    if (slot.state == State::kHandshaking) ++counts.handshaking;
    if (slot.state == State::kClosing) ++counts.closing;
  }
  counts.accepted_total = last_connection_;
  return counts;
}

}  // namespace postern::broker
