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
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

// lurch looks keys up before it sends to a new device, and the server may have to find the other
// side's first: some round trips. After this the broker hears that nobody knows, and does not send
// again.
constexpr std::time_t kSendSecondsMax = 30;
// What was neither taken nor refused by then is not waited for any more: a server gives up on
// another one sooner.
constexpr std::time_t kVerdictSecondsMax = 300;
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

Outbox::~Outbox() {
  if (asking_ != 0) g_source_remove(asking_);
}

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
    outgoing.draft.notice = TakeMe(outgoing.draft.text);
    // Somebody inside a room, for whom no chat stands.
    if (outgoing.draft.chat_jid.empty()) return;
  }
  // libpurple writes to the device that wrote last. Servers drop in silence what a blocked person
  // sends there, and all devices get what goes to the person.
  if (!group) xmlnode_set_attrib(packet, "to", outgoing.draft.chat_jid.c_str());
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
  if (!IsAskedBehind(outgoing)) return;
  unasked_.push_back(stanza_id);
  if (asking_ != 0) return;
  // Not now: the bytes are not written yet.
  asking_ = g_timeout_add(
      0,
      [](gpointer outbox) {
        static_cast<Outbox*>(outbox)->AskBehind();
        return G_SOURCE_REMOVE;
      },
      this);
}

bool Outbox::IsAskedBehind(const Outgoing& outgoing) {
  return outgoing.verdict != nullptr || !outgoing.draft.group;
}

void Outbox::AskBehind() {
  asking_ = 0;
  for (const std::string& stanza_id : std::exchange(unasked_, {})) {
    const auto found = outgoing_.find(stanza_id);
    if (found == outgoing_.end()) continue;
    parts_.requests.Get(found->second.draft.chat_jid, NewPing(),
                        [this, stanza_id](xmlnode* result, const StanzaError& error) {
                          // Who refuses the question has answered it too.
                          if (result != nullptr || !error.condition.empty()) TakeArrival(stanza_id);
                        });
  }
}

void Outbox::Point(const XmlNodePtr& stanza, const Draft& draft, Verdict verdict) {
  const std::string stanza_id = Attribute(stanza.get(), "id");
  Outgoing& outgoing = outgoing_[stanza_id];
  outgoing.draft = draft;
  outgoing.verdict = std::move(verdict);
  outgoing.start_time = std::time(nullptr);
  if (SendStanza(parts_.account, stanza.get())) return;
  const Outgoing unsent = std::move(outgoing);
  outgoing_.erase(stanza_id);
  unsent.verdict(false);
  parts_.reporter.FailForNow(unsent.draft.command_id, "the account is offline");
}

bool Outbox::TakeReflection(const StanzaFacts& facts, const std::string& message_id) {
  const auto found = outgoing_.find(facts.id);
  // What only points at a message is taken from the echo like anybody's.
  if (found == outgoing_.end() || found->second.verdict ||
      found->second.draft.chat_jid != facts.from_jid) {
    return false;
  }
  const Outgoing sent = std::move(found->second);
  outgoing_.erase(found);
  parts_.remembered.Put(kOriginFact, Remembered::Key({facts.from_jid, message_id}), facts.id);
  TellSent(sent, message_id);
  return true;
}

void Outbox::TakeRefusal(const StanzaFacts& facts) {
  const auto found = outgoing_.find(facts.id);
  if (found == outgoing_.end() || !found->second.left || !facts.error ||
      found->second.draft.chat_jid != facts.from_jid) {
    return;
  }
  const Outgoing refused = std::move(found->second);
  outgoing_.erase(found);
  if (refused.verdict) refused.verdict(false);
  if (refused.draft.command_id.empty() || refused.answered) return;
  parts_.reporter.Refuse(refused.draft.command_id, "the network refused it", *facts.error);
}

void Outbox::TakeMention(const std::string& chat_jid, const std::string& stanza_id) {
  const auto found = outgoing_.find(stanza_id);
  if (found != outgoing_.end() && found->second.draft.chat_jid == chat_jid) TakeArrival(stanza_id);
}

void Outbox::TakeArrival(const std::string& stanza_id) {
  const auto found = outgoing_.find(stanza_id);
  if (found == outgoing_.end() || !found->second.left || !IsAskedBehind(found->second)) return;
  const Outgoing arrived = std::move(found->second);
  outgoing_.erase(found);
  TellSent(arrived, stanza_id);
}

