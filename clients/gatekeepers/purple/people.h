// SPDX-License-Identifier: GPL-3.0-or-later
// The people of the account: contacts (roster), who asks to be one, who is blocked (XEP-0191), who
// is there, and whose OMEMO devices changed.
#pragma once

#include <blist.h>
#include <xmlnode.h>

#include <set>
#include <string>

#include "clients/gatekeepers/purple/parts.h"
#include "postern/v1/event.pb.h"

namespace postern::purple {

class People {
 public:
  explicit People(const Parts& parts) : parts_(parts) {}

  // Stanzas that came in.
  void TakeIq(xmlnode* iq);
  void TakePresence(xmlnode* presence);
  // A person's list of OMEMO devices, as it is pushed: a device that was not in the last one is
  // new.
  void TakeDeviceList(xmlnode* message);
  // libpurple's view over all of a contact's devices.
  void PresenceChanged(PurpleBuddy* buddy);

  void SetBlocked(const std::string& command_id, const std::string& jid, bool blocked);
  // To who asked to be a contact. Accepting also asks to be theirs.
  void AnswerRequest(const std::string& command_id, const std::string& jid, bool accept);

  // Only they get receipts from us by themselves: they see already when the user is there.
  bool IsContact(const std::string& jid) const;

 private:
  void TakeRoster(xmlnode* query);
  void TakeBlocked(const std::set<std::string>& jids, bool blocked);
  // As far as the server was heard to say.
  std::set<std::string> BlockedNow() const;
  // Another device answered who asked to be a contact, if they did and nobody has answered yet.
  void AnsweredElsewhere(const std::string& jid, v1::MessageRequest::State state);
  void Tell(const std::string& jid, const std::string& name, bool in_roster, bool blocked);

  Parts parts_;
};

}  // namespace postern::purple
