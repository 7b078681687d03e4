// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/event_words.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/time.h>

#include "clients/owner/visible_text.h"
#include "clients/postern/grant_text.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

std::string DurationText(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(absl::Seconds(duration.seconds()));
}

std::string PresenceWords(const v1::Presence& presence, const Names& names) {
  const std::string who = names.Person(presence.contact_id());
  switch (presence.state()) {
    case v1::Presence::STATE_ONLINE:
      return who + " is online";
    case v1::Presence::STATE_AWAY:
      return who + " is away";
    case v1::Presence::STATE_OFFLINE:
      return who + " is offline";
    default:
      return who + ": presence unknown";
  }
}

std::string CallWords(const v1::Call& call, const Names& names) {
  const std::string what =
      absl::StrCat(call.video() ? "video call" : "call", " of ", names.Person(call.contact_id()));
  switch (call.state()) {
    case v1::Call::STATE_RINGING:
      return what + " is ringing";
    case v1::Call::STATE_ANSWERED:
      return what + " was answered";
    case v1::Call::STATE_MISSED:
      return what + " was missed";
    case v1::Call::STATE_ENDED:
      return call.has_duration()
                 ? absl::StrCat(what, " ended after ", DurationText(call.duration()))
                 : what + " ended";
    default:
      return what;
  }
}

std::string MessageRequestWords(const v1::MessageRequest& request, const Names& names) {
  const std::string who = names.Person(request.contact_id());
  switch (request.state()) {
    case v1::MessageRequest::STATE_ACCEPTED:
      return absl::StrCat("you accepted the request of ", who);
    case v1::MessageRequest::STATE_DECLINED:
      return absl::StrCat("you declined the request of ", who);
    case v1::MessageRequest::STATE_BLOCKED:
      return absl::StrCat("you blocked ", who);
    default:
      return absl::StrCat(who, ", a stranger, asks to write");
  }
}

std::string IdentityWords(const v1::IdentityChanged& change, const Names& names) {
  const std::string who = names.Person(change.contact_id());
  switch (change.kind()) {
    case v1::IdentityChanged::KIND_VERIFIED:
      return absl::StrCat("the keys of ", who, " were verified");
    case v1::IdentityChanged::KIND_UNVERIFIED:
      return absl::StrCat("the keys of ", who, " are no longer verified");
    case v1::IdentityChanged::KIND_NEW_DEVICE:
      return absl::StrCat(who, " uses a new device");
    default:
      return absl::StrCat("the keys of ", who, " changed");
  }
}

std::string AccountWords(const v1::AccountStateChanged& change) {
  std::string words = "the account ";
  switch (change.state()) {
    case v1::ACCOUNT_STATE_ONLINE:
      words += "is online";
      break;
    case v1::ACCOUNT_STATE_CONNECTING:
      words += "is connecting";
      break;
    case v1::ACCOUNT_STATE_OFFLINE:
      words += "is offline";
      break;
    case v1::ACCOUNT_STATE_LOGGED_OUT:
      words += "was logged out: log in again in its client";
      break;
    case v1::ACCOUNT_STATE_DETACHED:
      words += "has no client attached";
      break;
    default:
      words += "changed";
      break;
  }
  if (!change.reason().empty()) absl::StrAppend(&words, " (", VisibleText(change.reason()), ")");
  return words;
}

std::string EraseWords(const v1::EraseAsked& erase) {
  const std::string what = erase.message_ids().empty()
                               ? "everything seen here"
                               : Counted(erase.message_ids_size(), "message");
  switch (erase.cause()) {
    case v1::EraseAsked::CAUSE_DELETED:
      return absl::StrCat("forget ", what, ": deleted");
    case v1::EraseAsked::CAUSE_EXPIRED:
      return absl::StrCat("forget ", what, ": the timer ran out");
    case v1::EraseAsked::CAUSE_REVOKED:
      return absl::StrCat("forget ", what, ": access taken back");
    default:
      return absl::StrCat("forget ", what);
  }
}

