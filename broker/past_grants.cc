// SPDX-License-Identifier: Apache-2.0
#include "broker/past_grants.h"

#include <algorithm>
#include <string>

#include "broker/grant_codec.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::Grant;
using permissions::GrantState;
using permissions::Principal;

absl::Status KeepPastGrants(Database& database, std::span<const Grant> before,
                            std::span<const Grant> after, absl::Time now) {
  for (const Grant& grant : before) {
    // Only what was in force has shown anything.
    if (grant.state != GrantState::kActive) continue;
    if (std::find(after.begin(), after.end(), grant) != after.end()) continue;
    const std::string record = GrantToStored(grant).SerializeAsString();
    const absl::Time until = std::min(now, grant.validity.expire_time);
    // A grant that is paused and resumed comes back in the same form: one row for each form.
    RETURN_IF_ERROR(
        database.Run("INSERT INTO past_grants(id, principal, record, until) VALUES(?, ?, ?, ?) "
                     "ON CONFLICT(id, record) DO UPDATE SET until = MAX(until, excluded.until)",
                     Blob{grant.id.view()}, Blob{grant.principal.view()}, Blob{record},
                     absl::ToUnixMicros(until)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<PastGrant>> AllFormsOfGrants(Store& store, const Principal& principal,
                                                        std::span<const Grant> grants) {
  std::vector<PastGrant> forms;
  for (const Grant& grant : grants) {
    if (grant.state == GrantState::kActive) forms.push_back({grant, grant.validity.expire_time});
  }
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT record, until FROM past_grants WHERE principal = ?"));
    rows.BindAll(Blob{principal.view()});
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      v1::Grant stored;
      if (!stored.ParseFromString(std::string(rows.Bytes(0)))) {
        return absl::DataLossError("a past form of a grant is unreadable");
      }
      ASSIGN_OR_RETURN(Grant grant, GrantFromStored(stored, principal));
      forms.push_back({std::move(grant), absl::FromUnixMicros(rows.Integer(1))});
    }
  }));
  return forms;
}

}  // namespace postern::broker
