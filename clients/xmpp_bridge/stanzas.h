// SPDX-License-Identifier: Apache-2.0
// What the user's client gets: events of a chat as stanzas.
#pragma once

#include <absl/time/time.h>

#include <set>
#include <string>

#include "clients/xmpp_bridge/styling.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {

// From whom to whom: a ghost to the user, or a ghost to its room.
struct Route {
  std::string from;
  std::string to;
  bool room = false;
  std::string nick;  // of the ghost, for clients that do not know it yet
};

// What a reply answers.
struct Answered {
  std::string id;      // as the XMPP side calls it
  std::string author;  // address
  std::string excerpt;
};

// An empty message; the id is what makes a second copy recognizable.
TagPtr MessageTag(const Route& route, const std::string& id);
// Adds the text, with what it answers quoted before it for clients that know no replies.
void AddText(gloox::Tag& message, const std::string& text, const Answered& answered);
// Asks for receipts, and names the message's origin.
void AddRequests(gloox::Tag& message);
// It was written then, not now.
void AddDelay(gloox::Tag& message, const std::string& from, absl::Time when);

std::string TextStanza(const Route& route, const std::string& id, const std::string& text,
                       const Answered& answered, absl::Time delayed_from);
// A file that lies at 'url'.
std::string FileStanza(const Route& route, const std::string& id, const std::string& url,
                       absl::Time delayed_from);
std::string CorrectionStanza(const Route& route, const std::string& id,
                             const std::string& corrected_id, const std::string& text);
std::string RetractionStanza(const Route& route, const std::string& id,
                             const std::string& retracted_id);
// All reactions of the sender to that message.
std::string ReactionsStanza(const Route& route, const std::string& id,
                            const std::string& reacted_id, const std::set<std::string>& emojis);
// 'kind' is "received" or "displayed".
std::string MarkerStanza(const Route& route, const std::string& id, const char* kind,
                         const std::string& marked_id);
// 'state' is "composing" or "paused".
std::string ChatStateStanza(const Route& route, const char* state);
// "" is unknown and says nothing to a subscriber but that the ghost is there.
std::string PresenceStanza(const std::string& from, const std::string& to, const std::string& state,
                           const std::string& nick, const std::string& avatar);

}  // namespace postern::xmpp_bridge
