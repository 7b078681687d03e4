// SPDX-License-Identifier: Apache-2.0
// What AliceChat does with commands about chats, and with requests for older history.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "clients/gatekeepers/demo/alice_chat.h"

namespace postern::demo {
namespace {

// Older messages come in parts of so many, each with word of how far it is.
constexpr size_t kBackfillPart = 50;

const v1::Participant* Member(const v1::Chat& chat, const std::string& contact) {
  const auto& members = chat.participants();
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& member) {
    return member.contact_id() == contact;
  });
  return found == members.end() ? nullptr : &*found;
}

}  // namespace

void AliceChat::CreateChat(const v1::CreateChatCommand& create, Outcome& outcome) {
  outcome.result.clear_end_to_end_encrypted();
  for (const std::string& contact : create.contact_ids()) {
    if (!world_.FindContact(contact).has_value()) return Fail("there is no such person", outcome);
  }
  const bool direct = create.kind() == v1::CHAT_KIND_DIRECT;
  if (direct && create.contact_ids_size() != 1) {
    return Fail("a 1:1 chat has one other person", outcome);
  }
  v1::Chat& chat = *outcome.result.mutable_chat();
  chat.set_id(direct ? absl::StrCat("direct:", create.contact_ids(0))
                     : absl::StrCat("group:made-", outcome.result.command_id()));
  // A 1:1 chat that is there already is the answer, and nothing happens.
  if (world_.FindChat(chat.id()).has_value()) return;
  chat.set_kind(direct ? v1::CHAT_KIND_DIRECT : v1::CHAT_KIND_GROUP);
  chat.set_name(direct ? world_.NameOf(create.contact_ids(0)) : create.name());
  if (direct) chat.set_peer_contact_id(create.contact_ids(0));
  chat.set_end_to_end_encrypted(true);
  const auto add = [&](const std::string& contact, v1::ParticipantRole role) {
    v1::Participant& member = *chat.add_participants();
    member.set_contact_id(contact);
    member.set_display_name(world_.NameOf(contact));
    member.set_role(role);
  };
  add(kSelf, direct ? v1::PARTICIPANT_ROLE_MEMBER : v1::PARTICIPANT_ROLE_OWNER);
  for (const std::string& contact : create.contact_ids()) {
    add(contact, v1::PARTICIPANT_ROLE_MEMBER);
  }
  *Happen(chat.id(), outcome).mutable_chat_created()->mutable_chat() = chat;
  outcome.line = absl::StrCat("[", chat.name(), "] You made this chat (via an app)");
}

void AliceChat::ChangeMembers(const v1::UpdateChatCommand& update, Outcome& outcome) {
  const std::string& id = update.chat().id();
  const v1::Chat chat = *world_.FindChat(id);
  for (const std::string& contact : update.add_contact_ids()) {
    if (!world_.FindContact(contact).has_value()) return Fail("there is no such person", outcome);
    if (Member(chat, contact) != nullptr) continue;
    v1::ParticipantJoined& joined = *Happen(id, outcome).mutable_participant_joined();
    joined.mutable_participant()->set_contact_id(contact);
    joined.mutable_participant()->set_display_name(world_.NameOf(contact));
    joined.mutable_participant()->set_role(v1::PARTICIPANT_ROLE_MEMBER);
    joined.set_added_by_contact_id(kSelf);
  }
  for (const std::string& contact : update.remove_contact_ids()) {
    if (Member(chat, contact) == nullptr) return Fail("this person is not in the chat", outcome);
    v1::ParticipantLeft& left = *Happen(id, outcome).mutable_participant_left();
    left.set_contact_id(contact);
    left.set_removed_by_contact_id(kSelf);
  }
  for (const v1::Participant& role : update.roles()) {
    const v1::Participant* const member = Member(chat, role.contact_id());
    if (member == nullptr) return Fail("this person is not in the chat", outcome);
    v1::Participant& changed =
        *Happen(id, outcome).mutable_participant_changed()->mutable_participant();
    changed = *member;
    changed.set_role(role.role());
  }
  if (update.leave()) {
    if (chat.kind() != v1::CHAT_KIND_GROUP) return Fail("one leaves groups only", outcome);
    Happen(id, outcome).mutable_participant_left()->set_contact_id(kSelf);
  }
}

