// SPDX-License-Identifier: Apache-2.0
// What can be said about a process that asks for access, from its pidfd.
//
// Gathered by the consent agent, not by the daemon: a sandboxed daemon cannot read other processes.
// It is shown to the person and kept for the origin below; it grants nothing. A program of the same
// user can fake most of it, and everything that cannot be read is left empty and shown as unknown.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace postern::platform {

struct ParentProcess {
  int64_t pid = 0;
  std::string name;

  bool operator==(const ParentProcess&) const = default;
};

// Raw bytes of the system, bounded but not cleaned, except that they are made valid UTF-8: whoever
// shows them escapes them. Empty, or 0, is "unknown".
struct PeerEvidence {
  int64_t pid = 0;
  std::string executable;
  std::string executable_sha256;
  // For an interpreter: the script it runs.
  std::string script;
  std::string script_sha256;
  // Arguments, joined by spaces.
  std::string command_line;
  // From the direct parent upwards.
  std::vector<ParentProcess> parents;
  // The systemd unit of its cgroup.
  std::string unit;
  // The sandbox's own name for it.
  std::string flatpak_id;
  std::string snap_name;

  bool operator==(const PeerEvidence&) const = default;
};

enum class EvidenceDepth : uint8_t {
  // All of it: for a person to see.
  kFull,
  // What OriginOf needs: no hash but a script's, no command line, no parents.
  kOrigin,
  // Nothing is hashed at all: for a look at each connection.
  kQuick,
};

// Reads what can be read about the process behind 'pidfd' (-1: nothing). When the process is gone
// at the end, everything read is dropped: the pid may by then belong to another one.
PeerEvidence GatherEvidence(int pidfd, EvidenceDepth depth = EvidenceDepth::kFull);

// Whether two looks at processes, however deep, show the same program: the same sandbox id, else
// the same executable and script. Units and hashes do not count: programs are updated, and started
// by hand. False when one of them shows nothing.
bool SameProgram(const PeerEvidence& a, const PeerEvidence& b);

// Returns what refusals are remembered by, or "" when nothing is known: the sandbox id, else the
// service unit, else the executable, for interpreters with the script's path and hash. A new key or
// another name does not change it.
std::string OriginOf(const PeerEvidence& evidence);

}  // namespace postern::platform
