// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/outbox.h"

#include <account.h>
#include <conversation.h>
#include <glib.h>
#include <util.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "clients/gatekeepers/purple/annotations.h"
#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/recent.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

// lurch looks keys up before it sends to a new device: some round trips. After this the broker
// hears that nobody knows, and does not send again.
constexpr std::time_t kSendSecondsMax = 30;
// What a room never sent back is forgotten.
constexpr std::time_t kReflectionSecondsMax = 300;
// Of what the client writes when a send fails; a developer reads it, it never holds message text.
constexpr size_t kReasonBytesMax = 200;
constexpr char kInClear[] = "the chat has been encrypted, and the client would send this in clear";
constexpr char kForNobody[] = "the client knows no keys of the other side yet";

// What the client takes: HTML that shows exactly 'text'.
std::string HtmlOf(const std::string& text) {
  const std::string escaped =
      TakeString(g_markup_escape_text(text.data(), static_cast<gssize>(text.size())));
  return TakeString(purple_strreplace(escaped.c_str(), "\n", "<br>"));
}

PurpleConversation* ConversationOf(PurpleAccount* account, const Draft& draft) {
  const PurpleConversationType type = draft.group ? PURPLE_CONV_TYPE_CHAT : PURPLE_CONV_TYPE_IM;
  PurpleConversation* conversation =
      purple_find_conversation_with_account(type, draft.chat_jid.c_str(), account);
  if (conversation != nullptr || draft.group) return conversation;
  return purple_conversation_new(type, account, draft.chat_jid.c_str());
}

}  // namespace

void Outbox::Send(const Draft& draft) {
  PurpleConversation* conversation = ConversationOf(parts_.account, draft);
  if (conversation == nullptr) {
    return parts_.reporter.FailForNow(draft.command_id, "the client is not in the room");
  }
  sending_ = &draft;
  sending_stanza_id_.clear();
  sending_error_.clear();
  const std::string html = HtmlOf(draft.wire_text);
  if (draft.group) {
    purple_conv_chat_send(PURPLE_CONV_CHAT(conversation), html.c_str());
  } else {
    purple_conv_im_send(PURPLE_CONV_IM(conversation), html.c_str());
  }
  sending_ = nullptr;
  const std::string error = std::exchange(sending_error_, {});
  if (sending_stanza_id_.empty()) {
    return parts_.reporter.Fail(draft.command_id,
                                error.empty() ? "the client did not take the text" : error);
  }
  const auto waiting = outgoing_.find(sending_stanza_id_);
  if (waiting == outgoing_.end() || waiting->second.left) return;  // on its way
  if (waiting->second.error.empty()) waiting->second.error = error;
  if (waiting->second.error.empty()) return;  // lurch fetches keys first
  // A new text must not wait in the chat for keys that may never come: the old one stands.
  if (draft.corrected_id.empty()) {
    parts_.reporter.FailForNow(draft.command_id, waiting->second.error);
  } else {
    parts_.reporter.Fail(draft.command_id, waiting->second.error, "edit");
  }
  outgoing_.erase(waiting);
}

void Outbox::BeforeEncryption(xmlnode* packet) {
  if (!IsMessage(packet) || HasOmemoPayload(packet)) return;
  const StanzaFacts facts = ReadFacts(packet);
  const std::optional<std::string> text = Body(packet);
  const bool group = facts.type == "groupchat";
  if ((facts.type != "chat" && !group) || facts.id.empty() || !text) return;
  Outgoing outgoing;
  outgoing.start_time = std::time(nullptr);
  if (sending_ != nullptr) {
    sending_stanza_id_ = facts.id;
    outgoing.draft = *sending_;
    const Draft& draft = outgoing.draft;
    if (!draft.reply_to_id.empty()) {
      AddReply(packet, draft.reply_to_id, draft.reply_to_jid, draft.quoted_characters);
    }
    if (!draft.corrected_id.empty()) AddCorrection(packet, draft.corrected_origin_id);
    // Beside an encrypted payload the link would be in clear, with its key.
    if (draft.file && !draft.file->end_to_end_encrypted()) AddFile(packet, *text);
  } else {
    outgoing.draft.chat_jid = parts_.chats.ChatOf(facts.to_jid.c_str());
    outgoing.draft.group = group;
    outgoing.draft.text = *text;
    // Somebody inside a room, for whom no chat stands.
    if (outgoing.draft.chat_jid.empty()) return;
  }
  AddReceiptRequest(packet, group);
  outgoing_[facts.id] = std::move(outgoing);
}

bool Outbox::IsForOthers(xmlnode* packet, const std::string& to_jid) const {
  const std::string& owner = parts_.maker.owner_jid();
  const std::vector<std::string> own = parts_.remembered.Words(kDevicesFact, owner);
  for (const std::string& device : OmemoDevices(packet)) {
    if (to_jid == owner || std::find(own.begin(), own.end(), device) == own.end()) return true;
  }
  return false;
}

void Outbox::Refuse(xmlnode** packet, const std::string& stanza_id, std::string_view reason) {
  // Who called for the stanza to be sent still owns it: it is not freed here.
  *packet = nullptr;
  const auto found = outgoing_.find(stanza_id);
  if (found != outgoing_.end()) found->second.error = std::string(reason);
}

