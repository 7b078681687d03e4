// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/inbox.h"

#include <glib.h>
#include <privacy.h>

#include <utility>
#include <vector>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/media_link.h"
#include "clients/gatekeepers/purple/reactions.h"
#include "clients/gatekeepers/purple/recent.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kMucUser[] = "http://jabber.org/protocol/muc#user";

}  // namespace

void Inbox::BeforeDecryption(xmlnode* packet) {
  Forget();
  StanzaFacts facts = ReadFacts(packet);
  // Anybody can wrap a message; only the own account's copies are true.
  if (facts.carbon != Carbon::kNone && Attribute(packet, "from") != parts_.maker.owner_jid()) {
    return;
  }
  if (facts.type == "error") return outbox_.TakeRefusal(facts);
  people_.TakeDeviceList(packet);
  if (facts.carbon == Carbon::kNone && facts.type != "groupchat" && rooms_.TakeInvitation(packet)) {
    return;
  }
  if (facts.encrypted && facts.from_jid == parts_.maker.owner_jid()) {
    own_copy_.reset(xmlnode_copy(InnerMessage(packet)));
  }
  incoming_ = std::move(facts);
}

void Inbox::OwnLineWritten(const char* text) {
  if (own_copy_ != nullptr) own_line_ = text;
}

void Inbox::Forget() {
  incoming_.reset();
  own_copy_.reset();
  own_line_.reset();
}

void Inbox::AfterDecryption(xmlnode* packet) {
  if (!incoming_) return;
  const StanzaFacts facts = *std::exchange(incoming_, std::nullopt);
  const bool group = facts.type == "groupchat";
  if (!group && facts.type != "chat" && !facts.type.empty() && facts.type != "normal") return;
  xmlnode* message = packet != nullptr && IsMessage(packet) ? InnerMessage(packet) : nullptr;
  if (group && message != nullptr) TakeRoomsOwn(facts, message);
  std::optional<std::string> text = message == nullptr ? std::nullopt : Body(message);
  bool decrypted = facts.encrypted && text && !HasOmemoPayload(message);
  const XmlNodePtr own_copy = std::exchange(own_copy_, nullptr);
  const std::optional<std::string> own_line = std::exchange(own_line_, std::nullopt);
  if (message == nullptr && own_copy != nullptr && own_line) {
    message = own_copy.get();
    text = own_line;
    decrypted = true;
  }
  const std::optional<Place> place = group ? GroupPlace(facts) : DirectPlace(facts);
  if (!place) return;
  if (group && place->from_owner && outbox_.TakeReflection(facts, place->message_id)) return;
  if (facts.encrypted && !decrypted) return TellGap(*place);
  if (message == nullptr) return;
  if (decrypted) parts_.chats.MarkEncrypted(place->chat_jid, group);
  Annotations annotations = ReadAnnotations(message, text.value_or(""));
  // That nobody types any more goes without saying when the text is there.
  if (text) annotations.typing.reset();
  // In the chat with oneself a server may hand back what it was given: the command tells of it.
  if (!group && place->from_owner) outbox_.TakeMention(place->chat_jid, facts.id);
  if (!group && !place->from_owner) {
    // Apps hear of a message before they hear what the other side says to it.
    for (const std::string* id : {&annotations.delivered_id, &annotations.displayed_id,
                                  &annotations.reacted_id, &annotations.reply_to_id}) {
      outbox_.TakeMention(place->chat_jid, *id);
    }
  }
  TakeAnnotations(*place, annotations);
  if (text && !text->empty() && !annotations.only_fallback) {
    TakeText(*place, facts, annotations, *text, decrypted);
    if (annotations.wants_receipt) SendReceipt(*place, facts);
  }
}

void Inbox::TakeRoomsOwn(const StanzaFacts& facts, xmlnode* message) {
  Room* room = rooms_.Find(facts.from_jid);
  if (room == nullptr) return;
  xmlnode* subject = xmlnode_get_child(message, "subject");
  // With a text it is only the heading of a message.
  if (subject != nullptr && xmlnode_get_child(message, "body") == nullptr) {
    rooms_.TakeTopic(*room, TextOf(subject));
  }
  // The room's settings changed: ask what it is now.
  if (facts.from_resource.empty() && ChildOf(message, "x", kMucUser) != nullptr &&
      room->described) {
    rooms_.Describe(room->jid, nullptr);
  }
}

