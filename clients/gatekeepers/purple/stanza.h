// SPDX-License-Identifier: GPL-3.0-or-later
// Reads from an XMPP stanza what libpurple 2 does not pass on: ids, whether it was encrypted, when
// it was written. Pure functions over libpurple's XML tree; no state, no I/O.
#pragma once

#include <xmlnode.h>

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::purple {

// A message that another device of the user sent or got comes wrapped (XEP-0280).
enum class Carbon { kNone, kSent, kReceived };

// Why a stanza of ours was refused (RFC 6120, 8.3). Default: no answer came, which may be otherwise
// the next time.
struct StanzaError {
  std::string condition;  // "service-unavailable"; empty when no answer came
  // What a server or a room adds for people; at most 'kErrorTextBytesMax'. Empty when it adds
  // nothing, or when it is a person's client that refuses: those could write anything here.
  std::string text;
  bool retriable = true;  // of type "wait", or no answer
};
inline constexpr size_t kErrorTextBytesMax = 200;
// More than the longest condition of RFC 6120 8.3.3: a stranger can name it anything.
inline constexpr size_t kConditionBytesMax = 64;

// What a <message/> says besides its text. Default: nothing.
struct StanzaFacts {
  std::string id;         // the sender's id for it; empty when there is none
  std::string stanza_id;  // the id that 'from_jid' gave it as a room (XEP-0359); empty when none
  std::string from_jid;   // bare
  std::string from_resource;
  std::string to_jid;  // bare
  std::string type;    // "chat", "groupchat", ...; empty means "normal"
  Carbon carbon = Carbon::kNone;
  bool encrypted = false;  // carries an OMEMO payload
  std::string clear_text;  // its <body/>; beside a payload, a hint for clients without OMEMO
  std::optional<std::time_t> delay_time;  // when a server that kept it got it (XEP-0203)
  std::optional<StanzaError> error;       // it is one of ours that was refused
};

// Frees what xmlnode_from_str made.
struct XmlNodeDeleter {
  void operator()(xmlnode* node) const { xmlnode_free(node); }
};
using XmlNodePtr = std::unique_ptr<xmlnode, XmlNodeDeleter>;

// "carol@chat.test" of "carol@chat.test/phone".
std::string BareJid(std::string_view jid);
// "phone" of it; empty when there is none.
std::string ResourceOf(std::string_view jid);

// The value of an attribute; empty when there is none. 'node' may be null.
std::string Attribute(const xmlnode* node, const char* name);
// The text in 'node'; empty when there is none. 'node' may be null.
std::string TextOf(xmlnode* node);
// The first child of this name and namespace, or null. 'node' may be null.
xmlnode* ChildOf(xmlnode* node, const char* name, const char* xmlns);

// True when 'node' is called 'name'. 'node' may be null.
bool IsNamed(const xmlnode* node, const char* name);

// True for <message/>.
bool IsMessage(const xmlnode* packet);

// The message inside a carbon, or 'packet' itself. Never null for a message.
xmlnode* InnerMessage(xmlnode* packet);

// What a stanza of type "error" says.
StanzaError ReadError(xmlnode* stanza);

// Everything StanzaFacts has room for. 'packet' must be a message.
StanzaFacts ReadFacts(xmlnode* packet);

// True when 'message' itself carries an OMEMO payload. One that only carries keys is no message.
bool HasOmemoPayload(xmlnode* message);

// The ids of the devices that the payload is encrypted for.
std::vector<std::string> OmemoDevices(xmlnode* message);

// Marks the keys that start a session (XEP-0384: prekey="true"), which lurch 0.7 leaves out when it
// writes first. Other clients need the mark to read that message. True when a mark was missing.
bool MarkSessionStarts(xmlnode* message);

// The text of <body/>; nothing when there is none.
std::optional<std::string> Body(xmlnode* message);

}  // namespace postern::purple
