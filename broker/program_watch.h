// SPDX-License-Identifier: Apache-2.0
// Whether a key is used by the program that enrolled with it. A key is a file, and files are
// copied.
//
// Of a program outside of a sandbox the owner is told: its path changes with updates, and it proves
// little anyway. One that enrolled from a sandbox (Flatpak, Snap) has a name that it cannot choose,
// and another process with its key is turned away. Where the broker cannot read who connects
// (it is sandboxed itself), it does nothing.
#pragma once

#include <functional>

#include "broker/app_registry.h"
#include "broker/owner_notices.h"
#include "permissions/ids.h"
#include "platform/linux/peer_evidence.h"

namespace postern::broker {

// Thread-safe.
class ProgramWatch {
 public:
  // How a process is looked at; without hashing, since this is done for every connection.
  using Look = std::function<platform::PeerEvidence(int pidfd)>;

  // Both must outlive it. Without 'look', the system is asked.
  ProgramWatch(AppRegistry& apps, OwnerNotices& notices, Look look = nullptr);

  // Whether the process behind 'pidfd' may use the key. Tells the owner, once for each change, when
  // it is not the program that enrolled.
  bool Admits(const permissions::Principal& principal, int pidfd);

 private:
  AppRegistry& apps_;
  OwnerNotices& notices_;
  const Look look_;
};

// Writes down which program enrolled, as the broker itself sees it.
void NoteProgram(const platform::PeerEvidence& evidence, v1::App& app);

}  // namespace postern::broker