v1::Event Outbox::EventOf(const Outgoing& outgoing, const std::string& message_id) {
  const Draft& draft = outgoing.draft;
  MessageFacts message;
  message.id = message_id;
  message.chat_jid = draft.chat_jid;
  message.sender_contact_id = parts_.maker.owner_contact_id();
  message.sender_name = parts_.maker.owner_jid();
  message.from_owner = true;
  message.text = draft.text;
  message.notice = draft.notice;
  message.end_to_end_encrypted = outgoing.encrypted;
  message.time = outgoing.start_time;
  message.reply_to_id = draft.reply_to_id;
  message.reply_to_contact_id = draft.reply_to_contact_id;
  message.reply_excerpt = draft.reply_excerpt;
  message.file = draft.file;
  if (!draft.group) parts_.chats.Announce(message.chat_jid);
  if (draft.corrected_id.empty()) {
    parts_.recent.Add(message.chat_jid, message.id,
                      {message.sender_contact_id, parts_.maker.owner_jid(), message.text,
                       /*from_owner=*/true, message.notice});
  }
  return draft.corrected_id.empty() ? parts_.maker.Message(message) : parts_.maker.Edited(message);
}

void Outbox::TellSent(const Outgoing& outgoing, const std::string& stanza_id) {
  const Draft& draft = outgoing.draft;
  v1::CommandResult result;
  result.set_command_id(draft.command_id);
  result.set_state(v1::CommandResult::STATE_SENT);
  std::vector<v1::Event> events;
  if (outgoing.verdict) {
    events = outgoing.verdict(true);
  } else {
    result.set_message_id(draft.corrected_id.empty() ? stanza_id : draft.corrected_id);
    result.set_end_to_end_encrypted(outgoing.encrypted);
    events = {EventOf(outgoing, result.message_id())};
  }
  if (!draft.command_id.empty() && !outgoing.answered) {
    return parts_.reporter.Answer(result, events);
  }
  // The command has its last answer; that an app made this stays true.
  for (const v1::Event& event : events) parts_.reporter.Hand(event, draft.command_id);
}

void Outbox::ErrorWritten(std::string_view reason) {
  if (sending_ != nullptr) sending_error_ = Shortened(reason, kReasonBytesMax);
}

void Outbox::AnswerUnsent(const std::string& stanza_id, Outgoing& outgoing) {
  if (outgoing.draft.command_id.empty() || outgoing.answered) return;
  outgoing.answered = true;
  v1::CommandResult result;
  result.set_command_id(outgoing.draft.command_id);
  result.set_state(v1::CommandResult::STATE_UNKNOWN);
  if (!outgoing.draft.corrected_id.empty()) {
    result.set_message_id(outgoing.draft.corrected_id);
  } else if (!outgoing.draft.group && !outgoing.verdict) {
    result.set_message_id(stanza_id);
  }
  result.set_reason("the client took it, but no server was heard to take it");
  parts_.reporter.Answer(result);
}

void Outbox::GiveUp(const std::string& stanza_id, Outgoing& outgoing) {
  AnswerUnsent(stanza_id, outgoing);
  // The client shows it as written, and nobody said otherwise. A room tells of its own.
  if (outgoing.left && IsAskedBehind(outgoing)) return TellSent(outgoing, stanza_id);
  if (outgoing.verdict) outgoing.verdict(false);
}

void Outbox::GiveUpOnOld() {
  const std::time_t now = std::time(nullptr);
  for (auto entry = outgoing_.begin(); entry != outgoing_.end();) {
    auto& [stanza_id, outgoing] = *entry;
    const std::time_t age = now - outgoing.start_time;
    if (age > kSendSecondsMax) AnswerUnsent(stanza_id, outgoing);
    if (age > kVerdictSecondsMax) GiveUp(stanza_id, outgoing);
    entry = age > kVerdictSecondsMax ? outgoing_.erase(entry) : std::next(entry);
  }
}

void Outbox::ForgetAll() {
  unasked_.clear();
  for (auto& [stanza_id, outgoing] : std::exchange(outgoing_, {})) GiveUp(stanza_id, outgoing);
}

}  // namespace postern::purple
