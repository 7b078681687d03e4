// SPDX-License-Identifier: Apache-2.0
// Stop 5 of an event's path, filter: what of a stored event one app gets to see, in that app's own
// pseudonyms. The decision is permissions/decide.h; this carries it out.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>

#include "broker/app_registry.h"
#include "broker/directory.h"
#include "broker/log_record.h"
#include "permissions/decide.h"
#include "permissions/id_cipher.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

class History;

// Whose eyes: an app's access as of one epoch, and its pseudonyms. Borrows all of it.
struct Viewer {
  const AppSnapshot& app;
  permissions::Access access;
  const permissions::Pseudonyms& pseudonyms;
  const Directory& directory;
  // Finds what a change is about: nobody sees more of an edit than of the message.
  History& history;
  absl::Time now;
};

// What decisions need to know of a record, but for what only its body says.
permissions::EventFacts FactsOf(const LogRecord& record, const Directory& directory);

// Returns the event as the viewer may see it, or nothing. A record whose content is gone comes back
// as what is left: who, where and when. DATA_LOSS when a stored body cannot be read.
absl::StatusOr<std::optional<v1::Event>> ViewEvent(const LogRecord& record, const Viewer& viewer);

// Returns whether an app may know the addresses of people of this object.
bool MayIdentify(const Viewer& viewer, const permissions::ObjectFacts& object);

// Puts the viewer's pseudonyms in place of the broker's ids.
void HideIds(v1::Event& event, const permissions::Pseudonyms& pseudonyms);
void HideIds(v1::Message& message, const permissions::Pseudonyms& pseudonyms);
void HideIds(v1::Chat& chat, const permissions::Pseudonyms& pseudonyms);
void HideIds(v1::Contact& contact, const permissions::Pseudonyms& pseudonyms);

// Leaves of a chat's pinned messages those that the viewer may see, at least as metadata or as a
// mark. One that the log does not know is left out. 'before' as for History::FindCreated.
absl::Status HideUnseenPins(const Viewer& viewer, Sequence before, v1::Chat& chat);

// Takes out of a message what the metadata view leaves out.
void ReduceToMetadata(v1::Message& message);

}  // namespace postern::broker
