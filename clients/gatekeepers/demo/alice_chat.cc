// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/alice_chat.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

namespace postern::demo {
namespace {

v1::CapabilityLevel LevelOf(const v1::ChatCapabilities& can, const std::string& name) {
  const google::protobuf::FieldDescriptor* const field = can.GetDescriptor()->FindFieldByName(name);
  return static_cast<v1::CapabilityLevel>(can.GetReflection()->GetEnumValue(can, field));
}

// What a chat drops is left out, and the rest of the message goes.
void Drop(const v1::ChatCapabilities& can, v1::SendMessageCommand& send) {
  const auto drops = [&](const char* name) {
    return LevelOf(can, name) == v1::CAPABILITY_LEVEL_DROPPED;
  };
  if (drops("formatting")) send.clear_spans();
  if (drops("mention")) send.clear_mentions();
  if (drops("reply")) send.clear_reply_to_message_id();
  if (drops("view_once")) send.clear_view_once();
  if (drops("attachment")) send.clear_attachment_ids();
}

void NeedsOfSend(const v1::SendMessageCommand& send, std::vector<std::string>& needs) {
  switch (send.kind()) {
    case v1::MESSAGE_KIND_VOICE_NOTE:
      needs.emplace_back("voice_note");
      break;
    case v1::MESSAGE_KIND_STICKER:
      needs.emplace_back("sticker");
      break;
    case v1::MESSAGE_KIND_POLL:
      needs.emplace_back("poll");
      break;
    case v1::MESSAGE_KIND_LOCATION:
      needs.emplace_back("location");
      break;
    case v1::MESSAGE_KIND_CONTACT_CARD:
      needs.emplace_back("contact_card");
      break;
    default:
      if (!send.text().empty()) needs.emplace_back("text");
      if (!send.attachment_ids().empty()) needs.emplace_back("attachment");
      break;
  }
  if (!send.spans().empty()) needs.emplace_back("formatting");
  if (!send.reply_to_message_id().empty()) needs.emplace_back("reply");
  if (!send.mentions().empty()) needs.emplace_back("mention");
  if (send.view_once()) needs.emplace_back("view_once");
}

void NeedsOfUpdate(const v1::UpdateChatCommand& update, std::vector<std::string>& needs) {
  for (const std::string& path : update.update_mask().paths()) {
    if (path == "disappearing_timer") {
      needs.emplace_back("disappearing");
    } else if (path == "muted" || path == "archived" || path == "marked_unread") {
      needs.emplace_back("organize");
    } else if (path == "blocked") {
      needs.emplace_back("block");
    } else {
      needs.emplace_back("manage");
    }
  }
  if (!update.add_contact_ids().empty() || !update.remove_contact_ids().empty() ||
      !update.roles().empty() || update.leave()) {
    needs.emplace_back("manage");
  }
  if (!update.pin_message_id().empty() || !update.unpin_message_id().empty()) {
    needs.emplace_back("pin");
  }
  if (update.request_answer() != v1::MessageRequest::STATE_UNSPECIFIED) needs.emplace_back("block");
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

}  // namespace

Outcome Failed(const v1::Command& command, std::string_view reason, std::string_view capability) {
  Outcome outcome;
  outcome.result.set_command_id(command.command_id());
  Fail(reason, outcome);
  outcome.result.set_missing_capability(std::string(capability));
  return outcome;
}

void Fail(std::string_view reason, Outcome& outcome) {
  outcome.result.set_state(v1::CommandResult::STATE_FAILED);
  outcome.result.set_reason(std::string(reason));
  outcome.result.clear_end_to_end_encrypted();
}

bool IsOfAnApp(std::string_view message_id) { return message_id.starts_with(kSentByApp); }

const std::string& ChatOf(const v1::Command& command) {
  static const std::string none;
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
      return command.send_message().chat_id();
    case v1::Command::kEditMessage:
      return command.edit_message().chat_id();
    case v1::Command::kDeleteMessage:
      return command.delete_message().chat_id();
    case v1::Command::kSetReaction:
      return command.set_reaction().chat_id();
    case v1::Command::kMarkRead:
      return command.mark_read().chat_id();
    case v1::Command::kSetTyping:
      return command.set_typing().chat_id();
    case v1::Command::kUpload:
      return command.upload().chat_id();
    case v1::Command::kUpdateChat:
      return command.update_chat().chat().id();
    case v1::Command::kBackfill:
      return command.backfill().chat_id();
    case v1::Command::kPostNotice:
      return command.post_notice().chat_id();
    case v1::Command::kVotePoll:
      return command.vote_poll().chat_id();
    case v1::Command::kCreateDraft:
      return command.create_draft().chat_id();
    default:
      return none;
  }
}

std::vector<std::string> NeededCapabilities(const v1::Command& command) {
  std::vector<std::string> needs;
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
      NeedsOfSend(command.send_message(), needs);
      break;
    case v1::Command::kEditMessage:
      needs.emplace_back("edit");
      break;
    case v1::Command::kDeleteMessage:
      if (command.delete_message().for_everyone()) needs.emplace_back("delete");
      break;
    case v1::Command::kSetReaction:
      needs.emplace_back("reaction");
      if (absl::StartsWith(command.set_reaction().emoji(), ":")) {
        needs.emplace_back("custom_emoji");
      }
      break;
    case v1::Command::kMarkRead:
      needs.emplace_back(command.mark_read().tell_sender() ? "read_receipt" : "mark_read");
      break;
    case v1::Command::kSetTyping:
      needs.emplace_back("typing");
      break;
    case v1::Command::kDownload:
    case v1::Command::kUpload:
      needs.emplace_back("attachment");
      break;
    case v1::Command::kCreateChat:
      needs.emplace_back("create_chat");
      break;
    case v1::Command::kUpdateChat:
      NeedsOfUpdate(command.update_chat(), needs);
      break;
    case v1::Command::kBackfill:
      needs.emplace_back("backfill");
      break;
    case v1::Command::kPostNotice:
      needs.emplace_back("text");
      break;
    case v1::Command::kVotePoll:
      needs.emplace_back("poll");
      break;
    case v1::Command::kCreateDraft:
      needs.emplace_back("draft");
      break;
    case v1::Command::KIND_NOT_SET:
      break;
  }
  return needs;
}

