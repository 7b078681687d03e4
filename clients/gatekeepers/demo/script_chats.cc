// SPDX-License-Identifier: Apache-2.0
// What a script says about chats.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "clients/gatekeepers/demo/script_parser.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr int64_t kSecondsMax = 10LL * 365 * 24 * 3600;
constexpr int64_t kCountMax = 1'000'000;

const std::map<std::string, v1::CapabilityLevel>& Levels() {
  static const std::map<std::string, v1::CapabilityLevel> levels = {
      {"rejected", v1::CAPABILITY_LEVEL_REJECTED}, {"dropped", v1::CAPABILITY_LEVEL_DROPPED},
      {"unknown", v1::CAPABILITY_LEVEL_UNKNOWN},   {"partial", v1::CAPABILITY_LEVEL_PARTIAL},
      {"full", v1::CAPABILITY_LEVEL_FULL},
  };
  return levels;
}

}  // namespace

v1::Participant ScriptParser::MakeParticipant(const std::string& person,
                                              v1::ParticipantRole role) const {
  v1::Participant participant;
  participant.set_contact_id(person);
  participant.set_display_name(script_.people.at(person));
  participant.set_role(role);
  return participant;
}

absl::Status ScriptParser::MakeChat(const std::string& name, bool group,
                                    const std::vector<std::string>& members,
                                    const std::string& title, const std::string& owner) {
  for (const std::string& member : members) RETURN_IF_ERROR(KnownPerson(member));
  const std::string id = ChatIdOf(name, group);
  if (!script_.chats.emplace(id, title).second || !chat_ids_.emplace(name, id).second) {
    return Invalid("this chat is there already");
  }
  chat_id_ = id;
  v1::Chat& made = chat();
  made.set_id(id);
  made.set_kind(group ? v1::CHAT_KIND_GROUP : v1::CHAT_KIND_DIRECT);
  made.set_name(title);
  made.set_end_to_end_encrypted(true);
  if (!group) made.set_peer_contact_id(members[0]);
  const auto role = [&](const std::string& person) {
    if (person == owner) return v1::PARTICIPANT_ROLE_OWNER;
    return group && owner.empty() && person == kSelf ? v1::PARTICIPANT_ROLE_ADMIN
                                                     : v1::PARTICIPANT_ROLE_MEMBER;
  };
  *made.add_participants() = MakeParticipant(kSelf, role(kSelf));
  for (const std::string& member : members) {
    if (member == kSelf) continue;
    *made.add_participants() = MakeParticipant(member, role(member));
  }
  return absl::OkStatus();
}

