// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/account_adapter.h"

#include <absl/strings/str_cat.h>
#include <blist.h>
#include <prpl.h>
#include <status.h>
#include <util.h>

#include <string_view>
#include <utility>

#include "clients/gatekeepers/purple/command_words.h"
#include "clients/gatekeepers/purple/signals.h"

namespace postern::purple {
namespace {

// lurch looks keys up before it sends to a new device: some round trips. After this the broker
// hears that nobody knows, and does not send again.
constexpr std::time_t kSendSecondsMax = 30;
constexpr guint kClockSeconds = 5;
// Of what the client writes when a send fails; a developer reads it, it never holds message text.
constexpr size_t kReasonBytesMax = 200;

std::string TakeString(char* text) {
  std::string result = text == nullptr ? "" : text;
  g_free(text);
  return result;
}

std::string PlainText(const char* html) { return TakeString(purple_markup_strip_html(html)); }

// What purple_conv_im_send takes: HTML that shows exactly 'text'.
std::string HtmlOf(const std::string& text) {
  const std::string escaped =
      TakeString(g_markup_escape_text(text.data(), static_cast<gssize>(text.size())));
  return TakeString(purple_strreplace(escaped.c_str(), "\n", "<br>"));
}

bool IsOneToOne(const StanzaFacts& facts) {
  return facts.type == "chat" || facts.type.empty() || facts.type == "normal";
}

gboolean OnClock(gpointer adapter) {
  static_cast<AccountAdapter*>(adapter)->GiveUpOnOldSends();
  return G_SOURCE_CONTINUE;
}

}  // namespace

AccountAdapter::AccountAdapter(PurpleAccount* account, Outlet& outlet)
    : account_(account),
      outlet_(outlet),
      maker_(BareJid(purple_account_get_username(account))),
      remembered_(purple_user_dir()),
      clock_(g_timeout_add_seconds(kClockSeconds, OnClock, this)) {
  ConnectSignals(*this);
}

AccountAdapter::~AccountAdapter() {
  DisconnectSignals(*this);
  g_source_remove(clock_);
  ForgetSends();
}

// -- what libpurple tells: incoming
// ------------------------------------------------------------------

void AccountAdapter::BeforeDecryption(xmlnode* packet) {
  incoming_.reset();
  incoming_text_.reset();
  incoming_decrypted_ = false;
  if (!IsMessage(packet)) return;
  incoming_ = ReadFacts(packet);
  if (!IsOneToOne(*incoming_) || incoming_->carbon != Carbon::kNone) return;
  if (!incoming_->delivered_id.empty()) {
    Hand(maker_.Receipt(incoming_->from_jid, incoming_->delivered_id, v1::Receipt::KIND_DELIVERED));
  }
  if (!incoming_->displayed_id.empty()) {
    Hand(maker_.Receipt(incoming_->from_jid, incoming_->displayed_id, v1::Receipt::KIND_READ));
  }
}

void AccountAdapter::AfterDecryption(xmlnode* packet) {
  if (!incoming_) return;
  if (packet != nullptr && IsMessage(packet)) {
    xmlnode* message = InnerMessage(packet);
    incoming_text_ = Body(message);
    incoming_decrypted_ =
        incoming_->encrypted && incoming_text_.has_value() && !HasOmemoPayload(message);
  }
  // From the owner it is a copy of what was written elsewhere: lurch shows that itself.
  if (incoming_->encrypted && !incoming_decrypted_ && IsOneToOne(*incoming_) &&
      incoming_->from_jid != maker_.owner_jid()) {
    v1::Event gap = maker_.Gap(1, 0);
    Announce(incoming_->from_jid);
    gap.set_chat_id(incoming_->from_jid);
    Hand(gap);
  }
}

void AccountAdapter::MessageArrived(const char* sender, const char* html, PurpleConversation*) {
  const std::optional<StanzaFacts> facts = std::exchange(incoming_, std::nullopt);
  const std::string chat_jid = ChatOf(sender);
  // What lurch could not open arrives here as its hint for other clients: AfterDecryption reported
  // it.
  if (chat_jid.empty() || (facts && facts->encrypted && !incoming_decrypted_)) return;
  MessageFacts message;
  message.id = facts && !facts->id.empty()          ? facts->id
               : facts && !facts->stanza_id.empty() ? facts->stanza_id
                                                    : FreshId();
  message.chat_jid = chat_jid;
  message.sender_name = NameOf(chat_jid);
  message.end_to_end_encrypted = incoming_decrypted_;
  message.text = facts && incoming_text_ ? *incoming_text_ : PlainText(html);
  message.time = facts ? facts->delay_time.value_or(std::time(nullptr)) : std::time(nullptr);
  if (message.end_to_end_encrypted) encrypted_chats_.insert(chat_jid);
  Announce(chat_jid);
  Hand(maker_.Message(message));
}

void AccountAdapter::LineWritten(const char* html, PurpleConversation* conversation,
                                 PurpleMessageFlags flags) {
  if ((flags & PURPLE_MESSAGE_ERROR) != 0) {
    if (!sending_command_id_.empty()) sending_error_ = PlainText(html).substr(0, kReasonBytesMax);
    return;
  }
  // What this client sends is taken from its stanza. Left are copies of what another device sent.
  const bool copy = (flags & PURPLE_MESSAGE_SEND) != 0 && (flags & PURPLE_MESSAGE_RECV) == 0 &&
                    incoming_ && incoming_->from_jid == maker_.owner_jid();
  if (!copy) return;
  const StanzaFacts facts = *std::exchange(incoming_, std::nullopt);
  MessageFacts message;
  message.chat_jid = ChatOf(purple_conversation_get_name(conversation));
  if (message.chat_jid.empty()) return;
  message.id = facts.id.empty() ? FreshId() : facts.id;
  message.sender_name = maker_.owner_jid();
  message.from_owner = true;
  message.text = PlainText(html);
  message.end_to_end_encrypted = facts.encrypted && message.text != facts.clear_text;
  message.time = facts.delay_time.value_or(std::time(nullptr));
  Announce(message.chat_jid);
  Hand(maker_.Message(message));
}

// -- what libpurple tells: outgoing
// ------------------------------------------------------------------

void AccountAdapter::BeforeEncryption(xmlnode* packet) {
  if (!IsMessage(packet) || HasOmemoPayload(packet)) return;
  const StanzaFacts facts = ReadFacts(packet);
  const std::optional<std::string> text = Body(packet);
  if (!IsOneToOne(facts) || facts.id.empty() || !text) return;
  Outgoing outgoing;
  outgoing.chat_jid = ChatOf(facts.to_jid.c_str());
  outgoing.text = *text;
  outgoing.command_id = sending_command_id_;
  outgoing.start_time = std::time(nullptr);
  if (!sending_command_id_.empty()) sending_stanza_id_ = facts.id;
  outgoing_[facts.id] = std::move(outgoing);
}

void AccountAdapter::AfterEncryption(xmlnode** packet) {
  if (*packet == nullptr || !IsMessage(*packet) || !Body(*packet)) return;
  if (HasOmemoPayload(*packet)) {
    // The text once more, in clear: it must not leave beside the encrypted one.
    while (xmlnode* html = xmlnode_get_child(*packet, "html")) xmlnode_free(html);
    return;
  }
  const StanzaFacts facts = ReadFacts(*packet);
  if (encrypted_chats_.count(facts.to_jid) == 0) return;
  // Who called for the stanza to be sent still owns it: it is not freed here.
  *packet = nullptr;
  const auto found = outgoing_.find(facts.id);
  if (found == outgoing_.end()) return;
  found->second.error = "the chat has been encrypted, and the client would have sent this in clear";
}

void AccountAdapter::BytesLeave(char** text) {
  if (!std::string_view(*text).starts_with("<message")) return;
  const XmlNodePtr packet(xmlnode_from_str(*text, -1));
  if (packet == nullptr || !IsMessage(packet.get())) return;
  // Mended here, not in the tree: what lurch kept until it had the keys leaves as bytes only.
  if (MarkSessionStarts(packet.get())) {
    *text = nullptr;  // in its place goes the mended one, which comes through here again
    SendBytes(TakeString(xmlnode_to_str(packet.get(), nullptr)));
    return;
  }
  const char* id = xmlnode_get_attrib(packet.get(), "id");
  const auto found = id == nullptr ? outgoing_.end() : outgoing_.find(id);
  if (found == outgoing_.end()) return;
  Outgoing outgoing = std::move(found->second);
  const std::string stanza_id = found->first;
  outgoing_.erase(found);

  const bool answers = !outgoing.command_id.empty() && !outgoing.answered;
  if (answers && !sending_error_.empty()) {
    // lurch warns, and then sends a payload that is encrypted for nobody.
    Fail(outgoing.command_id, v1::CommandResult::STATE_FAILED, sending_error_);
    return;
  }
  MessageFacts message;
  message.id = stanza_id;
  message.chat_jid = outgoing.chat_jid;
  message.sender_name = maker_.owner_jid();
  message.from_owner = true;
  message.text = std::move(outgoing.text);
  message.end_to_end_encrypted = HasOmemoPayload(packet.get());
  message.time = std::time(nullptr);
  if (message.end_to_end_encrypted) encrypted_chats_.insert(message.chat_jid);
  Announce(message.chat_jid);
  const v1::Event event = maker_.Message(message);
  if (!answers) {
    Hand(event);
    return;
  }
  v1::CommandResult result;
  result.set_command_id(outgoing.command_id);
  result.set_state(v1::CommandResult::STATE_SENT);
  result.set_message_id(stanza_id);
  result.set_end_to_end_encrypted(message.end_to_end_encrypted);
  const absl::Status status = outlet_.Answer(result, {&event, 1});
  if (!status.ok()) {
    ++lost_events_;
    g_warning("a sent message could not be recorded: %s",
              absl::StatusCodeToString(status.code()).c_str());
  }
}

void AccountAdapter::SendBytes(const std::string& bytes) {
  PurpleConnection* connection = purple_account_get_connection(account_);
  PurplePluginProtocolInfo* protocol =
      PURPLE_PLUGIN_PROTOCOL_INFO(purple_connection_get_prpl(connection));
  protocol->send_raw(connection, bytes.data(), static_cast<int>(bytes.size()));
}

// -- what the broker asks
// ----------------------------------------------------------------------------

void AccountAdapter::Execute(const v1::Command& command) {
  if (command.has_send_message()) {
    SendMessage(command.command_id(), command.send_message());
    return;
  }
  if (command.has_post_notice()) {
    // The user's own message in every way: encrypted as those are, or not sent.
    v1::SendMessageCommand notice;
    notice.set_chat_id(command.post_notice().chat_id());
    notice.set_text(command.post_notice().text());
    SendMessage(command.command_id(), notice);
    return;
  }
  Fail(command.command_id(), v1::CommandResult::STATE_FAILED, "this gatekeeper carries text only",
       MissingCapability(command.kind_case()));
}

void AccountAdapter::SendMessage(const std::string& command_id,
                                 const v1::SendMessageCommand& command) {
  using Result = v1::CommandResult;
  if (!purple_account_is_connected(account_)) {
    return Fail(command_id, Result::STATE_FAILED_RETRIABLE, "the account is offline");
  }
  if (command.attachment_ids_size() > 0) {
    return Fail(command_id, Result::STATE_FAILED, "this gatekeeper carries text only",
                "attachment");
  }
  const std::string chat_jid = ChatOf(command.chat_id().c_str());
  if (chat_jid.find('@') == std::string::npos) {
    return Fail(command_id, Result::STATE_FAILED, "no such chat");
  }
  if (command.text().empty() || command.text().find('\0') != std::string::npos ||
      !g_utf8_validate(command.text().data(), static_cast<gssize>(command.text().size()),
                       nullptr)) {
    return Fail(command_id, Result::STATE_FAILED, "the text is empty or cannot be written in XML");
  }
  PurpleConversation* conversation =
      purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, chat_jid.c_str(), account_);
  if (conversation == nullptr) {
    conversation = purple_conversation_new(PURPLE_CONV_TYPE_IM, account_, chat_jid.c_str());
  }
  sending_command_id_ = command_id;
  sending_stanza_id_.clear();
  sending_error_.clear();
  const std::string text = command.attribution().empty()
                               ? command.text()
                               : absl::StrCat(command.text(), "\n", command.attribution());
  purple_conv_im_send(PURPLE_CONV_IM(conversation), HtmlOf(text).c_str());
  sending_command_id_.clear();
  const std::string error = std::exchange(sending_error_, {});
  if (sending_stanza_id_.empty()) {
    return Fail(command_id, Result::STATE_FAILED,
                error.empty() ? "the client did not take the text" : error);
  }
  const auto waiting = outgoing_.find(sending_stanza_id_);
  if (waiting == outgoing_.end()) return;  // on its way, and answered
  if (waiting->second.error.empty()) waiting->second.error = error;
  if (waiting->second.error.empty()) return;  // lurch fetches keys first
  Fail(command_id, Result::STATE_FAILED_RETRIABLE, waiting->second.error);
  outgoing_.erase(waiting);
}

