// SPDX-License-Identifier: GPL-3.0-or-later
// One XMPP account of libpurple as a gatekeeper: listens to libpurple's signals, hands events to an
// Outlet, carries out what the broker asks.
//
// Whether a message was encrypted is never assumed. Incoming: a stanza counts as encrypted when it
// came with an OMEMO payload and lurch has put the decrypted text in the payload's place. Outgoing:
// when the bytes written to the server carry an OMEMO payload. A chat that has been encrypted once
// in this run is not answered in clear.
//
// Everything here runs on libpurple's one thread and returns without waiting.
#pragma once

#include <account.h>
#include <connection.h>
#include <conversation.h>
#include <xmlnode.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/outlet.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/stanza.h"
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

  const EventMaker& maker() const { return maker_; }

  // What libpurple's signals call; public for the C functions that receive them.
  void BeforeDecryption(xmlnode* packet);
  void AfterDecryption(xmlnode* packet);
  void MessageArrived(const char* sender, const char* html, PurpleConversation* conversation);
  void LineWritten(const char* html, PurpleConversation* conversation, PurpleMessageFlags flags);
  void BeforeEncryption(xmlnode* packet);
  void AfterEncryption(xmlnode** packet);
  void BytesLeave(char** text);
  void SignedOn();
  void SignedOff();
  // The link to the broker is up again. Its hello said "connecting", as it did the first time.
  void AttachedAgain();
  void ConnectionFailed(PurpleConnectionError error, const char* description);
  void TypingChanged(const char* name, bool active);
  void PresenceChanged(PurpleBuddy* buddy);
  // One tick of the clock that bounds how long a command may wait for the network.
  void GiveUpOnOldSends();

  PurpleAccount* account() const { return account_; }

 private:
  // A message of ours between BeforeEncryption and the wire.
  struct Outgoing {
    std::string chat_jid;
    std::string text;
    std::string command_id;  // empty: the user wrote it in the client
    std::string error;       // what the client said against it
    std::time_t start_time = 0;
    bool answered = false;
  };

  void SendMessage(const std::string& command_id, const v1::SendMessageCommand& command);
  void Fail(const std::string& command_id, v1::CommandResult::State state, std::string reason,
            std::string missing_capability = {});
  void AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing);
  void ForgetSends();
  void SendBytes(const std::string& bytes);
  // Tells where the connection stands, when that is new.
  void SetState(v1::AccountState state, std::string_view reason);
  // Hands 'event' over; counts it as lost when it cannot, and says so with the next that can.
  void Hand(const v1::Event& event);
  // Says whom a chat is with, before the first thing that happens in it.
  void Announce(const std::string& chat_jid);
  std::string NameOf(const std::string& jid) const;
  std::string ChatOf(const char* name) const;
  std::string FreshId() const;

  PurpleAccount* account_;
  Outlet& outlet_;
  EventMaker maker_;
  Remembered remembered_;
  guint clock_ = 0;
  uint64_t lost_events_ = 0;
  v1::AccountState state_ = v1::ACCOUNT_STATE_UNSPECIFIED;

  // The stanza being parsed. libpurple parses, decrypts and signals in one go, so that what the
  // signals say next belongs to it.
  std::optional<StanzaFacts> incoming_;
  std::optional<std::string> incoming_text_;
  bool incoming_decrypted_ = false;

  std::string sending_command_id_;            // set while purple_conv_im_send runs for a command
  std::string sending_stanza_id_;             // the stanza it made
  std::string sending_error_;                 // what the client wrote against it meanwhile
  std::map<std::string, Outgoing> outgoing_;  // by the id of the stanza
  std::set<std::string> encrypted_chats_;
};

}  // namespace postern::purple
