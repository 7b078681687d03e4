// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include "broker/log_record.h"
#include "permissions/ids.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {

// Makes the record of an event that the broker itself tells. 'event' has its kind filled in, with
// ids in the text form of the broker's. 'principal' is what StoredEvent.principal says of the kind:
// whom it is for, or who holds the lease.
LogRecord BrokerEvent(permissions::AccountId account, permissions::ChatId chat, v1::Event event,
                      const permissions::Principal& principal, absl::Time now);

}  // namespace postern::broker