void AccountAdapter::Fail(const std::string& command_id, v1::CommandResult::State state,
                          std::string reason, std::string missing_capability) {
  v1::CommandResult result;
  result.set_command_id(command_id);
  result.set_state(state);
  result.set_reason(std::move(reason));
  result.set_missing_capability(std::move(missing_capability));
  const absl::Status status = outlet_.Answer(result, {});
  if (!status.ok()) {
    g_warning("a command could not be answered: %s",
              absl::StatusCodeToString(status.code()).c_str());
  }
}

void AccountAdapter::AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing) {
  if (outgoing.command_id.empty() || outgoing.answered) return;
  outgoing.answered = true;
  v1::CommandResult result;
  result.set_command_id(outgoing.command_id);
  result.set_state(v1::CommandResult::STATE_UNKNOWN);
  result.set_message_id(stanza_id);
  result.set_reason("the client took the text, but it was not seen to leave");
  outlet_.Answer(result, {}).IgnoreError();  // nothing else could be done for it
}

void AccountAdapter::GiveUpOnOldSends() {
  const std::time_t now = std::time(nullptr);
  for (auto& [stanza_id, outgoing] : outgoing_) {
    if (now - outgoing.start_time > kSendSecondsMax) AnswerUnsent(stanza_id, outgoing);
  }
}

