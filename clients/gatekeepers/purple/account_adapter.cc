// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/account_adapter.h"

#include <util.h>

#include <string>
#include <utility>

#include "clients/gatekeepers/purple/signals.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr guint kClockSeconds = 5;
// Of what a server says when it refuses; a developer reads it.
constexpr size_t kReasonBytesMax = 200;

gboolean OnClock(gpointer adapter) {
  static_cast<AccountAdapter*>(adapter)->GiveUpOnOld();
  return G_SOURCE_CONTINUE;
}

}  // namespace

AccountAdapter::AccountAdapter(PurpleAccount* account, Outlet& outlet)
    : account_(account),
      maker_(BareJid(purple_account_get_username(account))),
      reporter_(outlet, maker_),
      remembered_(purple_user_dir()),
      own_reactions_(remembered_),
      requests_(account),
      chats_(account, maker_, reporter_, remembered_),
      parts_{account, maker_, reporter_, requests_, remembered_, recent_, chats_},
      services_(parts_),
      rooms_(parts_),
      people_(parts_),
      outbox_(parts_),
      inbox_(parts_, rooms_, people_, outbox_, own_reactions_),
      message_commands_(parts_, rooms_, outbox_, own_reactions_),
      chat_commands_(parts_, rooms_, people_, services_),
      files_(parts_, outlet, services_),
      clock_(g_timeout_add_seconds(kClockSeconds, OnClock, this)) {
  ConnectSignals(*this);
}

AccountAdapter::~AccountAdapter() {
  DisconnectSignals(*this);
  g_source_remove(clock_);
  outbox_.ForgetAll();
}

// -- stanzas

void AccountAdapter::BeforeDecryption(xmlnode* packet) {
  if (IsMessage(packet)) {
    requests_.TakeRefusal(packet);
    inbox_.BeforeDecryption(packet);
  } else if (IsNamed(packet, "presence")) {
    rooms_.TakePresence(packet);
    people_.TakePresence(packet);
  } else if (IsNamed(packet, "iq")) {
    requests_.Take(packet);
    people_.TakeIq(packet);
  }
}

void AccountAdapter::BeforeEncryption(xmlnode* packet) {
  if (IsNamed(packet, "presence")) {
    rooms_.OwnPresenceLeaves(packet);
  } else {
    outbox_.BeforeEncryption(packet);
  }
}

void AccountAdapter::LineWritten(const char* html, PurpleMessageFlags flags) {
  if ((flags & PURPLE_MESSAGE_SEND) != 0 && (flags & PURPLE_MESSAGE_RECV) == 0) {
    inbox_.OwnLineWritten(html);
  }
  if ((flags & PURPLE_MESSAGE_ERROR) == 0) return;
  outbox_.ErrorWritten(TakeString(purple_markup_strip_html(html)));
}

// -- what the broker asks

void AccountAdapter::Execute(const v1::Command& command) {
  const std::string& id = command.command_id();
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
      return message_commands_.Send(id, command.send_message());
    case v1::Command::kPostNotice: {
      // The user's own message in every way: encrypted as those are, or not sent.
      v1::SendMessageCommand notice;
      notice.set_chat_id(command.post_notice().chat_id());
      notice.set_text(command.post_notice().text());
      return message_commands_.Send(id, notice);
    }
    case v1::Command::kEditMessage:
      return message_commands_.Edit(id, command.edit_message());
    case v1::Command::kDeleteMessage:
      return message_commands_.Delete(id, command.delete_message());
    case v1::Command::kSetReaction:
      return message_commands_.SetReaction(id, command.set_reaction());
    case v1::Command::kMarkRead:
      return message_commands_.MarkRead(id, command.mark_read());
    case v1::Command::kSetTyping:
      return message_commands_.SetTyping(id, command.set_typing());
    case v1::Command::kDownload:
      return files_.Download(id, command.download());
    case v1::Command::kUpload:
      return files_.Upload(id, command.upload());
    case v1::Command::kCreateChat:
      return chat_commands_.Create(id, command.create_chat());
    case v1::Command::kUpdateChat:
      return chat_commands_.Update(id, command.update_chat());
    case v1::Command::kVotePoll:
      return reporter_.Fail(id, "this network has no polls", "poll");
    case v1::Command::kCreateDraft:
      return reporter_.Fail(id, "this client shows no drafts", "draft");
    case v1::Command::kBackfill:
      return reporter_.Fail(id, "libpurple does not ask servers for history", "backfill");
    case v1::Command::KIND_NOT_SET:
      return reporter_.Fail(id, "this adapter is older than the command");
  }
}

// -- the account

void AccountAdapter::SignedOn() {
  if (const auto unfinished = remembered_.BeginSession()) {
    reporter_.Hand(maker_.Gap(0, *unfinished));
  }
  SetState(v1::ACCOUNT_STATE_ONLINE, "");
  services_.SignedOn();
  rooms_.SignedOn();
}

void AccountAdapter::AttachedAgain() {
  if (state_ != v1::ACCOUNT_STATE_UNSPECIFIED) reporter_.Hand(maker_.AccountState(state_, ""));
}

void AccountAdapter::SignedOff() {
  outbox_.ForgetAll();
  inbox_.Forget();
  requests_.GiveUpOnAll();
  rooms_.SignedOff();
  remembered_.EndSession();
  // After an error this is its echo.
  if (state_ != v1::ACCOUNT_STATE_LOGGED_OUT) SetState(v1::ACCOUNT_STATE_OFFLINE, "");
}

void AccountAdapter::ConnectionFailed(PurpleConnectionError error, const char* description) {
  const bool asks_for_login = error == PURPLE_CONNECTION_ERROR_AUTHENTICATION_FAILED ||
                              error == PURPLE_CONNECTION_ERROR_INVALID_USERNAME;
  SetState(asks_for_login ? v1::ACCOUNT_STATE_LOGGED_OUT : v1::ACCOUNT_STATE_OFFLINE,
           Shortened(description == nullptr ? "" : description, kReasonBytesMax));
}

void AccountAdapter::SetState(v1::AccountState state, std::string_view reason) {
  if (std::exchange(state_, state) != state) reporter_.Hand(maker_.AccountState(state, reason));
}

void AccountAdapter::GiveUpOnOld() {
  outbox_.GiveUpOnOld();
  requests_.GiveUpOnOld();
  services_.Tick();
}

}  // namespace postern::purple