std::string GapWords(const v1::Gap& gap) {
  const std::string what =
      gap.event_count() > 0
          ? absl::StrCat(Counted(gap.event_count(), "event"),
                         gap.event_count() == 1 ? " is" : " are", " missing here: ")
          : std::string("events are missing here: ");
  switch (gap.cause()) {
    case v1::Gap::CAUSE_RETENTION:
      return what + "older than what the user keeps";
    case v1::Gap::CAUSE_GATEKEEPER:
      return what + "lost by the messaging client before they were stored";
    case v1::Gap::CAUSE_STORAGE:
      return what + "storage was damaged";
    default:
      return what + "cause unknown";
  }
}

std::string OutcomeWords(const v1::RequestCompleted& completed) {
  const std::string what = absl::StrCat("request ", VisibleText(completed.request_id()), ": ");
  switch (completed.outcome()) {
    case v1::RequestCompleted::OUTCOME_DONE:
      return what + "done";
    case v1::RequestCompleted::OUTCOME_REFUSED:
      return what + "refused by the user";
    case v1::RequestCompleted::OUTCOME_FAILED_RETRIABLE:
      return what + "failed for now, try again";
    case v1::RequestCompleted::OUTCOME_FAILED:
      return what + "refused by the network";
    default:
      return what + "outcome unknown; it is not repeated";
  }
}

std::string UnreadWords(const v1::UnreadMark& mark) {
  if (mark.unread()) return "you marked the chat unread";
  return mark.unread_count() > 0
             ? absl::StrCat("you read here; ", mark.unread_count(), " still unread")
             : "you read the chat on another device";
}

std::string ReceiptWords(const v1::Receipt& receipt, const Names& names) {
  const std::string who = names.Person(receipt.contact_id());
  const bool read = receipt.kind() == v1::Receipt::KIND_READ;
  if (receipt.message_ids_size() == 1) {
    const std::string what = names.Excerpt(receipt.message_ids(0));
    return read ? absl::StrCat(who, " read ", what) : absl::StrCat(what, " reached ", who);
  }
  return absl::StrCat(receipt.message_ids_size(), " messages ", read ? "read by " : "reached ",
                      who);
}

std::string ParticipantWords(const v1::Event& event, const Names& names) {
  if (event.has_participant_joined()) {
    const v1::ParticipantJoined& joined = event.participant_joined();
    const std::string who = names.Person(joined.participant().contact_id());
    return joined.added_by_contact_id().empty()
               ? who + " joined"
               : absl::StrCat(names.Person(joined.added_by_contact_id()), " added ", who);
  }
  if (event.has_participant_left()) {
    const v1::ParticipantLeft& left = event.participant_left();
    const std::string who = names.Person(left.contact_id());
    return left.removed_by_contact_id().empty()
               ? who + " left"
               : absl::StrCat(names.Person(left.removed_by_contact_id()), " removed ", who);
  }
  const v1::Participant& participant = event.participant_changed().participant();
  const std::string who = names.Person(participant.contact_id());
  switch (participant.role()) {
    case v1::PARTICIPANT_ROLE_ADMIN:
      return who + " is now an admin";
    case v1::PARTICIPANT_ROLE_OWNER:
      return who + " now owns the group";
    default:
      return who + " is a member";
  }
}

std::string EditWords(const v1::MessageEdited& edit, const Names& names) {
  const std::string text =
      edit.text().empty() && edit.raw_text().empty() && edit.text_bytes() > 0
          ? absl::StrCat("(", edit.text_bytes(), " bytes of text that this app may not read)")
          : VisibleText(edit.text().empty() ? edit.raw_text() : edit.text());
  return absl::StrCat(names.Person(edit.sender_contact_id()), " edited ",
                      names.Excerpt(edit.message_id()), " to: ", text);
}

std::string TimerWords(const v1::TimerChanged& change, const Names& names) {
  const std::string who = names.Person(change.contact_id());
  return change.has_disappearing_timer() ? absl::StrCat(who, " set messages to disappear after ",
                                                        DurationText(change.disappearing_timer()))
                                         : absl::StrCat(who, " set messages to stay");
}

}  // namespace

