// SPDX-License-Identifier: Apache-2.0
// What a <message/> of the user's says. Pure functions.
#pragma once

#include <gloox/tag.h>

#include <string>

namespace postern::xmpp_bridge {

// The id under which the room keeps a message; empty when it does not say.
std::string StanzaIdOf(const gloox::Tag& message, const std::string& room);

// The body without what is there for clients that do not know 'of', an extension's namespace.
std::string WithoutFallback(const gloox::Tag& message, const char* of);

// A new message is another one when it is sent again; all else comes to the same.
bool IsNewMessage(const gloox::Tag& message);

// Whether somebody waits to hear that it was not carried out: not so for a marker.
bool IsAnswered(const gloox::Tag& message);

// Whether it says what is kept; chat states come and go.
bool SaysSomething(const gloox::Tag& message);

}  // namespace postern::xmpp_bridge
