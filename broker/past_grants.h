// SPDX-License-Identifier: Apache-2.0
// The forms that grants have had. A grant that was narrowed or ended no longer says what it once
// opened; whoever asks what an app saw needs to know.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <span>
#include <vector>

#include "broker/database.h"
#include "broker/store.h"
#include "permissions/grant.h"

namespace postern::broker {

// A grant as it was in force, and until when it was so.
struct PastGrant {
  permissions::Grant grant;
  absl::Time until;
};

// Keeps the forms of 'before' that 'after' no longer has, as having ended at 'now'. Runs in the
// transaction that makes the change.
absl::Status KeepPastGrants(Database& database, std::span<const permissions::Grant> before,
                            std::span<const permissions::Grant> after, absl::Time now);

// Returns every form in which grants of the principal were ever in force, those of 'grants', which
// it has now, among them. DATA_LOSS when a stored form makes no sense.
absl::StatusOr<std::vector<PastGrant>> AllFormsOfGrants(Store& store,
                                                        const permissions::Principal& principal,
                                                        std::span<const permissions::Grant> grants);

}  // namespace postern::broker
