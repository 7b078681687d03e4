// SPDX-License-Identifier: Apache-2.0
// Every id field of an event, in one place: the walk that ingest uses to replace the network's ids
// by the broker's, and that delivery uses to replace the broker's by an app's pseudonyms. A test
// holds it against the descriptors: an id field that is not walked would leak.
#pragma once

#include <absl/functional/function_ref.h>

#include <string>

#include "postern/v1/chat.pb.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// What an id field names.
enum class IdKind { kAccount, kChat, kContact, kMessage, kAttachment, kCall, kGrant };

// Called with each id field that is not empty. May change the id.
using IdVisitor = absl::FunctionRef<void(IdKind, std::string*)>;

// Visits the ids of 'event' and of all that it holds, but for Event.id, which is not a name of a
// thing but the event's own place in the log. Poll option ids and request ids are the sender's
// words and stay.
void VisitIds(v1::Event& event, IdVisitor visit);
void VisitIds(v1::Message& message, IdVisitor visit);
void VisitIds(v1::Chat& chat, IdVisitor visit);
void VisitIds(v1::Contact& contact, IdVisitor visit);

// Returns the id of the message that the event makes or is about; empty for other events.
const std::string& MessageIdOf(const v1::Event& event);
// Returns who did it, or whom it is about; empty when nobody is named.
const std::string& ActorIdOf(const v1::Event& event);

}  // namespace postern::broker
