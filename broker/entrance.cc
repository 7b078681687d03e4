// SPDX-License-Identifier: Apache-2.0
#include "broker/entrance.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "broker/attachment_limits.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

std::string_view RefusalName(Door::Refusal refusal) {
  switch (refusal) {
    case Door::Refusal::kOtherUser:
      return "other_user";
    case Door::Refusal::kUnidentified:
      return "unidentified";
    case Door::Refusal::kNoSlot:
      return "no_slot";
    case Door::Refusal::kHandshake:
      return "handshake";
    case Door::Refusal::kCertificate:
      return "certificate";
    case Door::Refusal::kTooManyOfKey:
      return "too_many_of_key";
    case Door::Refusal::kTooManyUnknown:
      return "too_many_unknown";
    case Door::Refusal::kOtherProgram:
      return "other_program";
  }
  return "unknown";
}

}  // namespace

absl::Status Entrance::Open(BrokerOptions& options, platform::TlsIdentity identity,
                            KeptParts& kept) {
  Door::Options door_options;
  door_options.socket_path = options.socket_path;
  door_options.listener = std::move(options.listener);
  door_options.identity = std::move(identity);
  door_options.served_uid = ::getuid();
  door_options.limits.connections_max = options.config.connections;
  door_options.standing_of = [&kept](const permissions::Principal& principal) {
    return kept.apps->StandingOf(principal);
  };
  programs = std::make_unique<ProgramWatch>(*kept.apps, *kept.notices);
  door_options.admits = [this](const permissions::Principal& principal, int pidfd) {
    return programs->Admits(principal, pidfd);
  };
  door_options.on_refused = [](Door::Refusal refusal, uid_t uid, pid_t pid) {
    spdlog::warn("event=connection_refused reason={} uid={} pid={}", RefusalName(refusal), uid,
                 pid);
  };
  // A stream whose connection is gone is told by its next look, which comes at once: until it has
  // returned, the connection does not count as closed.
  door_options.on_closing = [this, &kept] {
    kept.log->WakeAll();
    kept.apps->WakeAll();
    leases->WakeAll();
  };
  door_options.on_closed = [this, &kept](ConnectionId connection,
                                         const permissions::Principal& principal) {
    leases->ConnectionClosed(connection);
    kept.apps->SawNow(principal, kept.clock->Now());
    session_grants->ConnectionClosed(principal);
    kept.log->WakeAll();
    kept.apps->WakeAll();
  };
  const DoorLimits door_limits = door_options.limits;
  ASSIGN_OR_RETURN(door, Door::Open(std::move(door_options)));
  // Made before the door accepts, which door->Start() makes it do.
  leases = std::make_unique<LeaseTable>(LeaseTable::World{
      *kept.apps, *kept.directory, *kept.log, kept.clock->confirmed(),
      [this](ConnectionId connection) { return door->PidfdOf(connection).ok(); }});
  session_grants = std::make_unique<SessionGrants>(
      *kept.apps,
      [this](const permissions::Principal& principal) { return door->ConnectionsOf(principal); });
  RETURN_IF_ERROR(session_grants->EndAll());
  gate = std::make_unique<MethodGate>(
      *door,
      [&kept](const permissions::Principal& principal) { return kept.apps->StandingOf(principal); },
      door_limits,
      MethodGate::Observer{
          [&kept](const Caller& caller) {
            if (caller.standing != Standing::kApp && caller.standing != Standing::kGatekeeper) {
              return;
            }
            kept.accesses->CountConnected(caller.principal);
          },
          [&kept](const Caller& caller, v1::ErrorReason reason) {
            if (caller.standing == Standing::kOwner) return;
            // Keys that nobody allowed are counted as one: there can be any number of them.
            const permissions::Principal who =
                caller.standing == Standing::kUnknown ? permissions::Principal() : caller.principal;
            kept.accesses->Count(who, v1::ACCESS_VERB_REFUSED, {}, ReasonName(reason), 1);
          }});
  streams = std::make_unique<LiveStreams>(LiveStreams::Options{
      [&kept] { return kept.apps->epoch(); },
      [this](const permissions::Principal& principal) { door->CloseConnections(principal); },
      [&kept] { kept.log->WakeAll(); }, options.reader_stall_max,
      std::min(kUploadSilenceMax, 2 * options.reader_stall_max)});
  return absl::OkStatus();
}

}  // namespace postern::broker
