// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/teller.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <utility>

#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/stanzas.h"

namespace postern::xmpp_bridge {
namespace {

// A room that refuses a ghost gets it under other nicks, so often.
constexpr int kNickTries = 3;

}  // namespace

absl::Status Teller::Tell(const ChatEntry& chat, const std::string& event_id, Telling telling,
                          const std::string& speaker) {
  if (auto status = store_.Announce(telling.links); !status.ok()) return status;
  for (int tries = 0;; ++tries) {
    const absl::Status status = component_.Deliver(telling.stanzas);
    if (absl::IsCancelled(status)) return status;
    if (status.ok()) break;
    // Sent back. In a room a ghost may have been put out, or its nick be somebody else's.
    if (!chat.group || speaker.empty() || tries == kNickTries) {
      Refused(std::string(status.message()));
      break;
    }
    auto person = people_.PersonOf(speaker);
    if (!person.ok()) return person.status();
    auto again = rooms_.JoinAgain(chat, *person, tries > 0);
    telling.stanzas.insert(telling.stanzas.begin(), again.begin(), again.end());
  }
  if (event_id.empty() && telling.links.empty()) return absl::OkStatus();
  for (auto& link : telling.links) link.told = true;
  return store_.Delivered(event_id, telling.links);
}

void Teller::Refused(const std::string& what) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(what, absl::MaxSplits(' ', 1));
  const auto& [id, condition] = parts;
  // An id may name a person: only what kind of stanza it is goes to the log.
  const bool entry = absl::StartsWith(id, kAdmitId) || absl::StartsWith(id, kJoinId);
  if (id == kMakeRoomId) {
    if (std::exchange(told_of_rooms_, true)) return;
    Log(absl::StrCat(
        "groups are not bridged: the bridge may not make rooms at rooms = \"", config_.rooms,
        "\" (", condition,
        "); compare that with the Component \"...\" \"muc\" in Prosody's configuration, "
        "and its restrict_room_creation"));
  } else if (!entry || !told_of_rooms_) {
    // Nobody can enter a room that could not be made.
    Log(absl::StrCat("the XMPP server refuses ",
                     entry ? "somebody's entry into a room" : "a message", ": ", condition));
  }
}

absl::Status Teller::Say(const std::string& event_id, const std::string& text) {
  Telling telling;
  telling.stanzas.push_back(TextStanza({config_.component, config_.owner, false, "Postern"},
                                       event_id, text, {}, absl::InfiniteFuture()));
  return Tell({}, event_id, std::move(telling), {});
}

}  // namespace postern::xmpp_bridge
