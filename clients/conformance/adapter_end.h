// SPDX-License-Identifier: Apache-2.0
// The adapter's end: has it do things, and waits for what it tells, with the patience that a real
// client needs.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <set>
#include <string>

#include "clients/conformance/door.h"
#include "clients/conformance/finding.h"

namespace postern::conformance {

// Has a command carried out; what failed for now is tried again. 'file': what an upload sends.
// Gives the last result, or the door's error.
absl::StatusOr<v1::CommandResult> RunCommand(Door& door, const v1::Command& command,
                                             const OfferedFile& file = {});

// Waits for an event like 'expected' among those after 'mark', at most so long; sets the finding.
// 'command_id': where not empty, the one that a new message must have come of. 'also': fields that
// count although 'expected' does not set them.
void AwaitEvent(Door& door, absl::Duration wait, v1::Event expected, size_t mark,
                const std::string& command_id, Finding& finding,
                const std::set<std::string>& also = {});

// Fetches the files that an event names, and compares their bytes; what differs makes the finding
// partial.
void FetchFiles(Door& door, const v1::Event& event, const std::string& bytes, Finding& finding);

}  // namespace postern::conformance
