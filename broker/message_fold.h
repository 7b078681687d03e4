// SPDX-License-Identifier: Apache-2.0
// What later events make of a message. Defined for events that come in any order and more than
// once: the latest edit counts, of one person's votes the latest, a reaction stands once, and what
// was deleted stays so whatever comes after.
#pragma once

#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// Applies an event that is about the message: edit, reaction, vote, attachment ready, delete or
// expiry; others change nothing. Ids must be of one form in both. Give what happened in order of
// history (history_place.h).
void FoldIn(v1::Message& message, const v1::Event& event);

// Whether the event is an edit by who wrote the message: another's edit under the same id is
// another person's claim.
bool IsEditOf(const v1::Event& event, const v1::Message& message);

}  // namespace postern::broker
