// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/signals.h"

#include <blist.h>
#include <connection.h>
#include <conversation.h>
#include <plugin.h>
#include <prpl.h>
#include <signals.h>

#include "clients/gatekeepers/purple/account_adapter.h"

namespace postern::purple {
namespace {

// lurch listens 100 below the highest priority, the protocol itself at the highest. In between
// purple-xmpp-carbons takes the text out of what was sent from another device.
constexpr int kBeforeAll = PURPLE_SIGNAL_PRIORITY_LOWEST;
constexpr int kBetweenLurchAndCarbons = PURPLE_SIGNAL_PRIORITY_HIGHEST - 75;
constexpr int kAfterLurch = PURPLE_SIGNAL_PRIORITY_HIGHEST - 1;

AccountAdapter& AdapterOf(void* data) { return *static_cast<AccountAdapter*>(data); }

bool IsOurs(PurpleConnection* connection, void* data) {
  return purple_connection_get_account(connection) == AdapterOf(data).account();
}

void OnReceivingFirst(PurpleConnection* connection, xmlnode** packet, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).BeforeDecryption(*packet);
}

void OnReceivingLast(PurpleConnection* connection, xmlnode** packet, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).AfterDecryption(*packet);
}

void OnSendingFirst(PurpleConnection* connection, xmlnode** packet, void* data) {
  if (IsOurs(connection, data) && *packet != nullptr) AdapterOf(data).BeforeEncryption(*packet);
}

void OnSendingLast(PurpleConnection* connection, xmlnode** packet, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).AfterEncryption(packet);
}

void OnSendingText(PurpleConnection* connection, char** text, void* data) {
  if (IsOurs(connection, data) && *text != nullptr) AdapterOf(data).BytesLeave(text);
}

void OnWrote(PurpleAccount* account, const char*, char* html, PurpleConversation*,
             PurpleMessageFlags flags, void* data) {
  if (account == AdapterOf(data).account()) AdapterOf(data).LineWritten(html, flags);
}

void OnBuddy(PurpleBuddy* buddy, void* data) {
  if (purple_buddy_get_account(buddy) == AdapterOf(data).account()) {
    AdapterOf(data).PresenceChanged(buddy);
  }
}

void OnBuddyStatus(PurpleBuddy* buddy, PurpleStatus*, PurpleStatus*, void* data) {
  OnBuddy(buddy, data);
}

void OnBuddyIdle(PurpleBuddy* buddy, gboolean, gboolean, void* data) { OnBuddy(buddy, data); }

void OnSignedOn(PurpleConnection* connection, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).SignedOn();
}

void OnSignedOff(PurpleConnection* connection, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).SignedOff();
}

void OnConnectionError(PurpleConnection* connection, PurpleConnectionError error,
                       const char* description, void* data) {
  if (IsOurs(connection, data)) AdapterOf(data).ConnectionFailed(error, description);
}

void Connect(void* instance, const char* signal, AccountAdapter& adapter, PurpleCallback callback,
             int priority = PURPLE_SIGNAL_PRIORITY_DEFAULT) {
  purple_signal_connect_priority(instance, signal, &adapter, callback, &adapter, priority);
}

}  // namespace

void ConnectSignals(AccountAdapter& adapter) {
  PurplePlugin* jabber = purple_find_prpl("prpl-jabber");
  Connect(jabber, "jabber-receiving-xmlnode", adapter, PURPLE_CALLBACK(OnReceivingFirst),
          kBeforeAll);
  Connect(jabber, "jabber-receiving-xmlnode", adapter, PURPLE_CALLBACK(OnReceivingLast),
          kBetweenLurchAndCarbons);
  Connect(jabber, "jabber-sending-xmlnode", adapter, PURPLE_CALLBACK(OnSendingFirst), kBeforeAll);
  Connect(jabber, "jabber-sending-xmlnode", adapter, PURPLE_CALLBACK(OnSendingLast), kAfterLurch);
  Connect(jabber, "jabber-sending-text", adapter, PURPLE_CALLBACK(OnSendingText), kAfterLurch);
  void* conversations = purple_conversations_get_handle();
  Connect(conversations, "wrote-im-msg", adapter, PURPLE_CALLBACK(OnWrote));
  Connect(conversations, "wrote-chat-msg", adapter, PURPLE_CALLBACK(OnWrote));
  void* people = purple_blist_get_handle();
  Connect(people, "buddy-signed-on", adapter, PURPLE_CALLBACK(OnBuddy));
  Connect(people, "buddy-signed-off", adapter, PURPLE_CALLBACK(OnBuddy));
  Connect(people, "buddy-status-changed", adapter, PURPLE_CALLBACK(OnBuddyStatus));
  // The protocol sets since when somebody is idle, and that they no longer are, after their status.
  Connect(people, "buddy-idle-changed", adapter, PURPLE_CALLBACK(OnBuddyIdle));
  void* connections = purple_connections_get_handle();
  Connect(connections, "signed-on", adapter, PURPLE_CALLBACK(OnSignedOn));
  Connect(connections, "signed-off", adapter, PURPLE_CALLBACK(OnSignedOff));
  Connect(connections, "connection-error", adapter, PURPLE_CALLBACK(OnConnectionError));
}

void DisconnectSignals(AccountAdapter& adapter) { purple_signals_disconnect_by_handle(&adapter); }

}  // namespace postern::purple
