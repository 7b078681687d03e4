// SPDX-License-Identifier: Apache-2.0
// What an app may do at most under a grant that names no number of its own.
#pragma once

#include <cstdint>

#include "permissions/grant.h"

namespace postern::permissions {

// A person who writes all day stays under one message a minute; networks' own abuse rules start
// well above it.
inline constexpr uint32_t kSendsPerHourDefault = 60;
// Networks ban for mass contact long before they ban for mass messages.
inline constexpr uint32_t kNewChatsPerDayDefault = 10;
// A year of text of a busy account is under 100 MB; what asks for more than this a day reads files.
inline constexpr uint64_t kBytesPerDayDefault = uint64_t{1} << 30;

// Returns 'limits' with the default in place of each number that is not given.
Limits WithDefaults(Limits limits);

}  // namespace postern::permissions
