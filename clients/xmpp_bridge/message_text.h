// SPDX-License-Identifier: Apache-2.0
// What the contract has a form for and XMPP has not, as words.
#pragma once

#include <string>

#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::xmpp_bridge {

// A message as text: its own, styled, or what its poll, place or card says.
std::string TextOf(const v1::Message& message);
// The XMPP id of a file that is one of several things a message became.
std::string FileId(const std::string& message_id, const std::string& attachment_id);
std::string GapInWords(const v1::Gap& gap);
std::string OutcomeInWords(const v1::RequestCompleted& done);
// "online", "away", "offline", "" when it is not known.
std::string PresenceWord(v1::Presence::State state);
// Whose ghost tells an event; "" for nobody's.
std::string SpeakerOf(const v1::Event& event);
// "image/png", by the first bytes; "" when it is none that clients show.
std::string PictureType(const std::string& bytes);

}  // namespace postern::xmpp_bridge
