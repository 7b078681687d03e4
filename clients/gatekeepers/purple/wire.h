// SPDX-License-Identifier: GPL-3.0-or-later
// Stanzas of ours on their way to the server, past lurch like those of the client itself.
#pragma once

#include <account.h>
#include <xmlnode.h>

#include <string>
#include <string_view>

#include "clients/gatekeepers/purple/stanza.h"

namespace postern::purple {

// Takes over 'text', which GLib made; null is "".
std::string TakeString(char* text);

// As much of the beginning of 'text', UTF-8, as fits into 'bytes_max' without cutting a character.
std::string Shortened(std::string_view text, size_t bytes_max);

// A random id for a stanza.
std::string FreshId();

// <name/> below 'parent', in 'xmlns'. 'parent' owns it.
xmlnode* AddChild(xmlnode* parent, const char* name, const char* xmlns);
// The same with 'text' in it.
xmlnode* AddText(xmlnode* parent, const char* name, const char* xmlns, std::string_view text);

// <message to= type= id=/>, empty.
XmlNodePtr NewMessage(const std::string& to_jid, bool group, const std::string& id);

// Hands a stanza to the connection: it goes through every plugin's hooks, lurch's among them, and
// is written at once. False while the account is offline; nothing was sent then.
bool SendStanza(PurpleAccount* account, const xmlnode* stanza);
// Writes 'bytes' as they are, past all hooks but those for text.
void SendBytes(PurpleAccount* account, const std::string& bytes);

}  // namespace postern::purple
