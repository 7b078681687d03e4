// SPDX-License-Identifier: GPL-3.0-or-later
// One XMPP account of libpurple as a gatekeeper: listens to libpurple's signals, hands events to an
// Outlet, carries out what the broker asks.
//
// Whether a message was encrypted is never assumed. Incoming: a stanza counts as encrypted when it
// came with an OMEMO payload and lurch has put the decrypted text in the payload's place. Outgoing:
// when the bytes written to the server carry an OMEMO payload. A chat that has been encrypted once
// is not written to in clear.
//
// The nouns: inbox and outbox (messages), rooms, people, chat book, files; message_commands and
// chat_commands are what the broker asks for. This file only passes on.
//
// Everything here runs on libpurple's one thread and returns without waiting.
#pragma once

#include <account.h>
#include <connection.h>
#include <conversation.h>
#include <xmlnode.h>

#include <string_view>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/chat_commands.h"
#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/files.h"
#include "clients/gatekeepers/purple/inbox.h"
#include "clients/gatekeepers/purple/message_commands.h"
#include "clients/gatekeepers/purple/outbox.h"
#include "clients/gatekeepers/purple/outlet.h"
#include "clients/gatekeepers/purple/people.h"
#include "clients/gatekeepers/purple/reactions.h"
#include "clients/gatekeepers/purple/recent.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/rooms.h"
#include "clients/gatekeepers/purple/services.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class AccountAdapter {
 public:
  // Starts to listen. 'account' is an XMPP account; 'outlet' must outlive the adapter.
  AccountAdapter(PurpleAccount* account, Outlet& outlet);
  // Stops to listen. Commands that wait for the network are answered UNKNOWN.
  ~AccountAdapter();
  AccountAdapter(const AccountAdapter&) = delete;
  AccountAdapter& operator=(const AccountAdapter&) = delete;

  // Carries 'command' out and answers it, now or when the network has taken it.
  void Execute(const v1::Command& command);
  // The bytes of files, both ways.
  Files& files() { return files_; }

  // What libpurple's signals call; public for the C functions that receive them.
  void BeforeDecryption(xmlnode* packet);
  void AfterDecryption(xmlnode* packet) { inbox_.AfterDecryption(packet); }
  void LineWritten(const char* html, PurpleMessageFlags flags);
  void BeforeEncryption(xmlnode* packet);
  void AfterEncryption(xmlnode** packet) { outbox_.AfterEncryption(packet); }
  void BytesLeave(char** text) { outbox_.BytesLeave(text); }
  void SignedOn();
  void SignedOff();
  // The link to the broker is up again. Its hello said "connecting", as it did the first time.
  void AttachedAgain();
  void ConnectionFailed(PurpleConnectionError error, const char* description);
  void PresenceChanged(PurpleBuddy* buddy) { people_.PresenceChanged(buddy); }
  // One tick of the clock that bounds how long anything may wait for the network.
  void GiveUpOnOld();

  PurpleAccount* account() const { return account_; }

 private:
  // Tells where the connection stands, when that is new.
  void SetState(v1::AccountState state, std::string_view reason);

  PurpleAccount* account_;
  const EventMaker maker_;
  Reporter reporter_;
  Remembered remembered_;
  OwnReactions own_reactions_;
  RecentMessages recent_;
  Requests requests_;
  ChatBook chats_;
  const Parts parts_;
  Services services_;
  Rooms rooms_;
  People people_;
  Outbox outbox_;
  Inbox inbox_;
  MessageCommands message_commands_;
  ChatCommands chat_commands_;
  Files files_;
  guint clock_ = 0;
  v1::AccountState state_ = v1::ACCOUNT_STATE_UNSPECIFIED;
};

}  // namespace postern::purple
