// SPDX-License-Identifier: Apache-2.0
// What of a person one app gets to see: who shares a chat with it that it may look into, or anybody
// of an account of which it sees every chat. Under contacts:read the person, under
// contacts:identify their addresses too; sealed people are as if not there.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>

#include <string>

#include "broker/event_view.h"
#include "permissions/ids.h"
#include "postern/v1/chat.pb.h"

namespace postern::broker {

struct ContactSight {
  // Under contacts:read.
  bool seen = false;
  // Under contacts:identify.
  bool identified = false;
};

// How much the viewer may see of the contact. Looks through all chats where that makes a
// difference: for many contacts, see ContactSights.
ContactSight SightOf(const Viewer& viewer, const v1::Contact& contact);

// The same for all contacts at once, as things are when it is made.
class ContactSights {
 public:
  explicit ContactSights(const Viewer& viewer);
  ContactSight Of(const v1::Contact& contact) const;

 private:
  const Viewer& viewer_;
  absl::flat_hash_map<std::string, ContactSight> in_chats_;
  absl::flat_hash_map<std::string, ContactSight> in_accounts_;
};

// Leaves in a contact of the directory what the viewer may see; the ids stay. 'sees' tells whether
// it may see another contact, one that this one is linked with.
void ReduceContact(const Viewer& viewer, ContactSight sight,
                   absl::FunctionRef<bool(const v1::Contact&)> sees, v1::Contact& contact);

}  // namespace postern::broker
