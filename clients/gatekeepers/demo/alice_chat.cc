// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/alice_chat.h"

#include <absl/strings/str_cat.h>

#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {
namespace {

void SetTime(google::protobuf::Timestamp& timestamp, absl::Time now) {
  const int64_t nanos = absl::ToUnixNanos(now);
  timestamp.set_seconds(nanos / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

Outcome Failed(const v1::Command& command, const char* reason, const char* capability = "") {
  Outcome outcome;
  outcome.result.set_command_id(command.command_id());
  outcome.result.set_state(v1::CommandResult::STATE_FAILED);
  outcome.result.set_reason(reason);
  outcome.result.set_missing_capability(capability);
  return outcome;
}

void SendMessage(const v1::Command& command, const std::string& chat_name, absl::Time now,
                 Outcome& outcome) {
  const v1::SendMessageCommand& send = command.send_message();
  // The id comes from the command's: were it ever carried out twice, it would be one message.
  outcome.result.set_message_id(absl::StrCat("sent:", command.command_id()));
  v1::Event& event = outcome.events.emplace_back();
  event.set_chat_id(send.chat_id());
  SetTime(*event.mutable_event_time(), now);
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_id(outcome.result.message_id());
  message.set_chat_id(send.chat_id());
  message.set_sender_contact_id(kSelf);
  message.set_sender_display_name("You");
  message.set_from_owner(true);
  SetTime(*message.mutable_create_time(), now);
  message.set_kind(v1::MESSAGE_KIND_TEXT);
  message.set_text(send.attribution().empty()
                       ? send.text()
                       : absl::StrCat(send.text(), "\n", send.attribution()));
  *message.mutable_spans() = send.spans();
  *message.mutable_mentions() = send.mentions();
  if (!send.reply_to_message_id().empty()) {
    message.mutable_reply_to()->set_message_id(send.reply_to_message_id());
  }
  message.set_end_to_end_encrypted(true);
  outcome.line =
      absl::StrCat("[", chat_name, "] You (via ", send.app_display_name(),
                   send.reply_to_message_id().empty() ? "): " : ", reply): ", send.text());
}

// A notice is the user's own message, as any other client would show it.
void PostNotice(const v1::Command& command, const std::string& chat_name, absl::Time now,
                Outcome& outcome) {
  v1::Command send;
  send.set_command_id(command.command_id());
  send.mutable_send_message()->set_chat_id(command.post_notice().chat_id());
  send.mutable_send_message()->set_text(command.post_notice().text());
  SendMessage(send, chat_name, now, outcome);
  outcome.line = absl::StrCat("[", chat_name, "] You (notice): ", command.post_notice().text());
}

void EditMessage(const v1::Command& command, const std::string& chat_name, absl::Time now,
                 Outcome& outcome) {
  const v1::EditMessageCommand& edit = command.edit_message();
  v1::Event& event = outcome.events.emplace_back();
  event.set_chat_id(edit.chat_id());
  SetTime(*event.mutable_event_time(), now);
  v1::MessageEdited& edited = *event.mutable_message_edited();
  edited.set_message_id(edit.message_id());
  edited.set_sender_contact_id(kSelf);
  edited.set_text(edit.text());
  *edited.mutable_spans() = edit.spans();
  *edited.mutable_mentions() = edit.mentions();
  edited.set_end_to_end_encrypted(true);
  outcome.result.set_message_id(edit.message_id());
  outcome.line = absl::StrCat("[", chat_name, "] You (edited, via an app): ", edit.text());
}

void DeleteMessage(const v1::Command& command, const std::string& chat_name, absl::Time now,
                   Outcome& outcome) {
  const v1::DeleteMessageCommand& remove = command.delete_message();
  v1::Event& event = outcome.events.emplace_back();
  event.set_chat_id(remove.chat_id());
  SetTime(*event.mutable_event_time(), now);
  event.mutable_message_deleted()->set_message_id(remove.message_id());
  event.mutable_message_deleted()->set_contact_id(kSelf);
  event.mutable_message_deleted()->set_for_everyone(remove.for_everyone());
  outcome.result.set_message_id(remove.message_id());
  outcome.line = absl::StrCat("[", chat_name, "] You deleted a message (via an app)");
}

void SetReaction(const v1::Command& command, const std::string& chat_name, absl::Time now,
                 Outcome& outcome) {
  const v1::SetReactionCommand& set = command.set_reaction();
  v1::Event& event = outcome.events.emplace_back();
  event.set_chat_id(set.chat_id());
  SetTime(*event.mutable_event_time(), now);
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
  outcome.line = absl::StrCat("[", chat_name, "] You ", set.remove() ? "took back " : "reacted ",
                              set.emoji(), " (via an app)");
}

const std::string& ChatOf(const v1::Command& command) {
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
      return command.send_message().chat_id();
    case v1::Command::kEditMessage:
      return command.edit_message().chat_id();
    case v1::Command::kDeleteMessage:
      return command.delete_message().chat_id();
    case v1::Command::kPostNotice:
      return command.post_notice().chat_id();
    default:
      return command.set_reaction().chat_id();
  }
}

}  // namespace

Outcome CarryOut(const v1::Command& command, const std::map<std::string, std::string>& chats,
                 absl::Time now) {
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
    case v1::Command::kEditMessage:
    case v1::Command::kDeleteMessage:
    case v1::Command::kSetReaction:
    case v1::Command::kPostNotice:
      break;
    default:
      return Failed(command, "AliceChat cannot do this", "command");
  }
  const auto chat = chats.find(ChatOf(command));
  if (chat == chats.end()) return Failed(command, "there is no such chat");
  if (command.has_send_message() && !command.send_message().attachment_ids().empty()) {
    return Failed(command, "AliceChat sends no files", "attachment");
  }
  Outcome outcome;
  outcome.result.set_command_id(command.command_id());
  outcome.result.set_state(v1::CommandResult::STATE_SENT);
  outcome.result.set_end_to_end_encrypted(true);
  switch (command.kind_case()) {
    case v1::Command::kSendMessage:
      SendMessage(command, chat->second, now, outcome);
      break;
    case v1::Command::kEditMessage:
      EditMessage(command, chat->second, now, outcome);
      break;
    case v1::Command::kDeleteMessage:
      DeleteMessage(command, chat->second, now, outcome);
      break;
    case v1::Command::kPostNotice:
      PostNotice(command, chat->second, now, outcome);
      break;
    default:
      SetReaction(command, chat->second, now, outcome);
      break;
  }
  return outcome;
}

std::string DisclosureLine(const v1::Disclosure& disclosure,
                           const std::map<std::string, std::string>& chats) {
  const auto chat = chats.find(disclosure.chat_id());
  if (chat == chats.end()) return {};
  std::string line = absl::StrCat("[", chat->second, "] ");
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

}  // namespace postern::demo
