// SPDX-License-Identifier: GPL-3.0-or-later
// Messages that come in: from other people, from rooms, and from the user's own other devices
// (XEP-0280). Each is read twice, before and after lurch: encrypted is what had an OMEMO payload
// before, and its text in the payload's place after.
#pragma once

#include <xmlnode.h>

#include <optional>
#include <string>

#include "clients/gatekeepers/purple/annotations.h"
#include "clients/gatekeepers/purple/outbox.h"
#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/people.h"
#include "clients/gatekeepers/purple/reactions.h"
#include "clients/gatekeepers/purple/rooms.h"
#include "clients/gatekeepers/purple/stanza.h"

namespace postern::purple {

class Inbox {
 public:
  // All must outlive it.
  Inbox(const Parts& parts, Rooms& rooms, People& people, Outbox& outbox,
        OwnReactions& own_reactions)
      : parts_(parts),
        rooms_(rooms),
        people_(people),
        outbox_(outbox),
        own_reactions_(own_reactions) {}

  // 'packet' is a message. Called one after the other for each, in one go.
  void BeforeDecryption(xmlnode* packet);
  // 'packet' is null when a plugin has kept it.
  void AfterDecryption(xmlnode* packet);
  // The client showed a line of the user's own while a message was being parsed: that is how lurch
  // passes on what another device of the user sent encrypted. It is the text as it is, no HTML.
  void OwnLineWritten(const char* text);
  // What was begun is not ended: the connection is gone.
  void Forget();

 private:
  // Where a message belongs and who wrote it.
  struct Place {
    std::string chat_jid;
    std::string contact_id;
    std::string name;
    std::string author_jid;
    std::string message_id;
    bool group = false;
    bool from_owner = false;
    bool backfill = false;
    std::time_t time = 0;
  };

  // What a room says of itself: its topic, and that its settings changed.
  void TakeRoomsOwn(const StanzaFacts& facts, xmlnode* message);
  std::optional<Place> DirectPlace(const StanzaFacts& facts);
  std::optional<Place> GroupPlace(const StanzaFacts& facts);
  void TakeAnnotations(const Place& place, const Annotations& annotations);
  void TakeReactions(const Place& place, const Annotations& annotations);
  void TakeText(const Place& place, const StanzaFacts& facts, const Annotations& annotations,
                const std::string& text, bool encrypted);
  // The id of the message that the place's author called 'origin_id'.
  std::string IdOf(const Place& place, const std::string& origin_id) const;
  void TellGap(const Place& place);
  void SendReceipt(const Place& place, const StanzaFacts& facts);

  Parts parts_;
  Rooms& rooms_;
  People& people_;
  Outbox& outbox_;
  OwnReactions& own_reactions_;
  std::optional<StanzaFacts> incoming_;  // the stanza being parsed
  XmlNodePtr own_copy_;                  // it, when another device of the user sent it encrypted
  std::optional<std::string> own_line_;
};

}  // namespace postern::purple
