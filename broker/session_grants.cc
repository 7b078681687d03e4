// SPDX-License-Identifier: Apache-2.0
#include "broker/session_grants.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "platform/status_macros.h"

namespace postern::broker {

using permissions::Grant;
using permissions::GrantState;
using permissions::Principal;
using permissions::ValidityKind;

SessionGrants::SessionGrants(AppRegistry& apps, std::function<int(const Principal&)> connections_of)
    : apps_(apps), connections_of_(std::move(connections_of)), thread_([this] { Loop(); }) {}

SessionGrants::~SessionGrants() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

absl::Status SessionGrants::EndAll() {
  for (const AppPointer& app : apps_.All()) RETURN_IF_ERROR(End(*app, Which::kBoth));
  return absl::OkStatus();
}

void SessionGrants::ConnectionClosed(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  closed_.insert(principal);
  changed_.NotifyAll();
}

absl::Status SessionGrants::End(const AppSnapshot& app, Which which) {
  for (const Grant& grant : app.grants) {
    const ValidityKind kind = grant.validity.kind;
    const bool ends = kind == ValidityKind::kOnce ||
                      (which == Which::kBoth && kind == ValidityKind::kWhileRunning);
    if (!ends || !Stands(grant)) continue;
    RETURN_IF_ERROR(apps_
                        .ChangeGrant(grant.id,
                                     [](Grant& changed) {
                                       if (Stands(changed)) changed.state = GrantState::kExpired;
                                       return absl::OkStatus();
                                     })
                        .status());
  }
  return absl::OkStatus();
}

void SessionGrants::Loop() {
  while (true) {
    absl::flat_hash_set<Principal> closed;
    {
      platform::MutexLock lock(mutex_);
      while (closed_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      std::swap(closed, closed_);
    }
    for (const Principal& principal : closed) {
      const AppPointer app = apps_.Find(principal);
      const Which which = connections_of_(principal) == 0 ? Which::kBoth : Which::kOnceOnly;
      if (const absl::Status status = End(*app, which); !status.ok()) {
        // The disk refused: they end when the daemon starts again.
        spdlog::error("event=session_grant_not_ended code={}", static_cast<int>(status.code()));
      }
    }
  }
}

}  // namespace postern::broker
