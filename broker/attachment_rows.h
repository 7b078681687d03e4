// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>

#include "broker/database.h"
#include "broker/log_record.h"

namespace postern::broker {

// Forgets, in the transaction at hand, that the record named attachments: its content goes. What no
// other record names is forgotten altogether, and with it the key of its stored bytes.
absl::Status ForgetAttachmentsOf(Database& database, Sequence sequence);

}  // namespace postern::broker
