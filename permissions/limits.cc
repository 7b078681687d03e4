// SPDX-License-Identifier: Apache-2.0
#include "permissions/limits.h"

namespace postern::permissions {

Limits WithDefaults(Limits limits) {
  if (limits.sends_per_hour == 0) limits.sends_per_hour = kSendsPerHourDefault;
  if (limits.new_chats_per_day == 0) limits.new_chats_per_day = kNewChatsPerDayDefault;
  if (limits.bytes_per_day == 0) limits.bytes_per_day = kBytesPerDayDefault;
  return limits;
}

}  // namespace postern::permissions
