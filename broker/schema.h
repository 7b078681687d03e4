// SPDX-License-Identifier: Apache-2.0
// The tables, and how an older database becomes a current one.
#pragma once

#include <absl/status/status.h>

#include <span>

#include "broker/database.h"

namespace postern::broker {

// The version this program writes. PRAGMA user_version holds a database's own.
int NewestSchema();

// Brings an empty or older database to NewestSchema(), each step in a transaction of its own.
// FAILED_PRECONDITION when the database is newer: nothing is changed.
absl::Status Migrate(Database& database);
// The same by these steps: step n makes version n + 1. A step that fails leaves the database at the
// version before it.
absl::Status Migrate(Database& database, std::span<const char* const> steps);

}  // namespace postern::broker