absl::Status ScriptParser::DeclareChat(bool group) {
  if (group ? words_.size() < 4 : words_.size() != 2) {
    return Invalid(group ? "usage: group ID \"Name\" PERSON..." : "usage: direct PERSON");
  }
  const std::vector<std::string> members(words_.begin() + (group ? 3 : 1), words_.end());
  for (const std::string& member : members) RETURN_IF_ERROR(KnownPerson(member));
  RETURN_IF_ERROR(
      MakeChat(words_[1], group, members, group ? words_[2] : script_.people[words_[1]], ""));
  Step step;
  step.event.set_chat_id(chat_id_);
  *step.event.mutable_chat_created()->mutable_chat() = chat();
  script_.setup.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status ScriptParser::Creates() {
  std::vector<std::string> members(words_.begin() + 1, words_.end());
  if (person_ != kSelf) members.push_back(person_);
  RETURN_IF_ERROR(MakeChat(chat_name_, true, members, words_[0], person_));
  v1::Event event;
  *event.mutable_chat_created()->mutable_chat() = chat();
  Emit(std::move(event),
       absl::StrCat("[", words_[0], "] ", script_.people[person_], " created this group"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Opens() {
  RETURN_IF_ERROR(KnownPerson(chat_name_));
  RETURN_IF_ERROR(MakeChat(chat_name_, false, {chat_name_}, script_.people[chat_name_], ""));
  v1::Event event;
  *event.mutable_chat_created()->mutable_chat() = chat();
  Emit(std::move(event), absl::StrCat("[", script_.people[chat_name_], "] a new chat"));
  return absl::OkStatus();
}

void ScriptParser::EmitChatChanged(const std::string& line) {
  v1::Event event;
  *event.mutable_chat_changed()->mutable_chat() = chat();
  Emit(std::move(event), line);
}

absl::Status ScriptParser::Renames() {
  chat().set_name(words_[0]);
  script_.chats[chat_id_] = words_[0];
  EmitChatChanged(absl::StrCat(where_, " named it ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Topic() {
  chat().set_topic(words_[0]);
  EmitChatChanged(absl::StrCat(where_, " set the topic: ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Avatar() {
  if (words_.size() == 1 && words_[0] == "none") {
    chat().clear_avatar_attachment_id();
    EmitChatChanged(absl::StrCat(where_, " took the picture away"));
    return absl::OkStatus();
  }
  if (words_.size() != 2) return Invalid("usage: avatar \"file\" BYTES, or avatar none");
  ASSIGN_OR_RETURN(const v1::Attachment picture, MakeFile(absl::StrCat(chat_id_, ":", words_[0]),
                                                          words_[0], "image/jpeg", words_[1]));
  chat().set_avatar_attachment_id(picture.id());
  EmitChatChanged(absl::StrCat(where_, " set the picture ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Marks() {
  if (words_[0] != "unread" && words_[0] != "read") return Invalid("usage: marks unread|read");
  v1::Event event;
  v1::UnreadMark& mark = *event.mutable_unread_mark();
  mark.set_unread(words_[0] == "unread");
  chat().set_marked_unread(mark.unread());
  if (Has("through")) {
    ASSIGN_OR_RETURN(*mark.mutable_read_through_message_id(), MessageNamed(Option("through")));
  }
  if (Has("count")) {
    ASSIGN_OR_RETURN(const int64_t count, Number(Option("count"), 0, kCountMax));
    mark.set_unread_count(static_cast<uint32_t>(count));
  }
  Emit(std::move(event), absl::StrCat(where_, " marked this chat ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Mutes() {
  chat().set_muted(true);
  EmitChatChanged(absl::StrCat(where_, " muted this chat"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Unmutes() {
  chat().set_muted(false);
  EmitChatChanged(absl::StrCat(where_, " unmuted this chat"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Archives() {
  chat().set_archived(true);
  EmitChatChanged(absl::StrCat(where_, " archived this chat"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Restores() {
  chat().set_archived(false);
  EmitChatChanged(absl::StrCat(where_, " brought this chat back"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Blocks() {
  if (chat().peer_contact_id().empty()) return Invalid("only the person of a 1:1 chat is blocked");
  chat().set_blocked(true);
  EmitChatChanged(absl::StrCat(where_, " blocked this person"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Unblocks() {
  if (chat().peer_contact_id().empty()) return Invalid("only the person of a 1:1 chat is blocked");
  chat().set_blocked(false);
  EmitChatChanged(absl::StrCat(where_, " unblocked this person"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Vanishes() {
  v1::Event event;
  event.mutable_chat_removed();
  Emit(std::move(event), absl::StrCat("[", script_.chats[chat_id_], "] this chat is gone"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Timer() {
  v1::Event event;
  v1::TimerChanged& timer = *event.mutable_timer_changed();
  timer.set_contact_id(person_);
  chat().clear_disappearing_timer();
  if (words_[0] != "off") {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(words_[0], 1, kSecondsMax));
    timer.mutable_disappearing_timer()->set_seconds(seconds);
    *chat().mutable_disappearing_timer() = timer.disappearing_timer();
  }
  Emit(std::move(event),
       absl::StrCat(where_, " set the timer: ", words_[0], words_[0] == "off" ? "" : " s"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Asks() {
  v1::Event event;
  event.mutable_message_request()->set_contact_id(person_);
  event.mutable_message_request()->set_state(v1::MessageRequest::STATE_PENDING);
  Emit(std::move(event), absl::StrCat(where_, " asks to write to you"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Answers() {
  static const std::map<std::string, v1::MessageRequest::State> kStates = {
      {"accepted", v1::MessageRequest::STATE_ACCEPTED},
      {"declined", v1::MessageRequest::STATE_DECLINED},
      {"blocked", v1::MessageRequest::STATE_BLOCKED}};
  RETURN_IF_ERROR(KnownPerson(words_[0]));
  const auto state = kStates.find(words_[1]);
  if (state == kStates.end()) return Invalid("a request is accepted, declined or blocked");
  v1::Event event;
  event.mutable_message_request()->set_contact_id(words_[0]);
  event.mutable_message_request()->set_state(state->second);
  Emit(std::move(event), absl::StrCat(where_, " ", words_[1], " ", script_.people[words_[0]]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Joins() {
  v1::Event event;
  v1::ParticipantJoined& joined = *event.mutable_participant_joined();
  *joined.mutable_participant() = MakeParticipant(person_, v1::PARTICIPANT_ROLE_MEMBER);
  if (Has("by")) {
    RETURN_IF_ERROR(KnownPerson(Option("by")));
    joined.set_added_by_contact_id(Option("by"));
  }
  *chat().add_participants() = joined.participant();
  Emit(std::move(event), absl::StrCat(where_, Has("by") ? " was added" : " joined"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Leaves() {
  v1::Event event;
  event.mutable_participant_left()->set_contact_id(person_);
  if (Has("by")) {
    RETURN_IF_ERROR(KnownPerson(Option("by")));
    event.mutable_participant_left()->set_removed_by_contact_id(Option("by"));
  }
  auto& members = *chat().mutable_participants();
  members.erase(std::remove_if(members.begin(), members.end(),
                               [&](const auto& member) { return member.contact_id() == person_; }),
                members.end());
  Emit(std::move(event), absl::StrCat(where_, Has("by") ? " was removed" : " left"));
  return absl::OkStatus();
}

absl::Status ScriptParser::Becomes() {
  static const std::map<std::string, v1::ParticipantRole> kRoles = {
      {"member", v1::PARTICIPANT_ROLE_MEMBER},
      {"admin", v1::PARTICIPANT_ROLE_ADMIN},
      {"owner", v1::PARTICIPANT_ROLE_OWNER}};
  const auto role = kRoles.find(words_[0]);
  if (role == kRoles.end()) return Invalid("a participant becomes member, admin or owner");
  for (v1::Participant& member : *chat().mutable_participants()) {
    if (member.contact_id() != person_) continue;
    member.set_role(role->second);
    v1::Event event;
    *event.mutable_participant_changed()->mutable_participant() = member;
    Emit(std::move(event), absl::StrCat(where_, " is ", words_[0], " now"));
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat("'", person_, "' is not in this chat"));
}

absl::Status ScriptParser::CalledHere() {
  for (v1::Participant& member : *chat().mutable_participants()) {
    if (member.contact_id() != person_) continue;
    member.set_display_name(words_[0]);
    v1::Event event;
    *event.mutable_participant_changed()->mutable_participant() = member;
    Emit(std::move(event), absl::StrCat(where_, " is called ", words_[0], " here"));
    return absl::OkStatus();
  }
  return Invalid(absl::StrCat("'", person_, "' is not in this chat"));
}

absl::Status ScriptParser::SetCapability(const std::vector<std::string>& words,
                                         v1::ChatCapabilities& capabilities) const {
  const std::string& name = words[0];
  const google::protobuf::FieldDescriptor* const field =
      capabilities.GetDescriptor()->FindFieldByName(name);
  const google::protobuf::Reflection& reflection = *capabilities.GetReflection();
  if (name == "allowed_reactions") {
    capabilities.clear_allowed_reactions();
    for (size_t i = 1; i < words.size(); ++i) capabilities.add_allowed_reactions(words[i]);
  } else if (name == "edit_age_max" || name == "delete_age_max") {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(words[1], 0, kSecondsMax));
    (name == "edit_age_max" ? capabilities.mutable_edit_age_max()
                            : capabilities.mutable_delete_age_max())
        ->set_seconds(seconds);
  } else if (field != nullptr && field->enum_type() != nullptr) {
    const auto level = Levels().find(words[1]);
    if (level == Levels().end()) {
      return Invalid("a capability is rejected, dropped, unknown, partial or full");
    }
    reflection.SetEnumValue(&capabilities, field, level->second);
  } else if (name == "attachment_bytes_max") {
    ASSIGN_OR_RETURN(const int64_t bytes, Number(words[1], 0, static_cast<int64_t>(kFileBytesMax)));
    capabilities.set_attachment_bytes_max(static_cast<uint64_t>(bytes));
  } else if (name == "text_bytes_max" || name == "reactions_per_person_max") {
    ASSIGN_OR_RETURN(const int64_t count, Number(words[1], 0, kCountMax));
    reflection.SetUInt32(&capabilities, field, static_cast<uint32_t>(count));
  } else {
    return Invalid(absl::StrCat("there is no capability '", name,
                                "': see ChatCapabilities in proto/postern/v1/chat.proto"));
  }
  SetHash(capabilities);
  return absl::OkStatus();
}

absl::Status ScriptParser::ChatCan() {
  if (!chat().has_capabilities()) *chat().mutable_capabilities() = script_.capabilities;
  RETURN_IF_ERROR(SetCapability(words_, *chat().mutable_capabilities()));
  v1::Event event;
  *event.mutable_capabilities_changed()->mutable_capabilities() = chat().capabilities();
  Emit(std::move(event),
       absl::StrCat("[", script_.chats[chat_id_], "] ", words_[0], " is ", words_[1], " now"));
  return absl::OkStatus();
}

absl::Status ScriptParser::EmitTyping(bool active) {
  v1::Event event;
  event.mutable_typing()->set_contact_id(person_);
  event.mutable_typing()->set_active(active);
  Emit(std::move(event), active ? absl::StrCat(where_, " is typing …") : "");
  return absl::OkStatus();
}

absl::Status ScriptParser::Types() { return EmitTyping(true); }
absl::Status ScriptParser::Pauses() { return EmitTyping(false); }

absl::Status ScriptParser::Calls() {
  static const std::map<std::string, v1::Call::State> kStates = {
      {"ringing", v1::Call::STATE_RINGING},
      {"answered", v1::Call::STATE_ANSWERED},
      {"ended", v1::Call::STATE_ENDED},
      {"missed", v1::Call::STATE_MISSED}};
  const auto state = kStates.find(words_[1]);
  if (state == kStates.end()) return Invalid("a call is ringing, answered, ended or missed");
  v1::Event event;
  v1::Call& call = *event.mutable_call();
  call.set_call_id(words_[0]);
  call.set_contact_id(person_);
  call.set_state(state->second);
  call.set_video(Has("video"));
  if (Has("lasts")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("lasts"), 0, kSecondsMax));
    call.mutable_duration()->set_seconds(seconds);
  }
  Emit(std::move(event), absl::StrCat(where_, ": 📞 call ", words_[1]));
  return absl::OkStatus();
}

v1::ChatCapabilities FullCapabilities() {
  v1::ChatCapabilities capabilities;
  const google::protobuf::Descriptor& type = *capabilities.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->enum_type() == nullptr) continue;
    capabilities.GetReflection()->SetEnumValue(&capabilities, type.field(i),
                                               v1::CAPABILITY_LEVEL_FULL);
  }
  SetHash(capabilities);
  return capabilities;
}

void SetHash(v1::ChatCapabilities& capabilities) {
  capabilities.clear_hash();
  uint64_t hash = 14695981039346656037u;
  for (const char byte : capabilities.SerializeAsString()) {
    hash = (hash ^ static_cast<uint8_t>(byte)) * 1099511628211u;
  }
  capabilities.set_hash(absl::StrCat(absl::Hex(hash, absl::kZeroPad16)));
}

}  // namespace postern::demo