void AccountAdapter::ForgetSends() {
  for (auto& [stanza_id, outgoing] : outgoing_) AnswerUnsent(stanza_id, outgoing);
  outgoing_.clear();
}

// -- the account and the people
// ----------------------------------------------------------------------

void AccountAdapter::SignedOn() {
  if (const auto unfinished = remembered_.BeginSession()) Hand(maker_.Gap(0, *unfinished));
  SetState(v1::ACCOUNT_STATE_ONLINE, "");
}

void AccountAdapter::AttachedAgain() {
  if (state_ != v1::ACCOUNT_STATE_UNSPECIFIED) Hand(maker_.AccountState(state_, ""));
}

void AccountAdapter::SignedOff() {
  ForgetSends();
  incoming_.reset();
  remembered_.EndSession();
  // After an error this is its echo.
  if (state_ != v1::ACCOUNT_STATE_LOGGED_OUT) SetState(v1::ACCOUNT_STATE_OFFLINE, "");
}

void AccountAdapter::ConnectionFailed(PurpleConnectionError error, const char* description) {
  const bool asks_for_login = error == PURPLE_CONNECTION_ERROR_AUTHENTICATION_FAILED ||
                              error == PURPLE_CONNECTION_ERROR_INVALID_USERNAME;
  SetState(asks_for_login ? v1::ACCOUNT_STATE_LOGGED_OUT : v1::ACCOUNT_STATE_OFFLINE,
           std::string_view(description == nullptr ? "" : description).substr(0, kReasonBytesMax));
}

