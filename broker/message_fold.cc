// SPDX-License-Identifier: Apache-2.0
#include "broker/message_fold.h"

#include <algorithm>

#include "broker/event_view.h"
#include "broker/limits.h"

namespace postern::broker {
namespace {

using v1::Event;

void SetReaction(v1::Message& message, const Event& event) {
  const v1::ReactionSet& set = event.reaction_set();
  for (const v1::Reaction& reaction : message.reactions()) {
    if (reaction.contact_id() == set.contact_id() && reaction.emoji() == set.emoji()) return;
  }
  if (message.reactions_size() >= kFoldedReactionsMax) return;
  v1::Reaction& reaction = *message.add_reactions();
  reaction.set_contact_id(set.contact_id());
  reaction.set_emoji(set.emoji());
  reaction.set_custom_emoji_attachment_id(set.custom_emoji_attachment_id());
  *reaction.mutable_react_time() = event.event_time();
}

void RemoveReaction(v1::Message& message, const v1::ReactionRemoved& removed) {
  auto& reactions = *message.mutable_reactions();
  reactions.erase(
      std::remove_if(reactions.begin(), reactions.end(),
                     [&](const v1::Reaction& reaction) {
                       return reaction.contact_id() == removed.contact_id() &&
                              (removed.emoji().empty() || reaction.emoji() == removed.emoji());
                     }),
      reactions.end());
}

void Edit(v1::Message& message, const Event& event) {
  if (!IsEditOf(event, message)) return;
  const v1::MessageEdited& edited = event.message_edited();
  message.set_text(edited.text());
  message.set_raw_text(edited.raw_text());
  message.set_text_bytes(edited.text_bytes());
  *message.mutable_spans() = edited.spans();
  *message.mutable_mentions() = edited.mentions();
  *message.mutable_edit_time() = event.event_time();
}

void Vote(v1::Message& message, const v1::PollVoted& voted) {
  if (!message.has_poll() || voted.contact_id().empty()) return;
  auto& votes = *message.mutable_poll()->mutable_votes();
  votes.erase(std::remove_if(votes.begin(), votes.end(),
                             [&](const v1::PollVote& vote) {
                               return vote.contact_id() == voted.contact_id();
                             }),
              votes.end());
  if (voted.option_ids().empty() || votes.size() >= kParticipantsMax) return;
  v1::PollVote& vote = *votes.Add();
  vote.set_contact_id(voted.contact_id());
  *vote.mutable_option_ids() = voted.option_ids();
}

void ReadyAttachment(v1::Message& message, const v1::Attachment& ready) {
  for (v1::Attachment& attachment : *message.mutable_attachments()) {
    if (attachment.id() == ready.id()) attachment = ready;
  }
}

void Delete(v1::Message& message) {
  const bool withheld = message.withheld();
  ReduceToMetadata(message);
  message.clear_attachments();
  message.clear_text_bytes();
  message.set_deleted(true);
  message.set_withheld(withheld);
}

}  // namespace

bool IsEditOf(const Event& event, const v1::Message& message) {
  const std::string& editor = event.message_edited().sender_contact_id();
  return event.has_message_edited() && (editor.empty() || message.sender_contact_id().empty() ||
                                        editor == message.sender_contact_id());
}

void FoldIn(v1::Message& message, const Event& event) {
  if (event.has_message_deleted() || event.has_message_expired()) {
    Delete(message);
    return;
  }
  if (message.deleted()) return;
  switch (event.kind_case()) {
    case Event::kMessageEdited:
      Edit(message, event);
      break;
    case Event::kReactionSet:
      SetReaction(message, event);
      break;
    case Event::kReactionRemoved:
      RemoveReaction(message, event.reaction_removed());
      break;
    case Event::kPollVoted:
      Vote(message, event.poll_voted());
      break;
    case Event::kAttachmentReady:
      ReadyAttachment(message, event.attachment_ready().attachment());
      break;
    default:
      break;
  }
}

}  // namespace postern::broker