AliceChat::AliceChat(const Script& script, World& world, Files& files, Faults& faults,
                     absl::Time start)
    : script_(script), world_(world), files_(files), faults_(faults), start_(start) {}

v1::ChatCapabilities AliceChat::CapabilitiesOf(const std::string& chat) const {
  const auto found = world_.FindChat(chat);
  return found.has_value() && found->has_capabilities() ? found->capabilities()
                                                        : script_.capabilities;
}

Outcome AliceChat::Refusal(const v1::Command& command, const v1::ChatCapabilities& can,
                           absl::Time now) {
  for (const std::string& need : NeededCapabilities(command)) {
    const v1::CapabilityLevel level = LevelOf(can, need);
    // Where nothing but this is asked for, to drop it is to do nothing.
    const bool all = !command.has_send_message() || need == "text";
    if (level == v1::CAPABILITY_LEVEL_REJECTED || (all && level == v1::CAPABILITY_LEVEL_DROPPED)) {
      return Failed(command, "this chat cannot do that", need);
    }
  }
  if (command.has_set_reaction() && !can.allowed_reactions().empty()) {
    const auto& allowed = can.allowed_reactions();
    if (std::find(allowed.begin(), allowed.end(), command.set_reaction().emoji()) ==
        allowed.end()) {
      return Failed(command, "this chat does not take that reaction", "allowed_reactions");
    }
  }
  const size_t text_bytes =
      std::max({command.send_message().text().size(), command.edit_message().text().size(),
                command.post_notice().text().size()});
  if (can.text_bytes_max() != 0 && text_bytes > can.text_bytes_max()) {
    return Failed(command, "the text is too long for this chat", "text_bytes_max");
  }
  if (can.attachment_bytes_max() != 0 &&
      command.upload().attachment().size_bytes() > can.attachment_bytes_max()) {
    return Failed(command, "the file is too large for this chat", "attachment_bytes_max");
  }
  return CheckAges(command, can, now);
}