void AccountAdapter::SetState(v1::AccountState state, std::string_view reason) {
  if (std::exchange(state_, state) != state) Hand(maker_.AccountState(state, reason));
}

void AccountAdapter::TypingChanged(const char* name, bool active) {
  const std::string chat_jid = ChatOf(name);
  // A chat begins with a message; who only begins to type has not started one.
  if (remembered_.Knows(chat_jid)) Hand(maker_.Typing(chat_jid, active));
}

void AccountAdapter::PresenceChanged(PurpleBuddy* buddy) {
  const std::string jid = ChatOf(purple_buddy_get_name(buddy));
  if (jid.empty()) return;
  PurplePresence* presence = purple_buddy_get_presence(buddy);
  Hand(maker_.Presence(jid, !purple_presence_is_online(presence) ? v1::Presence::STATE_OFFLINE
                            : !purple_presence_is_available(presence)
                                ? v1::Presence::STATE_AWAY
                                : v1::Presence::STATE_ONLINE));
}

void AccountAdapter::Hand(const v1::Event& event) {
  if (lost_events_ > 0 && outlet_.Submit(maker_.Gap(lost_events_, 0)).ok()) lost_events_ = 0;
  const absl::Status status = outlet_.Submit(event);
  if (status.ok()) return;
  ++lost_events_;
  g_warning("an event could not be kept: %s", absl::StatusCodeToString(status.code()).c_str());
}

void AccountAdapter::Announce(const std::string& chat_jid) {
  if (remembered_.Knows(chat_jid)) return;
  const std::string name = NameOf(chat_jid);
  Hand(
      maker_.ContactSeen(chat_jid, name, purple_find_buddy(account_, chat_jid.c_str()) != nullptr));
  Hand(maker_.ChatCreated(chat_jid, name));
  remembered_.Add(chat_jid);
}

std::string AccountAdapter::NameOf(const std::string& jid) const {
  PurpleBuddy* buddy = purple_find_buddy(account_, jid.c_str());
  const char* alias = buddy == nullptr ? nullptr : purple_buddy_get_alias(buddy);
  return alias == nullptr ? jid : alias;
}

// Empty for a name that is no person's: someone inside a group room, whom no 1:1 chat may stand
// for.
std::string AccountAdapter::ChatOf(const char* name) const {
  const char* normalized = name == nullptr ? nullptr : purple_normalize(account_, name);
  const std::string jid = normalized == nullptr ? "" : normalized;
  return jid.find('/') == std::string::npos ? jid : "";
}

std::string AccountAdapter::FreshId() const { return TakeString(purple_uuid_random()); }

}  // namespace postern::purple