std::optional<Inbox::Place> Inbox::DirectPlace(const StanzaFacts& facts) {
  Place place;
  place.from_owner = facts.from_jid == parts_.maker.owner_jid();
  const std::string& other = place.from_owner ? facts.to_jid : facts.from_jid;
  place.chat_jid = parts_.chats.ChatOf(other.c_str());
  // Servers write too, and somebody inside a room is no 1:1 chat's.
  if (place.chat_jid.find('@') == std::string::npos) return std::nullopt;
  if (rooms_.Find(other) != nullptr) return std::nullopt;
  if (!place.from_owner && purple_privacy_check(parts_.account, place.chat_jid.c_str()) == FALSE) {
    return std::nullopt;
  }
  const std::string author = place.from_owner ? parts_.maker.owner_jid() : place.chat_jid;
  place.contact_id = ContactId(author);
  place.author_jid = author;
  place.name = place.from_owner ? author : parts_.chats.NameOf(author);
  place.message_id = facts.id.empty() ? FreshId() : facts.id;
  place.time = facts.delay_time.value_or(std::time(nullptr));
  return place;
}

std::optional<Inbox::Place> Inbox::GroupPlace(const StanzaFacts& facts) {
  Room* room = rooms_.Find(facts.from_jid);
  if (room == nullptr || facts.from_resource.empty()) return std::nullopt;
  Place place;
  place.group = true;
  place.chat_jid = room->jid;
  place.name = facts.from_resource;
  place.author_jid = room->jid + "/" + facts.from_resource;
  const auto occupant = room->occupants.find(facts.from_resource);
  place.from_owner = facts.from_resource == room->nick ||
                     (occupant != room->occupants.end() &&
                      occupant->second.contact_id == parts_.maker.owner_contact_id());
  place.contact_id = place.from_owner                    ? parts_.maker.owner_contact_id()
                     : occupant != room->occupants.end() ? occupant->second.contact_id
                                                         : ContactId(place.author_jid);
  place.message_id = !facts.stanza_id.empty() ? facts.stanza_id
                     : facts.id.empty()       ? FreshId()
                                              : facts.id;
  place.time = facts.delay_time.value_or(std::time(nullptr));
  // What a room tells of the time before the first visit is history.
  place.backfill = facts.delay_time.has_value() && room->first_visit;
  // A room repeats its latest messages to everybody who enters; what only passes by it does not.
  if (!facts.encrypted && facts.clear_text.empty() && facts.stanza_id.empty()) return place;
  if (!parts_.remembered.Put(kSeenFact, Remembered::Key({room->jid, place.message_id}))) {
    return std::nullopt;
  }
  return place;
}

void Inbox::TellGap(const Place& place) {
  // A copy of the own words, or history from before the visit, was not meant for this device.
  if (place.from_owner || place.backfill) return;
  if (!place.group) parts_.chats.Announce(place.chat_jid);
  v1::Event gap = parts_.maker.Gap(1, 0);
  gap.set_chat_id(place.chat_jid);
  parts_.reporter.Hand(gap);
}

void Inbox::TakeAnnotations(const Place& place, const Annotations& annotations) {
  // A chat begins with a message; who only begins to type has not started one.
  if (!parts_.chats.IsAnnounced(place.chat_jid)) return;
  const auto hand = [this](const v1::Event& event) { parts_.reporter.Hand(event); };
  const EventMaker& maker = parts_.maker;
  if (!annotations.delivered_id.empty() && !place.from_owner) {
    hand(maker.Receipt(place.chat_jid, annotations.delivered_id, place.contact_id,
                       v1::Receipt::KIND_DELIVERED));
  }
  if (!annotations.displayed_id.empty()) {
    hand(place.from_owner ? maker.ReadElsewhere(place.chat_jid, annotations.displayed_id)
                          : maker.Receipt(place.chat_jid, annotations.displayed_id,
                                          place.contact_id, v1::Receipt::KIND_READ));
  }
  if (annotations.typing && !place.from_owner && !place.backfill) {
    hand(maker.Typing(place.chat_jid, place.contact_id, *annotations.typing));
  }
  if (!annotations.retracted_id.empty()) {
    const RecentMessage* meant = parts_.recent.Find(place.chat_jid, annotations.retracted_id);
    // Nobody takes back what somebody else wrote.
    if (meant == nullptr || meant->author_contact_id == place.contact_id) {
      hand(maker.Deleted(place.chat_jid, annotations.retracted_id, place.contact_id));
    }
  }
  if (!annotations.reacted_id.empty()) TakeReactions(place, annotations);
}