Outcome AliceChat::CheckAges(const v1::Command& command, const v1::ChatCapabilities& can,
                             absl::Time now) {
  const bool edit = command.has_edit_message();
  if (!edit && !command.has_delete_message()) return {};
  const std::string& id =
      edit ? command.edit_message().message_id() : command.delete_message().message_id();
  const auto message = world_.FindMessage(ChatOf(command), id);
  // Of an earlier run there may be what came about it since: without a sender.
  const bool here =
      message.has_value() && (message->deleted() || !message->sender_contact_id().empty());
  if (!here && IsOfAnApp(id)) return {};
  if (!message.has_value() || message->deleted()) {
    return Failed(command, "there is no such message (any more)");
  }
  if (message->sender_contact_id() != kSelf) return Failed(command, "the message is not yours");
  const absl::Duration age = now - TimeOf(message->create_time());
  if (edit && can.has_edit_age_max() && age > DurationOf(can.edit_age_max())) {
    return Failed(command, "the message is too old to be edited", "edit_age_max");
  }
  if (!edit && command.delete_message().for_everyone() && can.has_delete_age_max() &&
      age > DurationOf(can.delete_age_max())) {
    return Failed(command, "the message is too old to be deleted for all", "delete_age_max");
  }
  return {};
}

std::vector<Outcome> AliceChat::CarryOut(const v1::Command& command, absl::Time now) {
  const uint64_t place = commands_++;
  if (faults_.Strikes(Fault::kRefuseNow, place)) {
    Outcome outcome = Failed(command, "AliceChat fails for now, on purpose");
    outcome.result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
    return {std::move(outcome)};
  }
  if (faults_.Strikes(Fault::kRefuse, place)) {
    return {Failed(command, "AliceChat refuses, on purpose")};
  }
  const bool of_chat = !command.has_create_chat() && !command.has_download();
  if (of_chat && !world_.FindChat(ChatOf(command)).has_value()) {
    return {Failed(command, "there is no such chat")};
  }
  const v1::ChatCapabilities can = CapabilitiesOf(ChatOf(command));
  if (Outcome refusal = Refusal(command, can, now); !refusal.result.command_id().empty()) {
    return {std::move(refusal)};
  }
  Outcome outcome;
  outcome.result.set_command_id(command.command_id());
  outcome.result.set_state(v1::CommandResult::STATE_SENT);
  outcome.result.set_end_to_end_encrypted(true);
  switch (command.kind_case()) {
    case v1::Command::kSendMessage: {
      v1::SendMessageCommand send = command.send_message();
      Drop(can, send);
      SendMessage(send, now, outcome);
      break;
    }
    case v1::Command::kPostNotice: {
      // A notice is the user's own message, as any other client would show it.
      v1::SendMessageCommand send;
      send.set_chat_id(command.post_notice().chat_id());
      send.set_text(command.post_notice().text());
      SendMessage(send, now, outcome);
      outcome.line = absl::StrCat(world_.Heading(send.chat_id()), " You (notice): ", send.text());
      break;
    }
    case v1::Command::kEditMessage:
      EditMessage(command.edit_message(), outcome);
      break;
    case v1::Command::kDeleteMessage:
      DeleteMessage(command.delete_message(), outcome);
      break;
    case v1::Command::kSetReaction:
      SetReaction(command.set_reaction(), outcome);
      break;
    case v1::Command::kVotePoll:
      VotePoll(command.vote_poll(), outcome);
      break;
    case v1::Command::kMarkRead:
      MarkRead(command.mark_read(), outcome);
      break;
    case v1::Command::kSetTyping:
      SetTyping(command.set_typing(), outcome);
      break;
    case v1::Command::kCreateDraft:
      CreateDraft(command.create_draft(), outcome);
      break;
    case v1::Command::kCreateChat:
      CreateChat(command.create_chat(), outcome);
      break;
    case v1::Command::kUpdateChat:
      UpdateChat(command.update_chat(), outcome);
      break;
    case v1::Command::kBackfill:
      return Backfill(command);
    case v1::Command::kDownload:
      if (!files_.Has(command.download().attachment_id())) {
        return {Failed(command, "there is no such file")};
      }
      return {Outcome{}};
    case v1::Command::kUpload:
      return {Outcome{}};
    case v1::Command::KIND_NOT_SET:
      return {Failed(command, "AliceChat does not know this command", "command")};
  }
  if (outcome.result.state() == v1::CommandResult::STATE_FAILED) outcome.events.clear();
  for (v1::Event& event : outcome.events) {
    SetTime(*event.mutable_event_time(), now);
    world_.Apply(event);
  }
  if (outcome.result.has_chat()) {
    // As it is now, with all that was just done.
    if (const auto chat = world_.FindChat(outcome.result.chat().id()); chat.has_value()) {
      *outcome.result.mutable_chat() = *chat;
    }
  }
  return {std::move(outcome)};
}