std::string EventWords(const v1::Event& event, const Names& names) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return "a message";
    case v1::Event::kMessageEdited:
      return EditWords(event.message_edited(), names);
    case v1::Event::kMessageDeleted:
      return absl::StrCat(names.Person(event.message_deleted().contact_id()), " deleted ",
                          names.Excerpt(event.message_deleted().message_id()),
                          event.message_deleted().for_everyone() ? "" : ", on this side only");
    case v1::Event::kMessageExpired:
      return absl::StrCat("the timer of ", names.Excerpt(event.message_expired().message_id()),
                          " ran out");
    case v1::Event::kReactionSet:
      return absl::StrCat(names.Person(event.reaction_set().contact_id()), " reacted ",
                          VisibleText(event.reaction_set().emoji()), " to ",
                          names.Excerpt(event.reaction_set().message_id()));
    case v1::Event::kReactionRemoved:
      return absl::StrCat(names.Person(event.reaction_removed().contact_id()), " took back ",
                          event.reaction_removed().emoji().empty()
                              ? "all reactions"
                              : VisibleText(event.reaction_removed().emoji()),
                          " from ", names.Excerpt(event.reaction_removed().message_id()));
    case v1::Event::kReceipt:
      return ReceiptWords(event.receipt(), names);
    case v1::Event::kTyping:
      return absl::StrCat(names.Person(event.typing().contact_id()),
                          event.typing().active() ? " is typing …" : " stopped typing");
    case v1::Event::kPresence:
      return PresenceWords(event.presence(), names);
    case v1::Event::kUnreadMark:
      return UnreadWords(event.unread_mark());
    case v1::Event::kChatCreated:
      return absl::StrCat("new chat, ", event.chat_created().chat().participants_size(), " people");
    case v1::Event::kChatChanged:
      return "the chat's name, topic or marks changed";
    case v1::Event::kChatRemoved:
      return "the chat was removed";
    case v1::Event::kTimerChanged:
      return TimerWords(event.timer_changed(), names);
    case v1::Event::kMessageRequest:
      return MessageRequestWords(event.message_request(), names);
    case v1::Event::kParticipantJoined:
    case v1::Event::kParticipantLeft:
    case v1::Event::kParticipantChanged:
      return ParticipantWords(event, names);
    case v1::Event::kContactChanged:
      return absl::StrCat("contact changed: ",
                          names.Person(event.contact_changed().contact().id()));
    case v1::Event::kIdentityChanged:
      return IdentityWords(event.identity_changed(), names);
    case v1::Event::kAttachmentReady:
      return absl::StrCat("file ready: ",
                          VisibleText(event.attachment_ready().attachment().file_name()));
    case v1::Event::kPollVoted:
      return absl::StrCat(
          names.Person(event.poll_voted().contact_id()),
          event.poll_voted().option_ids().empty() ? " took a vote back in " : " voted in ",
          names.Excerpt(event.poll_voted().message_id()));
    case v1::Event::kPinChanged:
      return absl::StrCat(names.Person(event.pin_changed().contact_id()),
                          event.pin_changed().pinned() ? " pinned " : " unpinned ",
                          names.Excerpt(event.pin_changed().message_id()));
    case v1::Event::kCall:
      return CallWords(event.call(), names);
    case v1::Event::kAccountStateChanged:
      return AccountWords(event.account_state_changed());
    case v1::Event::kCapabilitiesChanged:
      return "what this chat can do changed";
    case v1::Event::kBackfillProgress:
      return absl::StrCat("older history: ", event.backfill_progress().messages(), " messages",
                          event.backfill_progress().complete() ? ", complete" : " so far");
    case v1::Event::kEraseAsked:
      return EraseWords(event.erase_asked());
    case v1::Event::kGrantChanged:
      return "what you allowed this app changed";
    case v1::Event::kLeaseChanged:
      return absl::StrCat(
          "forwarding to ", VisibleText(event.lease_changed().target_network()),
          event.lease_changed().held_by_self() ? " is now this app's" : " is another app's");
    case v1::Event::kDisclosureChanged:
      return absl::StrCat(
          Counted(event.disclosure_changed().app_count(), "app"), " can see this chat",
          event.disclosure_changed().leaves_device() ? "; its text leaves this device" : "");
    case v1::Event::kGap:
      return GapWords(event.gap());
    case v1::Event::kRequestCompleted:
      return OutcomeWords(event.request_completed());
    case v1::Event::kUnsupported:
      return absl::StrCat(VisibleText(event.unsupported().fallback_text()), " (",
                          VisibleText(event.unsupported().network_kind()), ", not supported here)");
    case v1::Event::KIND_NOT_SET:
      break;
  }
  return "something this version of postern has no words for";
}

}  // namespace postern::cli
