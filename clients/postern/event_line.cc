// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/event_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/postern/event_words.h"

namespace postern::cli {
namespace {

using owner::DisplayWidth;
using owner::Shortened;
using owner::VisibleText;

constexpr int kChatColumns = 18;

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

// One look for all lines: time, chat, mark, words.
std::string Compose(absl::Time time, const std::string& chat, const std::string& mark,
                    const std::string& words, const Terminal& terminal, const Moment& moment) {
  const bool today =
      absl::ToCivilDay(time, moment.zone) == absl::ToCivilDay(moment.now, moment.zone);
  const std::string clock =
      absl::FormatTime(today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", time, moment.zone);
  std::string column = Shortened(chat, kChatColumns);
  column.append(static_cast<size_t>(kChatColumns - DisplayWidth(column)), ' ');
  return absl::StrCat(terminal.Paint(Style::kFaint, clock), "  ",
                      terminal.Paint(Style::kStrong, column), " ", mark, " ", words);
}

std::string AttachmentText(const v1::Attachment& attachment) {
  std::string text =
      absl::StrCat("[", VisibleText(attachment.file_name().empty() ? attachment.mime_type()
                                                                   : attachment.file_name()));
  if (attachment.size_bytes() > 0) absl::StrAppend(&text, ", ", SizeText(attachment.size_bytes()));
  return absl::StrCat(text, "]");
}

// How many people chose an answer; empty when nobody did.
std::string VotesText(const v1::Poll& poll, const std::string& option_id) {
  int votes = 0;
  for (const v1::PollVote& vote : poll.votes()) {
    const auto& chosen = vote.option_ids();
    votes += static_cast<int>(std::count(chosen.begin(), chosen.end(), option_id));
  }
  return votes == 0 ? "" : absl::StrCat(" (", votes, votes == 1 ? " vote)" : " votes)");
}

// The reactions that stand, each once, with how many people set it.
std::string ReactionsText(const v1::Message& message) {
  std::vector<std::pair<std::string, int>> counts;
  for (const v1::Reaction& reaction : message.reactions()) {
    const auto known = std::find_if(counts.begin(), counts.end(), [&](const auto& entry) {
      return entry.first == reaction.emoji();
    });
    if (known == counts.end()) {
      counts.emplace_back(reaction.emoji(), 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [emoji, count] : counts) {
    absl::StrAppend(&text, " ", VisibleText(emoji), count > 1 ? absl::StrCat("×", count) : "");
  }
  return text;
}

// What the message says, without who says it.
std::string Content(const v1::Message& message) {
  if (message.withheld()) return "(withheld: who wrote it does not want this app to read it)";
  if (message.deleted()) return "(deleted)";
  std::string content = VisibleText(message.text().empty() ? message.raw_text() : message.text());
  const auto add = [&content](const std::string& part) {
    absl::StrAppend(&content, content.empty() ? "" : " ", part);
  };
  if (message.kind() == v1::MESSAGE_KIND_STICKER) add("(sticker)");
  if (message.kind() == v1::MESSAGE_KIND_VOICE_NOTE) add("(voice note)");
  if (message.has_poll()) {
    add(absl::StrCat("(poll) ", VisibleText(message.poll().question())));
    for (const v1::PollOption& option : message.poll().options()) {
      add(absl::StrCat("· ", VisibleText(option.text()), VotesText(message.poll(), option.id())));
    }
  }
  if (message.has_location()) {
    add(absl::StrFormat("(place) %s %.5f, %.5f", VisibleText(message.location().name()),
                        message.location().latitude(), message.location().longitude()));
  }
  if (message.has_contact_card()) {
    add(absl::StrCat("(contact card) ", VisibleText(message.contact_card().display_name())));
  }
  for (const v1::Attachment& attachment : message.attachments()) add(AttachmentText(attachment));
  if (content.empty() && message.text_bytes() > 0) {
    content = absl::StrCat("(", message.text_bytes(), " bytes of text that this app may not read)");
  }
  if (message.view_once()) add("(view once)");
  if (message.has_edit_time()) add("(edited)");
  return content;
}

std::string Mark(bool end_to_end_encrypted) { return end_to_end_encrypted ? "🔒" : "  "; }

std::string MessageWords(const v1::Message& message, const Names& names, const Terminal& terminal) {
  const std::string name = message.from_owner() ? "you"
                           : message.sender_display_name().empty()
                               ? names.Person(message.sender_contact_id())
                               : Shortened(message.sender_display_name(), kChatColumns * 2);
  std::string words = terminal.Paint(Style::kPerson, name);
  if (message.has_origin() && !message.origin().app_display_name().empty()) {
    absl::StrAppend(
        &words, terminal.Paint(
                    Style::kFaint,
                    absl::StrCat(" through ", VisibleText(message.origin().app_display_name()))));
  }
  absl::StrAppend(&words, ": ", Content(message));
  if (message.has_reply_to()) {
    absl::StrAppend(
        &words, terminal.Paint(
                    Style::kFaint,
                    absl::StrCat("  ↳ answers ", names.Excerpt(message.reply_to().message_id()))));
  }
  absl::StrAppend(&words, ReactionsText(message));
  if (!message.end_to_end_encrypted() && !message.deleted()) {
    absl::StrAppend(&words, terminal.Paint(Style::kAttention, "  (not end-to-end encrypted)"));
  }
  return words;
}

}  // namespace

std::string EventLine(const v1::Event& event, const Names& names, const Terminal& terminal,
                      const Moment& moment) {
  const absl::Time time = TimeOf(event.has_event_time() ? event.event_time() : event.record_time());
  const std::string chat = names.Chat(event.chat_id());
  const auto compose = [&](bool encrypted, const std::string& words) {
    return Compose(time, chat, Mark(encrypted), words, terminal, moment);
  };
  if (event.view() == v1::EVENT_VIEW_WITHHELD) {
    return compose(false, terminal.Paint(Style::kFaint, "something was withheld from this app"));
  }
  if (event.has_message_created()) {
    const v1::Message& message = event.message_created().message();
    return compose(message.end_to_end_encrypted(), MessageWords(message, names, terminal));
  }
  const bool encrypted =
      event.has_message_edited() && event.message_edited().end_to_end_encrypted();
  const Style style = event.has_gap() ? Style::kAttention : Style::kPlain;
  return compose(encrypted, terminal.Paint(style, EventWords(event, names)));
}

std::string MessageLine(const v1::Message& message, const Names& names, const Terminal& terminal,
                        const Moment& moment) {
  return Compose(TimeOf(message.create_time()), names.Chat(message.chat_id()),
                 Mark(message.end_to_end_encrypted()), MessageWords(message, names, terminal),
                 terminal, moment);
}

std::string SizeText(uint64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " bytes");
  if (bytes < 1000 * 1000) return absl::StrFormat("%.0f kB", static_cast<double>(bytes) / 1e3);
  if (bytes < 1000ull * 1000 * 1000) {
    return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
  }
  return absl::StrFormat("%.1f GB", static_cast<double>(bytes) / 1e9);
}

}  // namespace postern::cli
