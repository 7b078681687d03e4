// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/stanza.h"

#include <util.h>

#include <cstring>

#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kOmemoNamespace[] = "eu.siacs.conversations.axolotl";
constexpr char kCarbonsNamespace[] = "urn:xmpp:carbons:2";
constexpr char kForwardNamespace[] = "urn:xmpp:forward:0";
constexpr char kStanzaIdNamespace[] = "urn:xmpp:sid:0";
constexpr char kDelayNamespace[] = "urn:xmpp:delay";
constexpr char kErrorNamespace[] = "urn:ietf:params:xml:ns:xmpp-stanzas";

// A Signal message is a version byte and a protobuf. One that starts a session begins with the id
// of a one-time key, or, without one, with the base key; any other begins with the ratchet key
// (0x0a).
constexpr guchar kPreKeyIdTag = 0x08;
constexpr guchar kBaseKeyTag = 0x12;

// The message in <sent/> or <received/>, or null.
xmlnode* Forwarded(xmlnode* packet, const char* direction) {
  xmlnode* carbon = xmlnode_get_child_with_namespace(packet, direction, kCarbonsNamespace);
  if (carbon == nullptr) return nullptr;
  xmlnode* forwarded = xmlnode_get_child_with_namespace(carbon, "forwarded", kForwardNamespace);
  return forwarded == nullptr ? nullptr : xmlnode_get_child(forwarded, "message");
}

xmlnode* FirstKey(xmlnode* message) {
  xmlnode* encrypted = xmlnode_get_child_with_namespace(message, "encrypted", kOmemoNamespace);
  xmlnode* header = encrypted == nullptr ? nullptr : xmlnode_get_child(encrypted, "header");
  return header == nullptr ? nullptr : xmlnode_get_child(header, "key");
}

}  // namespace

std::string BareJid(std::string_view jid) { return std::string(jid.substr(0, jid.find('/'))); }

std::string ResourceOf(std::string_view jid) {
  const size_t slash = jid.find('/');
  return slash == std::string_view::npos ? "" : std::string(jid.substr(slash + 1));
}

std::string Attribute(const xmlnode* node, const char* name) {
  const char* value = node == nullptr ? nullptr : xmlnode_get_attrib(node, name);
  return value == nullptr ? "" : value;
}

std::string TextOf(xmlnode* node) {
  char* text = node == nullptr ? nullptr : xmlnode_get_data(node);
  std::string result = text == nullptr ? "" : text;
  g_free(text);
  return result;
}

xmlnode* ChildOf(xmlnode* node, const char* name, const char* xmlns) {
  return node == nullptr ? nullptr : xmlnode_get_child_with_namespace(node, name, xmlns);
}

bool IsNamed(const xmlnode* node, const char* name) {
  return node != nullptr && node->name != nullptr && std::strcmp(node->name, name) == 0;
}

bool IsMessage(const xmlnode* packet) { return IsNamed(packet, "message"); }

xmlnode* InnerMessage(xmlnode* packet) {
  if (xmlnode* sent = Forwarded(packet, "sent")) return sent;
  if (xmlnode* received = Forwarded(packet, "received")) return received;
  return packet;
}

bool HasOmemoPayload(xmlnode* message) {
  xmlnode* encrypted = xmlnode_get_child_with_namespace(message, "encrypted", kOmemoNamespace);
  return encrypted != nullptr && xmlnode_get_child(encrypted, "payload") != nullptr;
}

std::vector<std::string> OmemoDevices(xmlnode* message) {
  std::vector<std::string> devices;
  for (xmlnode* key = FirstKey(message); key != nullptr; key = xmlnode_get_next_twin(key)) {
    devices.push_back(Attribute(key, "rid"));
  }
  return devices;
}

bool MarkSessionStarts(xmlnode* message) {
  bool changed = false;
  xmlnode* key = FirstKey(message);
  for (; key != nullptr; key = xmlnode_get_next_twin(key)) {
    char* text = xmlnode_get_data(key);
    gsize size = 0;
    guchar* bytes = text == nullptr ? nullptr : g_base64_decode(text, &size);
    if (bytes != nullptr && size > 1 && (bytes[1] == kPreKeyIdTag || bytes[1] == kBaseKeyTag) &&
        xmlnode_get_attrib(key, "prekey") == nullptr) {
      xmlnode_set_attrib(key, "prekey", "true");
      changed = true;
    }
    g_free(bytes);
    g_free(text);
  }
  return changed;
}

std::optional<std::string> Body(xmlnode* message) {
  xmlnode* body = xmlnode_get_child(message, "body");
  if (body == nullptr) return std::nullopt;
  return TextOf(body);
}

StanzaError ReadError(xmlnode* stanza) {
  StanzaError result;
  xmlnode* error = xmlnode_get_child(stanza, "error");
  result.condition = "undefined-condition";
  result.retriable = Attribute(error, "type") == "wait";
  for (xmlnode* child = error == nullptr ? nullptr : error->child; child != nullptr;
       child = child->next) {
    // Beside it an error may hold the author's own words for it, and what was refused.
    const char* xmlns = child->type == XMLNODE_TYPE_TAG ? xmlnode_get_namespace(child) : nullptr;
    if (xmlns == nullptr || std::strcmp(xmlns, kErrorNamespace) != 0) continue;
    if (!IsNamed(child, "text")) {
      result.condition = Shortened(child->name, kConditionBytesMax);
    } else if (ResourceOf(Attribute(stanza, "from")).empty()) {
      result.text = Shortened(TextOf(child), kErrorTextBytesMax);
    }
  }
  return result;
}

StanzaFacts ReadFacts(xmlnode* packet) {
  StanzaFacts facts;
  if (Forwarded(packet, "sent") != nullptr) facts.carbon = Carbon::kSent;
  if (Forwarded(packet, "received") != nullptr) facts.carbon = Carbon::kReceived;
  xmlnode* message = InnerMessage(packet);
  facts.id = Attribute(message, "id");
  facts.from_jid = BareJid(Attribute(message, "from"));
  facts.from_resource = ResourceOf(Attribute(message, "from"));
  facts.to_jid = BareJid(Attribute(message, "to"));
  facts.type = Attribute(message, "type");
  if (facts.type == "error") facts.error = ReadError(message);
  facts.encrypted = HasOmemoPayload(message);
  facts.clear_text = Body(message).value_or("");
  for (xmlnode* id = xmlnode_get_child_with_namespace(message, "stanza-id", kStanzaIdNamespace);
       id != nullptr; id = xmlnode_get_next_twin(id)) {
    // Whoever writes can put one in; only the room's own counts.
    if (Attribute(id, "by") == facts.from_jid) facts.stanza_id = Attribute(id, "id");
  }
  // In a carbon the time is beside the message, not in it.
  xmlnode* holder = message == packet || message->parent == nullptr ? message : message->parent;
  const std::string stamp =
      Attribute(xmlnode_get_child_with_namespace(holder, "delay", kDelayNamespace), "stamp");
  if (!stamp.empty()) {
    const std::time_t time = purple_str_to_time(stamp.c_str(), TRUE, nullptr, nullptr, nullptr);
    if (time != 0) facts.delay_time = time;
  }
  return facts;
}

}  // namespace postern::purple
