// SPDX-License-Identifier: Apache-2.0
// What one app was asked to erase and has not confirmed: a bounded list of stretches of the log.
// Pure functions of the stored row.
#pragma once

#include <absl/time/time.h>

#include "broker/log_record.h"
#include "postern/storage/v1/erasure.pb.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {

// Whether an event, as an app gets it, asks the app to erase something.
bool AsksToErase(const v1::Event& event);

// Adds the ask 'sequence', sent at 'now'. False when it was added before, or is confirmed. Above
// kEraseAsksMax the two neighbours with the fewest asks are joined.
bool AddAsk(storage::v1::Erasure& row, Sequence sequence, absl::Time now);
// Takes out what is confirmed through 'sequence'. False when nothing was.
bool ConfirmAsks(storage::v1::Erasure& row, Sequence sequence, absl::Time now);
// Takes out everything. False when nothing was open.
bool ConfirmAll(storage::v1::Erasure& row, absl::Time now);

}  // namespace postern::broker