void Outbox::AfterEncryption(xmlnode** packet) {
  if (*packet == nullptr || !IsMessage(*packet)) return;
  const StanzaFacts facts = ReadFacts(*packet);
  if (HasOmemoPayload(*packet)) {
    // The text once more, in clear: it must not leave beside the encrypted one.
    while (xmlnode* html = xmlnode_get_child(*packet, "html")) xmlnode_free(html);
    if (!IsForOthers(*packet, facts.to_jid)) Refuse(packet, facts.id, kForNobody);
    return;
  }
  if (!Body(*packet) || !parts_.chats.IsEncrypted(facts.to_jid)) return;
  Refuse(packet, facts.id, kInClear);
}

void Outbox::BytesLeave(char** text) {
  if (!std::string_view(*text).starts_with("<message")) return;
  const XmlNodePtr packet(xmlnode_from_str(*text, -1));
  if (packet == nullptr || !IsMessage(packet.get())) return;
  // Mended here, not in the tree: what lurch kept until it had the keys leaves as bytes only.
  if (MarkSessionStarts(packet.get())) {
    *text = nullptr;  // in its place goes the mended one, which comes through here again
    SendBytes(parts_.account, TakeString(xmlnode_to_str(packet.get(), nullptr)));
    return;
  }
  const std::string stanza_id = Attribute(packet.get(), "id");
  const auto found = outgoing_.find(stanza_id);
  if (found == outgoing_.end() || found->second.left) return;
  Outgoing& outgoing = found->second;
  outgoing.left = true;
  outgoing.encrypted = HasOmemoPayload(packet.get());
  if (outgoing.encrypted) {
    parts_.chats.MarkEncrypted(outgoing.draft.chat_jid, outgoing.draft.group);
  }
  if (outgoing.draft.group) return;
  const Outgoing sent = std::move(outgoing);
  outgoing_.erase(found);
  TellSent(sent, stanza_id);
}

bool Outbox::TakeReflection(const StanzaFacts& facts, const std::string& message_id) {
  const auto found = outgoing_.find(facts.id);
  if (found == outgoing_.end() || found->second.draft.chat_jid != facts.from_jid) return false;
  const Outgoing sent = std::move(found->second);
  outgoing_.erase(found);
  parts_.remembered.Put(kOriginFact, Remembered::Key({facts.from_jid, message_id}), facts.id);
  TellSent(sent, message_id);
  return true;
}

void Outbox::TakeRefusal(const StanzaFacts& facts) {
  const auto found = outgoing_.find(facts.id);
  // Of a 1:1 message it is known that the server took it; a room's word comes before that.
  if (found == outgoing_.end() || found->second.draft.chat_jid != facts.from_jid) return;
  const Outgoing refused = std::move(found->second);
  outgoing_.erase(found);
  if (refused.draft.command_id.empty() || refused.answered) return;
  parts_.reporter.Fail(refused.draft.command_id, "the room refused the message");
}

void Outbox::TellSent(const Outgoing& outgoing, const std::string& message_id) {
  const Draft& draft = outgoing.draft;
  MessageFacts message;
  message.id = draft.corrected_id.empty() ? message_id : draft.corrected_id;
  message.chat_jid = draft.chat_jid;
  message.sender_contact_id = parts_.maker.owner_contact_id();
  message.sender_name = parts_.maker.owner_jid();
  message.from_owner = true;
  message.text = draft.text;
  message.end_to_end_encrypted = outgoing.encrypted;
  message.time = std::time(nullptr);
  message.reply_to_id = draft.reply_to_id;
  message.reply_to_contact_id = draft.reply_to_contact_id;
  message.reply_excerpt = draft.reply_excerpt;
  message.file = draft.file;
  if (!draft.group) parts_.chats.Announce(message.chat_jid);
  if (draft.corrected_id.empty()) {
    parts_.recent.Add(message.chat_jid, message.id,
                      {message.sender_contact_id, parts_.maker.owner_jid(), message.text,
                       /*from_owner=*/true});
  }
  const v1::Event event =
      draft.corrected_id.empty() ? parts_.maker.Message(message) : parts_.maker.Edited(message);
  if (draft.command_id.empty() || outgoing.answered) return parts_.reporter.Hand(event);
  v1::CommandResult result;
  result.set_command_id(draft.command_id);
  result.set_state(v1::CommandResult::STATE_SENT);
  result.set_message_id(message.id);
  result.set_end_to_end_encrypted(outgoing.encrypted);
  parts_.reporter.Answer(result, {event});
}

void Outbox::ErrorWritten(std::string_view reason) {
  if (sending_ != nullptr) sending_error_ = std::string(reason.substr(0, kReasonBytesMax));
}

void Outbox::AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing) {
  if (outgoing.draft.command_id.empty() || outgoing.answered) return;
  outgoing.answered = true;
  v1::CommandResult result;
  result.set_command_id(outgoing.draft.command_id);
  result.set_state(v1::CommandResult::STATE_UNKNOWN);
  if (!outgoing.draft.group) result.set_message_id(stanza_id);
  result.set_reason("the client took the text, but it was not seen to arrive at the server");
  parts_.reporter.Answer(result);
}

void Outbox::GiveUpOnOld() {
  const std::time_t now = std::time(nullptr);
  for (auto entry = outgoing_.begin(); entry != outgoing_.end();) {
    const std::time_t age = now - entry->second.start_time;
    if (age > kSendSecondsMax) AnswerUnsent(entry->first, entry->second);
    entry = age > kReflectionSecondsMax ? outgoing_.erase(entry) : std::next(entry);
  }
}

void Outbox::ForgetAll() {
  for (auto& [stanza_id, outgoing] : outgoing_) AnswerUnsent(stanza_id, outgoing);
  outgoing_.clear();
}

}  // namespace postern::purple
