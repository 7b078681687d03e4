// SPDX-License-Identifier: Apache-2.0
// XMPP as XML: the names of the extensions, addresses, and the few things that are done with tags.
#pragma once

#include <gloox/tag.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace postern::xmpp_bridge {

inline constexpr char kChatStates[] = "http://jabber.org/protocol/chatstates";  // XEP-0085
inline constexpr char kCorrect[] = "urn:xmpp:message-correct:0";                // XEP-0308
inline constexpr char kDelay[] = "urn:xmpp:delay";                              // XEP-0203
inline constexpr char kDiscoInfo[] = "http://jabber.org/protocol/disco#info";   // XEP-0030
inline constexpr char kDiscoItems[] = "http://jabber.org/protocol/disco#items";
inline constexpr char kFallback[] = "urn:xmpp:fallback:0";        // XEP-0428
inline constexpr char kHints[] = "urn:xmpp:hints";                // XEP-0334
inline constexpr char kInvite[] = "jabber:x:conference";          // XEP-0249
inline constexpr char kMarkers[] = "urn:xmpp:chat-markers:0";     // XEP-0333
inline constexpr char kMuc[] = "http://jabber.org/protocol/muc";  // XEP-0045
inline constexpr char kMucAdmin[] = "http://jabber.org/protocol/muc#admin";
inline constexpr char kMucOwner[] = "http://jabber.org/protocol/muc#owner";
inline constexpr char kMucUser[] = "http://jabber.org/protocol/muc#user";
inline constexpr char kNick[] = "http://jabber.org/protocol/nick";  // XEP-0172
inline constexpr char kOob[] = "jabber:x:oob";                      // XEP-0066
inline constexpr char kPing[] = "urn:xmpp:ping";                    // XEP-0199
inline constexpr char kReactions[] = "urn:xmpp:reactions:0";        // XEP-0444
inline constexpr char kReceipts[] = "urn:xmpp:receipts";            // XEP-0184
inline constexpr char kReply[] = "urn:xmpp:reply:0";                // XEP-0461
inline constexpr char kRetract[] = "urn:xmpp:message-retract:1";    // XEP-0424
inline constexpr char kStanzaId[] = "urn:xmpp:sid:0";               // XEP-0359
inline constexpr char kUpload[] = "urn:xmpp:http:upload:0";         // XEP-0363
inline constexpr char kVcard[] = "vcard-temp";                      // XEP-0054
inline constexpr char kVcardUpdate[] = "vcard-temp:x:update";       // XEP-0153
// The resource of the bridge and of its ghosts in rooms.
inline constexpr char kResource[] = "postern";

using TagPtr = std::unique_ptr<gloox::Tag>;
using Attributes = std::initializer_list<std::pair<const char*, std::string>>;

// A stanza or any other element. Texts and values lose what XML cannot carry.
TagPtr MakeTag(const char* name, Attributes attributes = {});
// Adds a child and returns it; the parent owns it. 'space' may be empty: the parent's.
gloox::Tag* Add(gloox::Tag& parent, const char* name, const char* space, Attributes attributes = {},
                const std::string& text = {});
// The first child of that name and namespace, or null.
const gloox::Tag* Child(const gloox::Tag& parent, std::string_view name, std::string_view space);
// The text of a child, "" without one.
std::string ChildText(const gloox::Tag& parent, std::string_view name);

// Reads one element; null when it is not well formed.
TagPtr ParseTag(const std::string& xml);

// What XML 1.0 allows of a text.
std::string Clean(std::string_view text);

// "bob@example.org/phone": bob@example.org, bob, example.org, phone.
std::string BareOf(const std::string& jid);
std::string NodeOf(const std::string& jid);
std::string DomainOf(const std::string& jid);
std::string ResourceOf(const std::string& jid);

// Byte offset of the n-th character of a UTF-8 text, its size when there are fewer.
size_t ByteOffset(std::string_view text, size_t characters);
size_t CharacterCount(std::string_view text);

}  // namespace postern::xmpp_bridge
