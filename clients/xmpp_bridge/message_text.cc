// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/message_text.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/styling.h"

namespace postern::xmpp_bridge {

std::string TextOf(const v1::Message& message) {
  std::string text = ToStyled(message.text(), message.spans());
  switch (message.kind()) {
    case v1::MESSAGE_KIND_NOTICE:
      return absl::StrCat("/me ", text);
    case v1::MESSAGE_KIND_POLL:
      absl::StrAppend(&text, text.empty() ? "" : "\n", "Poll: ", message.poll().question());
      for (const auto& option : message.poll().options())
        absl::StrAppend(&text, "\n- ", option.text());
      return text;
    case v1::MESSAGE_KIND_LOCATION:
      return absl::StrCat(message.location().name(), message.location().name().empty() ? "" : " ",
                          "geo:", message.location().latitude(), ",",
                          message.location().longitude());
    case v1::MESSAGE_KIND_CONTACT_CARD:
      return absl::StrCat("Contact: ", message.contact_card().display_name());
    default:
      break;
  }
  if (text.empty() && message.attachments().empty()) {
    return message.view_once() ? "[may be opened once only, in your messenger]"
                               : "[something that only your messenger can show]";
  }
  return text;
}

std::string FileId(const std::string& message_id, const std::string& attachment_id) {
  return absl::StrCat(message_id, ".", MakeNode("", attachment_id));
}

std::string GapInWords(const v1::Gap& gap) {
  const std::string count =
      gap.event_count() > 0 ? absl::StrCat(gap.event_count(), " events are") : "Something is";
  switch (gap.cause()) {
    case v1::Gap::CAUSE_RETENTION:
      return absl::StrCat(count,
                          " missing: it was older than what Postern keeps. Your messenger has it.");
    case v1::Gap::CAUSE_GATEKEEPER:
      return absl::StrCat(count, " missing: your messenger did not pass it on.");
    default:
      return absl::StrCat(count, " missing; look into your messenger.");
  }
}

std::string OutcomeInWords(const v1::RequestCompleted& done) {
  switch (done.outcome()) {
    case v1::RequestCompleted::OUTCOME_REFUSED:
      return "you said no, or did not answer the question.";
    case v1::RequestCompleted::OUTCOME_FAILED_RETRIABLE:
      return "the network could not take it now; send it again.";
    case v1::RequestCompleted::OUTCOME_UNKNOWN:
      return "it is not known whether it went out; look into your messenger.";
    default:
      return "the network refused it.";
  }
}

std::string PresenceWord(v1::Presence::State state) {
  switch (state) {
    case v1::Presence::STATE_ONLINE:
      return "online";
    case v1::Presence::STATE_AWAY:
      return "away";
    case v1::Presence::STATE_OFFLINE:
      return "offline";
    default:
      return "";
  }
}

std::string SpeakerOf(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return event.message_created().message().sender_contact_id();
    case v1::Event::kMessageEdited:
      return event.message_edited().sender_contact_id();
    case v1::Event::kReactionSet:
      return event.reaction_set().contact_id();
    case v1::Event::kReactionRemoved:
      return event.reaction_removed().contact_id();
    case v1::Event::kReceipt:
      return event.receipt().contact_id();
    case v1::Event::kParticipantJoined:
      return event.participant_joined().participant().contact_id();
    case v1::Event::kParticipantChanged:
      return event.participant_changed().participant().contact_id();
    default:
      return "";
  }
}

std::string PictureType(const std::string& bytes) {
  if (absl::StartsWith(bytes, "\x89PNG")) return "image/png";
  if (absl::StartsWith(bytes, "\xFF\xD8\xFF")) return "image/jpeg";
  if (absl::StartsWith(bytes, "GIF8")) return "image/gif";
  if (absl::StartsWith(bytes, "RIFF")) return "image/webp";
  return bytes.empty() ? "" : "application/octet-stream";
}

}  // namespace postern::xmpp_bridge
