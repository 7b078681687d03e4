// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/wire.h"

#include <connection.h>
#include <prpl.h>
#include <signals.h>
#include <util.h>

namespace postern::purple {

std::string TakeString(char* text) {
  std::string result = text == nullptr ? "" : text;
  g_free(text);
  return result;
}

std::string Shortened(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) {
    --bytes_max;
  }
  return std::string(text.substr(0, bytes_max));
}

std::string FreshId() { return TakeString(purple_uuid_random()); }

xmlnode* AddChild(xmlnode* parent, const char* name, const char* xmlns) {
  xmlnode* child = xmlnode_new_child(parent, name);
  if (xmlns != nullptr) xmlnode_set_namespace(child, xmlns);
  return child;
}

xmlnode* AddText(xmlnode* parent, const char* name, const char* xmlns, std::string_view text) {
  xmlnode* child = AddChild(parent, name, xmlns);
  // libpurple takes a length of 0 for an empty text too.
  if (!text.empty()) xmlnode_insert_data(child, text.data(), static_cast<gssize>(text.size()));
  return child;
}

XmlNodePtr NewMessage(const std::string& to_jid, bool group, const std::string& id) {
  XmlNodePtr message(xmlnode_new("message"));
  xmlnode_set_attrib(message.get(), "to", to_jid.c_str());
  xmlnode_set_attrib(message.get(), "type", group ? "groupchat" : "chat");
  xmlnode_set_attrib(message.get(), "id", id.c_str());
  return message;
}

bool SendStanza(PurpleAccount* account, const xmlnode* stanza) {
  if (!purple_account_is_connected(account)) return false;
  PurpleConnection* connection = purple_account_get_connection(account);
  // A hook may put another stanza in this one's place.
  xmlnode* sent = const_cast<xmlnode*>(stanza);
  purple_signal_emit(purple_connection_get_prpl(connection), "jabber-sending-xmlnode", connection,
                     &sent);
  return true;
}

void SendBytes(PurpleAccount* account, const std::string& bytes) {
  PurpleConnection* connection = purple_account_get_connection(account);
  PurplePluginProtocolInfo* protocol =
      PURPLE_PLUGIN_PROTOCOL_INFO(purple_connection_get_prpl(connection));
  protocol->send_raw(connection, bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace postern::purple
