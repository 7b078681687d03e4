// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/message_stanzas.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>

#include "clients/sdk/grants.h"
#include "clients/xmpp_bridge/access.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/message_text.h"

namespace postern::xmpp_bridge {
namespace {

// Then a file is named in the chat and not carried.
constexpr int kFileTries = 5;
// What others do with the user's own message can be told before the send has answered.
constexpr absl::Duration kInwardPatience = absl::Seconds(5);
// What is told later than this bears the time when it was written.
constexpr absl::Duration kLate = absl::Seconds(60);

}  // namespace

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Status MessageStanzas::Add(const ChatEntry& chat, const v1::Message& message, bool old,
                                 Telling& telling) {
  auto known = store_.LinkOf(message.id());
  if (!known.ok()) return known.status();
  if (known->has_value() && (*known)->told) return absl::OkStatus();
  const std::string speaker = message.sender_contact_id();
  auto route = people_.RouteOf(chat, speaker, telling.stanzas, message.sender_display_name());
  if (!route.ok()) return route.status();
  auto answered = AnsweredBy(chat, message.reply_to());
  if (!answered.ok()) return answered.status();
  const absl::Time written = TimeOf(message.create_time());
  const absl::Time delayed =
      old || absl::Now() - written > kLate ? written : absl::InfiniteFuture();

  const auto link = [&](const std::string& xmpp_id) {
    telling.links.push_back({chat.chat_id, message.id(), xmpp_id, "", speaker});
  };
  std::string text = TextOf(message);
  if (!chat.group && message.from_owner() && (!text.empty() || message.attachments().empty())) {
    text = absl::StrCat("You: ", text);
  }
  std::string id = message.id();
  if (!text.empty() || message.attachments().empty()) {
    telling.stanzas.push_back(TextStanza(*route, id, text, *answered, delayed));
    link(id);
    id.clear();
  }
  for (const auto& attachment : message.attachments()) {
    // Its bytes may still be on their way: attachment_ready brings them.
    if (attachment.size_bytes() == 0 && !old) continue;
    const std::string file_id = id.empty() ? FileId(message.id(), attachment.id()) : id;
    auto stanza = FileOf(*route, file_id, attachment, delayed);
    if (!stanza.ok()) return stanza.status();
    telling.stanzas.push_back(*std::move(stanza));
    link(file_id);
    id.clear();
  }
  return absl::OkStatus();
}

absl::Status MessageStanzas::AddReactions(const ChatEntry& chat, const std::string& message_id,
                                          const std::string& contact_id,
                                          const std::set<std::string>& emojis,
                                          const std::string& event_id, Telling& telling) {
  auto link = Find(message_id);
  if (!link.ok()) return link.status();
  // The user's own reactions from another device have nobody to say them in a 1:1 chat.
  if (!link->has_value() || (!chat.group && people_.IsSelf(contact_id))) return absl::OkStatus();
  auto route = people_.RouteOf(chat, contact_id, telling.stanzas);
  if (!route.ok()) return route.status();
  telling.stanzas.push_back(ReactionsStanza(*route, event_id, Reference(chat, **link), emojis));
  return store_.SetReactions(message_id, contact_id, emojis);
}

std::string MessageStanzas::Reference(const ChatEntry& chat, const MessageLink& link) const {
  return chat.group && !link.stanza_id.empty() ? link.stanza_id : link.xmpp_id;
}

absl::StatusOr<std::optional<MessageLink>> MessageStanzas::Find(const std::string& message_id) {
  const absl::Time until = absl::Now() + kInwardPatience;
  for (;;) {
    // In this order: what is being made when it is asked for is there when it is no longer.
    const bool carrying = store_.carrying();
    auto link = store_.LinkOf(message_id);
    if (!link.ok() || link->has_value() || !carrying || absl::Now() >= until) return link;
    if (!pauses_.For(absl::Milliseconds(20))) return absl::CancelledError();
  }
}

absl::StatusOr<Answered> MessageStanzas::AnsweredBy(const ChatEntry& chat,
                                                    const v1::ReplyTo& reply) {
  Answered answered;
  if (reply.message_id().empty()) return answered;
  auto link = Find(reply.message_id());
  if (!link.ok()) return link.status();
  answered.excerpt = reply.excerpt();
  if (!link->has_value()) {
    // Older than what was bridged: a quotation is all that is left.
    answered.id = reply.message_id();
  } else {
    answered.id = Reference(chat, **link);
  }
  const std::string author =
      link->has_value() ? (*link)->sender_contact_id : reply.sender_contact_id();
  if (chat.group) {
    const std::string nick = rooms_.NickOf(chat.chat_id, author);
    if (!nick.empty()) answered.author = absl::StrCat(rooms_.JidOf(chat), "/", nick);
  } else if (link->has_value() && (*link)->from_xmpp) {
    answered.author = config_.owner;
  } else if (auto person = people_.PersonOf(chat.peer_contact_id); person.ok()) {
    answered.author = BareOf(rooms_.GhostJid(*person));
  }
  return answered;
}

absl::StatusOr<std::string> MessageStanzas::FileOf(const Route& route, const std::string& id,
                                                   const v1::Attachment& attachment,
                                                   absl::Time delayed_from) {
  absl::StatusOr<std::string> url;
  for (int tries = 0; tries < kFileTries; ++tries) {
    url = files_.ToXmpp(attachment);
    if (url.ok()) return FileStanza(route, id, *url, delayed_from);
    if (sdk::AccessRests(url.status())) return url.status();
    if (!absl::IsUnavailable(url.status())) break;
    if (!pauses_.For(kRetryPause)) return absl::CancelledError();
  }
  Log(absl::StrCat("a file is not carried: ", url.status().message()));
  return TextStanza(route, id, FileInWords(attachment, std::string(url.status().message())), {},
                    delayed_from);
}

}  // namespace postern::xmpp_bridge