std::string UploadId(const std::string& command_id) { return absl::StrCat("upload:", command_id); }

Outcome AliceChat::EndUpload(const v1::Command& command, const absl::Status& status) const {
  if (!status.ok()) {
    Outcome failed = Failed(command, std::string(status.message()));
    if (absl::IsUnavailable(status)) {
      failed.result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
    }
    return failed;
  }
  Outcome outcome;
  outcome.result.set_command_id(command.command_id());
  outcome.result.set_state(v1::CommandResult::STATE_SENT);
  outcome.result.set_end_to_end_encrypted(true);
  outcome.result.set_attachment_id(UploadId(command.command_id()));
  outcome.line = absl::StrCat(world_.Heading(command.upload().chat_id()), " an app uploads ",
                              command.upload().attachment().file_name());
  return outcome;
}

v1::Event& AliceChat::Happen(const std::string& chat, Outcome& outcome) {
  v1::Event& event = outcome.events.emplace_back();
  event.set_chat_id(chat);
  return event;
}

std::string AliceChat::DisclosureLine(const v1::Disclosure& disclosure) const {
  if (!world_.FindChat(disclosure.chat_id()).has_value()) return {};
  std::string line = absl::StrCat(world_.Heading(disclosure.chat_id()), " ");
  if (disclosure.apps().empty()) return absl::StrCat(line, "no app can see this chat");
  absl::StrAppend(&line, disclosure.apps_size(), disclosure.apps_size() == 1 ? " app" : " apps",
                  " can see this chat: ");
  const char* separator = "";
  for (const v1::DisclosedApp& app : disclosure.apps()) {
    absl::StrAppend(&line, separator, app.display_name());
    if (app.leaves_device()) {
      absl::StrAppend(&line, " (text leaves this device to ", app.service(), ")");
    } else if (!app.service().empty()) {
      absl::StrAppend(&line, " (who writes and when leaves this device to ", app.service(), ")");
    }
    separator = ", ";
  }
  return line;
}

std::string AliceChat::ChangeHeader(const v1::Disclosure& disclosure) {
  std::string line = DisclosureLine(disclosure);
  if (line.empty()) return {};
  std::string& header = headers_[disclosure.chat_id()];
  if (line == header) return {};
  header = line;
  return line;
}

}  // namespace postern::demo
