// SPDX-License-Identifier: Apache-2.0
// What AliceChat does with commands about messages.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <utility>

#include "clients/gatekeepers/demo/alice_chat.h"

namespace postern::demo {
namespace {

// What stands for a message without text on the screen.
std::string TitleOf(const v1::Message& message) {
  switch (message.kind()) {
    case v1::MESSAGE_KIND_POLL:
      return absl::StrCat("📊 ", message.poll().question());
    case v1::MESSAGE_KIND_LOCATION:
      return absl::StrCat("📍 ", message.location().name());
    case v1::MESSAGE_KIND_CONTACT_CARD:
      return absl::StrCat("👤 ", message.contact_card().display_name());
    default:
      break;
  }
  std::string title = message.text();
  for (const v1::Attachment& attachment : message.attachments()) {
    absl::StrAppend(&title, title.empty() ? "" : " ", "📎 ", attachment.file_name());
  }
  return title;
}

}  // namespace

void AliceChat::SendMessage(const v1::SendMessageCommand& send, absl::Time now, Outcome& outcome) {
  // The id comes from the command's: were it ever carried out twice, it would be one message.
  outcome.result.set_message_id(absl::StrCat(kSentByApp, outcome.result.command_id()));
  v1::Message& message =
      *Happen(send.chat_id(), outcome).mutable_message_created()->mutable_message();
  message.set_id(outcome.result.message_id());
  message.set_chat_id(send.chat_id());
  message.set_sender_contact_id(kSelf);
  message.set_sender_display_name("You");
  message.set_from_owner(true);
  SetTime(*message.mutable_create_time(), now);
  message.set_kind(send.kind() == v1::MESSAGE_KIND_UNSPECIFIED ? v1::MESSAGE_KIND_TEXT
                                                               : send.kind());
  message.set_text(send.text());
  *message.mutable_spans() = send.spans();
  *message.mutable_mentions() = send.mentions();
  if (send.has_poll()) {
    *message.mutable_poll() = send.poll();
    message.mutable_poll()->clear_votes();
  }
  if (send.has_location()) *message.mutable_location() = send.location();
  if (send.has_contact_card()) *message.mutable_contact_card() = send.contact_card();
  message.set_view_once(send.view_once());
  message.set_end_to_end_encrypted(true);
  for (const std::string& id : send.attachment_ids()) {
    auto file = files_.Describe(id);
    if (!file.ok()) return Fail("there is no such file", outcome);
    file->set_id(id);
    file->set_end_to_end_encrypted(true);
    *message.add_attachments() = *std::move(file);
    if (message.text().empty() && message.kind() == v1::MESSAGE_KIND_TEXT) {
      message.set_kind(v1::MESSAGE_KIND_MEDIA);
    }
  }
  if (!send.reply_to_message_id().empty()) {
    message.mutable_reply_to()->set_message_id(send.reply_to_message_id());
    const auto answered = world_.FindMessage(send.chat_id(), send.reply_to_message_id());
    if (answered.has_value()) {
      message.mutable_reply_to()->set_sender_contact_id(answered->sender_contact_id());
    }
  }
  if (const auto chat = world_.FindChat(send.chat_id());
      chat.has_value() && chat->has_disappearing_timer()) {
    *message.mutable_disappearing_timer() = chat->disappearing_timer();
  }
  outcome.line =
      absl::StrCat(world_.Heading(send.chat_id()), " You (via ", send.app_display_name(),
                   send.reply_to_message_id().empty() ? "): " : ", reply): ", TitleOf(message));
  // The words under it come last, so that no span or mention moves.
  if (!send.attribution().empty()) {
    message.set_text(message.text().empty()
                         ? send.attribution()
                         : absl::StrCat(message.text(), "\n", send.attribution()));
  }
}

void AliceChat::EditMessage(const v1::EditMessageCommand& edit, Outcome& outcome) {
  v1::MessageEdited& edited = *Happen(edit.chat_id(), outcome).mutable_message_edited();
  edited.set_message_id(edit.message_id());
  edited.set_sender_contact_id(kSelf);
  edited.set_text(edit.text());
  *edited.mutable_spans() = edit.spans();
  *edited.mutable_mentions() = edit.mentions();
  edited.set_end_to_end_encrypted(true);
  outcome.result.set_message_id(edit.message_id());
  outcome.line =
      absl::StrCat(world_.Heading(edit.chat_id()), " You (edited, via an app): ", edit.text());
}

void AliceChat::DeleteMessage(const v1::DeleteMessageCommand& remove, Outcome& outcome) {
  v1::MessageDeleted& deleted = *Happen(remove.chat_id(), outcome).mutable_message_deleted();
  deleted.set_message_id(remove.message_id());
  deleted.set_contact_id(kSelf);
  deleted.set_for_everyone(remove.for_everyone());
  outcome.result.set_message_id(remove.message_id());
  outcome.line =
      absl::StrCat(world_.Heading(remove.chat_id()), " You deleted a message (via an app)");
}

void AliceChat::SetReaction(const v1::SetReactionCommand& set, Outcome& outcome) {
  const auto message = world_.FindMessage(set.chat_id(), set.message_id());
  if (message.has_value() ? message->deleted() : !IsOfAnApp(set.message_id())) {
    return Fail("there is no such message (any more)", outcome);
  }
  v1::Event& event = Happen(set.chat_id(), outcome);
  if (set.remove()) {
    event.mutable_reaction_removed()->set_message_id(set.message_id());
    event.mutable_reaction_removed()->set_contact_id(kSelf);
    event.mutable_reaction_removed()->set_emoji(set.emoji());
  } else {
    event.mutable_reaction_set()->set_message_id(set.message_id());
    event.mutable_reaction_set()->set_contact_id(kSelf);
    event.mutable_reaction_set()->set_emoji(set.emoji());
  }
  outcome.result.set_message_id(set.message_id());
  outcome.line =
      absl::StrCat(world_.Heading(set.chat_id()), " You ", set.remove() ? "took back " : "reacted ",
                   set.emoji(), " (via an app)");
}

void AliceChat::VotePoll(const v1::VotePollCommand& vote, Outcome& outcome) {
  const auto message = world_.FindMessage(vote.chat_id(), vote.message_id());
  if (!message.has_value() || !message->has_poll()) return Fail("there is no such poll", outcome);
  const v1::Poll& poll = message->poll();
  if (poll.choices_max() != 0 && vote.option_ids_size() > static_cast<int>(poll.choices_max())) {
    return Fail("the poll takes fewer answers", outcome);
  }
  for (const std::string& id : vote.option_ids()) {
    bool known = false;
    for (const v1::PollOption& option : poll.options()) known = known || option.id() == id;
    if (!known) return Fail("the poll has no such answer", outcome);
  }
  v1::PollVoted& voted = *Happen(vote.chat_id(), outcome).mutable_poll_voted();
  voted.set_message_id(vote.message_id());
  voted.set_contact_id(kSelf);
  *voted.mutable_option_ids() = vote.option_ids();
  outcome.result.set_message_id(vote.message_id());
  outcome.line = absl::StrCat(world_.Heading(vote.chat_id()), " You voted for ",
                              absl::StrJoin(vote.option_ids(), ", "), " (via an app)");
}

void AliceChat::MarkRead(const v1::MarkReadCommand& mark, Outcome& outcome) {
  v1::UnreadMark& read = *Happen(mark.chat_id(), outcome).mutable_unread_mark();
  read.set_unread(false);
  read.set_read_through_message_id(mark.through_message_id());
  if (mark.tell_sender()) {
    v1::Receipt& receipt = *Happen(mark.chat_id(), outcome).mutable_receipt();
    receipt.add_message_ids(mark.through_message_id());
    receipt.set_contact_id(kSelf);
    receipt.set_kind(v1::Receipt::KIND_READ);
  }
  outcome.line = absl::StrCat(world_.Heading(mark.chat_id()), " You read this chat (via an app",
                              mark.tell_sender() ? ", and they are told)" : ")");
}

// The others see it; nobody tells it back to the user's own client.
void AliceChat::SetTyping(const v1::SetTypingCommand& set, Outcome& outcome) {
  v1::Event event;
  event.set_chat_id(set.chat_id());
  event.mutable_typing()->set_contact_id(kSelf);
  event.mutable_typing()->set_active(set.active());
  world_.Apply(event);
  if (set.active()) {
    outcome.line = absl::StrCat(world_.Heading(set.chat_id()), " You are typing … (via an app)");
  }
}

void AliceChat::CreateDraft(const v1::CreateDraftCommand& create, Outcome& outcome) {
  outcome.result.set_draft_id(absl::StrCat("draft:", outcome.result.command_id()));
  outcome.result.clear_end_to_end_encrypted();
  world_.AddDraft(create.chat_id(), {outcome.result.draft_id(), create.text(),
                                     create.reply_to_message_id(), create.app_display_name()});
  outcome.line = absl::StrCat(world_.Heading(create.chat_id()), " Draft of ",
                              create.app_display_name(), ": ", create.text());
}

}  // namespace postern::demo