void Inbox::TakeReactions(const Place& place, const Annotations& annotations) {
  // The stanza says what stands now; the contract, what changed.
  const std::string key =
      Remembered::Key({place.chat_jid, annotations.reacted_id, place.contact_id});
  const bool own = place.from_owner && !place.group;
  const std::vector<ReactionChange> changes =
      own ? own_reactions_.TakeElsewhere(key, annotations.reactions)
          : ChangesBetween(parts_.remembered.Words(kReactionsFact, key), annotations.reactions);
  for (const ReactionChange& change : changes) {
    parts_.reporter.Hand(parts_.maker.Reaction(place.chat_jid, annotations.reacted_id,
                                               place.contact_id, change.emoji, change.removed));
  }
  // Handed over first: what a kill leaves out is told with the next stanza.
  if (!own) parts_.remembered.PutWords(kReactionsFact, key, annotations.reactions);
}

std::string Inbox::IdOf(const Place& place, const std::string& origin_id) const {
  if (!place.group) return origin_id;
  const std::string named = parts_.remembered.Get(
      kNamedFact, Remembered::Key({place.chat_jid, place.contact_id, origin_id}));
  return named.empty() ? origin_id : named;
}

void Inbox::TakeText(const Place& place, const StanzaFacts& facts, const Annotations& annotations,
                     const std::string& text, bool encrypted) {
  const ReplyText reply = SplitReply(text, annotations);
  MessageFacts message;
  message.id = place.message_id;
  message.chat_jid = place.chat_jid;
  message.sender_contact_id = place.contact_id;
  message.sender_name = place.name;
  message.from_owner = place.from_owner;
  message.end_to_end_encrypted = encrypted;
  message.backfill = place.backfill;
  message.text = reply.text;
  message.notice = TakeMe(message.text);
  message.time = place.time;
  if (!place.group) parts_.chats.Announce(place.chat_jid);
  if (!annotations.corrected_id.empty()) {
    message.id = IdOf(place, annotations.corrected_id);
    const RecentMessage* meant = parts_.recent.Find(place.chat_jid, message.id);
    // Nobody corrects what somebody else wrote: then it is a message like any other.
    if (meant == nullptr || meant->author_contact_id == place.contact_id) {
      parts_.reporter.Hand(parts_.maker.Edited(message));
      return;
    }
    message.id = place.message_id;
  }
  if (!annotations.reply_to_id.empty()) {
    message.reply_to_id = annotations.reply_to_id;
    message.reply_excerpt = reply.excerpt;
    const RecentMessage* answered = parts_.recent.Find(place.chat_jid, annotations.reply_to_id);
    if (answered != nullptr) {
      message.reply_to_contact_id = answered->author_contact_id;
    } else if (!place.group && !annotations.reply_to_jid.empty()) {
      message.reply_to_contact_id = ContactId(BareJid(annotations.reply_to_jid));
    }
  }
  if (!annotations.file_url.empty()) message.file = AttachmentOf(annotations.file_url, encrypted);
  if (place.group) {
    parts_.remembered.Put(kNamedFact, Remembered::Key({place.chat_jid, place.contact_id, facts.id}),
                          message.id);
  }
  parts_.recent.Add(
      place.chat_jid, message.id,
      {place.contact_id, place.author_jid, message.text, place.from_owner, message.notice});
  parts_.reporter.Hand(parts_.maker.Message(message));
}

void Inbox::SendReceipt(const Place& place, const StanzaFacts& facts) {
  // Late ones too: it says that the message has come, not when.
  if (place.group || place.from_owner || facts.id.empty() || facts.carbon != Carbon::kNone ||
      !people_.IsContact(place.chat_jid)) {
    return;
  }
  XmlNodePtr receipt = NewMessage(place.chat_jid, false, FreshId());
  AddDelivered(receipt.get(), facts.id);
  SendStanza(parts_.account, receipt.get());
}

}  // namespace postern::purple
