// SPDX-License-Identifier: Apache-2.0
#include "broker/idle_grants.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "broker/limits.h"
#include "permissions/decide.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::Grant;
using permissions::GrantState;
using permissions::Principal;

absl::Status LapseIdleGrants(AppRegistry& apps, OwnerNotices& notices,
                             const std::function<int(const Principal&)>& connections_of,
                             absl::Time now) {
  for (const AppPointer& app : apps.All()) {
    if (app->standing != Standing::kApp) continue;
    // Who holds a connection uses what it holds. A time from a clock that was ahead is put right.
    if (connections_of(app->principal) > 0 || apps.LastSeen(app->principal) > now) {
      apps.SawNow(app->principal, now);
    }
    RETURN_IF_ERROR(apps.KeepLastSeen(app->principal, kLastSeenInterval));
    const absl::Time last_use = apps.LastSeen(app->principal);
    bool lapsed = false;
    for (const Grant& grant : app->grants) {
      const auto is_idle = [&](const Grant& held) {
        return held.state == GrantState::kActive && now >= permissions::LapseTime(held, last_use);
      };
      if (!is_idle(grant)) continue;
      RETURN_IF_ERROR(apps.ChangeGrant(grant.id,
                                       [&](Grant& held) {
                                         if (is_idle(held)) held.state = GrantState::kSuspended;
                                         return absl::OkStatus();
                                       },
                                       {.verb = v1::ACCESS_VERB_SUSPENDED, .reason = "idle"})
                          .status());
      lapsed = true;
    }
    if (!lapsed) continue;
    notices.Tell(v1::OwnerNotice::KIND_GRANT_LAPSED,
                 absl::StrCat("“", app->app.display_name(), "” was not here for ",
                              absl::ToInt64Hours(permissions::kIdleLapse) / 24,
                              " days, so its access is suspended. Resume it if you still want it."),
                 app->principal);
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
