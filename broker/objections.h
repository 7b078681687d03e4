// SPDX-License-Identifier: Apache-2.0
// How people say no: they answer a notice with the word it named, or their client says it for them.
// Each speaks for themselves alone. It takes effect before the message that says it reaches an app.
#pragma once

#include <absl/status/status.h>

#include <span>

#include "broker/event_intake.h"
#include "broker/parts.h"
#include "permissions/ids.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::broker {

// Takes the objections among these events, and those taken back: durable when it returns. Call
// before the events are appended, and not append when it fails. Only news counts: not what the
// user wrote, not imported history, and only where a notice has named the word.
absl::Status TakeObjections(const Parts& parts, permissions::AccountId account,
                            std::span<const TakenEvent> events);

// Takes what an adapter reports. INVALID_ARGUMENT INVALID_FIELD when it names nobody.
absl::Status TakeObjection(const Parts& parts, permissions::AccountId account,
                           const v1::Objection& objection);

}  // namespace postern::broker