void AliceChat::UpdateChat(const v1::UpdateChatCommand& update, Outcome& outcome) {
  outcome.result.clear_end_to_end_encrypted();
  const std::string& id = update.chat().id();
  v1::Chat now = *world_.FindChat(id);
  const v1::Chat& asked = update.chat();
  bool changed = false;
  for (const std::string& path : update.update_mask().paths()) {
    if (path == "disappearing_timer") {
      v1::TimerChanged& timer = *Happen(id, outcome).mutable_timer_changed();
      timer.set_contact_id(kSelf);
      now.clear_disappearing_timer();
      if (asked.disappearing_timer().seconds() > 0) {
        *timer.mutable_disappearing_timer() = asked.disappearing_timer();
        *now.mutable_disappearing_timer() = asked.disappearing_timer();
      }
      continue;
    }
    if (path == "marked_unread") {
      Happen(id, outcome).mutable_unread_mark()->set_unread(asked.marked_unread());
      now.set_marked_unread(asked.marked_unread());
      continue;
    }
    changed = true;
    if (path == "name") {
      now.set_name(asked.name());
    } else if (path == "topic") {
      now.set_topic(asked.topic());
    } else if (path == "muted") {
      now.set_muted(asked.muted());
    } else if (path == "archived") {
      now.set_archived(asked.archived());
    } else if (path == "avatar_attachment_id") {
      if (!asked.avatar_attachment_id().empty() && !files_.Has(asked.avatar_attachment_id())) {
        return Fail("there is no such file", outcome);
      }
      now.set_avatar_attachment_id(asked.avatar_attachment_id());
    } else if (path == "blocked") {
      if (now.kind() != v1::CHAT_KIND_DIRECT)
        return Fail("people are blocked, not groups", outcome);
      now.set_blocked(asked.blocked());
    } else {
      return Fail("AliceChat does not know what to change", outcome);
    }
  }
  if (changed) *Happen(id, outcome).mutable_chat_changed()->mutable_chat() = now;
  ChangeMembers(update, outcome);
  if (outcome.result.state() == v1::CommandResult::STATE_FAILED) return;
  for (const bool pin : {true, false}) {
    const std::string& message = pin ? update.pin_message_id() : update.unpin_message_id();
    if (message.empty()) continue;
    if (!world_.FindMessage(id, message).has_value()) {
      return Fail("there is no such message (any more)", outcome);
    }
    v1::PinChanged& pinned = *Happen(id, outcome).mutable_pin_changed();
    pinned.set_message_id(message);
    pinned.set_contact_id(kSelf);
    pinned.set_pinned(pin);
  }
  if (update.request_answer() != v1::MessageRequest::STATE_UNSPECIFIED) {
    v1::MessageRequest& request = *Happen(id, outcome).mutable_message_request();
    request.set_contact_id(now.peer_contact_id());
    request.set_state(update.request_answer());
  }
  outcome.result.mutable_chat()->set_id(id);
  outcome.line = absl::StrCat(world_.Heading(id), " You changed this chat (via an app)");
}

std::vector<Outcome> AliceChat::Backfill(const v1::Command& command) {
  const v1::BackfillCommand& backfill = command.backfill();
  const absl::Time oldest =
      backfill.has_start_time() ? TimeOf(backfill.start_time()) : absl::InfinitePast();
  std::vector<const Step*> older;  // oldest first
  for (const Step& step : script_.history) {
    if (step.event.chat_id() != backfill.chat_id()) continue;
    if (step.event.has_message_created() &&
        step.event.message_created().message().id() == backfill.before_message_id()) {
      break;
    }
    if (start_ - step.delay >= oldest) older.push_back(&step);
  }
  const bool all = backfill.messages_max() == 0 || older.size() <= backfill.messages_max();
  if (!all) older.erase(older.begin(), older.end() - backfill.messages_max());

  std::vector<Outcome> outcomes;
  size_t brought = 0;
  do {
    Outcome& outcome = outcomes.emplace_back();
    // The newest part first: that is what people want to see.
    const size_t end = older.size() - brought;
    const size_t begin = end - std::min(end, kBackfillPart);
    for (size_t i = begin; i < end; ++i) {
      v1::Event event = Play(*older[i], start_ - older[i]->delay, 0);
      world_.Apply(event);
      outcome.events.push_back(std::move(event));
    }
    brought += end - begin;
    outcome.result.set_command_id(command.command_id());
    outcome.result.set_backfilled_messages(static_cast<uint32_t>(brought));
    const bool last = brought == older.size();
    outcome.result.set_state(last ? v1::CommandResult::STATE_SENT
                                  : v1::CommandResult::STATE_PENDING);
    outcome.result.set_backfill_complete(last && all);
    if (last) {
      outcome.line = absl::StrCat(world_.Heading(backfill.chat_id()), " ", brought,
                                  " older messages (via an app)");
    }
  } while (brought < older.size());
  return outcomes;
}

}  // namespace postern::demo
