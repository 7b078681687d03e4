// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/script.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>

#include <functional>
#include <set>

#include "platform/status_macros.h"

namespace postern::demo {
namespace {

// Longest pause between two steps.
constexpr double kDelaySecondsMax = 3600;

// Splits a line into words; "quoted words" may hold spaces, \" \\ and \n.
absl::StatusOr<std::vector<std::string>> Words(absl::string_view line) {
  std::vector<std::string> words;
  size_t i = 0;
  while (i < line.size()) {
    if (line[i] == ' ' || line[i] == '\t' || line[i] == '\r') {
      ++i;
    } else if (line[i] == '#') {
      break;
    } else if (line[i] != '"') {
      const size_t end = std::min(line.find_first_of(" \t\r", i), line.size());
      words.emplace_back(line.substr(i, end - i));
      i = end;
    } else {
      std::string word;
      bool closed = false;
      for (++i; i < line.size() && !closed; ++i) {
        if (line[i] == '"') {
          closed = true;
        } else if (line[i] == '\\' && i + 1 < line.size()) {
          word += line[++i] == 'n' ? '\n' : line[i];
        } else {
          word += line[i];
        }
      }
      if (!closed) return absl::InvalidArgumentError("a quotation mark is not closed");
      words.push_back(std::move(word));
    }
  }
  return words;
}

std::string ChatId(const std::string& name, bool group) {
  return absl::StrCat(group ? "group:" : "direct:", name);
}

class Parser {
 public:
  absl::StatusOr<Script> Parse(std::string_view text) {
    script_.account.set_network("alicechat");
    script_.account.set_id("you@alicechat.example");
    script_.account.set_display_name("Your AliceChat");
    script_.account.set_address("alicechat:you");
    script_.account.set_self_contact_id(kSelf);
    script_.account.set_state(v1::ACCOUNT_STATE_ONLINE);
    script_.people[kSelf] = "You";
    int number = 0;
    for (const absl::string_view line :
         absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
      ++number;
      absl::Status status = ParseLine(line);
      if (!status.ok()) {
        return absl::InvalidArgumentError(absl::StrCat("line ", number, ": ", status.message()));
      }
    }
    return std::move(script_);
  }

 private:
  absl::Status ParseLine(absl::string_view line) {
    ASSIGN_OR_RETURN(words_, Words(line));
    if (words_.empty()) return absl::OkStatus();
    if (words_[0] == "person") return Person();
    if (words_[0] == "direct") return Chat(false);
    if (words_[0] == "group") return Chat(true);
    if (words_[0][0] == '+') return Happening();
    return absl::InvalidArgumentError(
        "must begin with person, direct, group, +SECONDS, or # for a comment");
  }

  absl::Status Person() {
    if (words_.size() != 3 && words_.size() != 4) {
      return absl::InvalidArgumentError("usage: person ID \"Name\" [LANGUAGE]");
    }
    if (!script_.people.emplace(words_[1], words_[2]).second) {
      return absl::InvalidArgumentError("this person is there already");
    }
    Step step;
    v1::Contact& contact = *step.event.mutable_contact_changed()->mutable_contact();
    contact.set_id(words_[1]);
    contact.set_display_name(words_[2]);
    contact.add_addresses(absl::StrCat("alicechat:", words_[1]));
    contact.set_in_address_book(true);
    script_.setup.push_back(std::move(step));
    return absl::OkStatus();
  }

  absl::Status Chat(bool group) {
    if (group ? words_.size() < 4 : words_.size() != 2) {
      return absl::InvalidArgumentError(group ? "usage: group ID \"Name\" PERSON..."
                                              : "usage: direct PERSON");
    }
    const std::vector<std::string> members(words_.begin() + (group ? 3 : 1), words_.end());
    for (const std::string& member : members) RETURN_IF_ERROR(KnownPerson(member));
    const std::string id = ChatId(words_[1], group);
    const std::string name = group ? words_[2] : script_.people[words_[1]];
    if (!script_.chats.emplace(id, name).second) {
      return absl::InvalidArgumentError("this chat is there already");
    }
    chat_ids_[words_[1]] = id;
    Step step;
    step.event.set_chat_id(id);
    v1::Chat& chat = *step.event.mutable_chat_created()->mutable_chat();
    chat.set_id(id);
    chat.set_kind(group ? v1::CHAT_KIND_GROUP : v1::CHAT_KIND_DIRECT);
    chat.set_name(name);
    chat.set_end_to_end_encrypted(true);
    if (!group) chat.set_peer_contact_id(members[0]);
    AddParticipant(chat, kSelf, group ? v1::PARTICIPANT_ROLE_ADMIN : v1::PARTICIPANT_ROLE_MEMBER);
    for (const std::string& member : members) {
      AddParticipant(chat, member, v1::PARTICIPANT_ROLE_MEMBER);
    }
    script_.setup.push_back(std::move(step));
    return absl::OkStatus();
  }

  void AddParticipant(v1::Chat& chat, const std::string& person, v1::ParticipantRole role) {
    v1::Participant& participant = *chat.add_participants();
    participant.set_contact_id(person);
    participant.set_display_name(script_.people[person]);
    participant.set_role(role);
  }

  absl::Status KnownPerson(const std::string& person) const {
    if (script_.people.count(person) != 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("there is no person '", person, "'"));
  }

  absl::Status KnownMessage(const std::string& message) const {
    if (messages_.count(message) != 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("there is no message '", message, "' yet"));
  }

  // +SECONDS PERSON CHAT VERB ...
  absl::Status Happening() {
    double seconds = 0;
    if (!absl::SimpleAtod(words_[0].substr(1), &seconds) || !(seconds >= 0) ||
        seconds > kDelaySecondsMax) {
      return absl::InvalidArgumentError("the pause must be +SECONDS, e.g. +1.5");
    }
    if (words_.size() < 4) {
      return absl::InvalidArgumentError("usage: +SECONDS PERSON CHAT VERB ...");
    }
    person_ = words_[1];
    RETURN_IF_ERROR(KnownPerson(person_));
    const auto chat = chat_ids_.find(words_[2]);
    if (chat == chat_ids_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("there is no chat '", words_[2], "'"));
    }
    Step step;
    step.delay = absl::Seconds(seconds);
    step.event.set_chat_id(chat->second);
    where_ = absl::StrCat("[", script_.chats[chat->second], "] ", script_.people[person_]);
    RETURN_IF_ERROR(Verb(words_[3], {words_.begin() + 4, words_.end()}, step));
    script_.steps.push_back(std::move(step));
    return absl::OkStatus();
  }

  absl::Status Verb(const std::string& verb, std::vector<std::string> arguments, Step& step) {
    std::map<std::string, std::string> options;
    while (!arguments.empty() && arguments.size() > 2) {
      const std::vector<std::string> pair =
          absl::StrSplit(arguments.back(), absl::MaxSplits('=', 1));
      if (pair.size() != 2 || (pair[0] != "reply" && pair[0] != "timer" && pair[0] != "caption")) {
        break;
      }
      options[pair[0]] = pair[1];
      arguments.pop_back();
    }
    if (verb == "says" && arguments.size() == 2) return Says(arguments, options, step);
    if (verb == "photo" && arguments.size() == 4) return Photo(arguments, options, step);
    if (!options.empty()) return absl::InvalidArgumentError("this verb takes no options");
    if (verb == "edits" && arguments.size() == 2) {
      RETURN_IF_ERROR(KnownMessage(arguments[0]));
      v1::MessageEdited& edited = *step.event.mutable_message_edited();
      edited.set_message_id(arguments[0]);
      edited.set_sender_contact_id(person_);
      edited.set_text(arguments[1]);
      edited.set_end_to_end_encrypted(true);
      step.line = absl::StrCat(where_, " (edited): ", arguments[1]);
    } else if (verb == "deletes" && arguments.size() == 1) {
      RETURN_IF_ERROR(KnownMessage(arguments[0]));
      v1::MessageDeleted& deleted = *step.event.mutable_message_deleted();
      deleted.set_message_id(arguments[0]);
      deleted.set_contact_id(person_);
      deleted.set_for_everyone(true);
      step.line = absl::StrCat(where_, " deleted a message");
    } else if (verb == "reacts" && arguments.size() == 2) {
      RETURN_IF_ERROR(KnownMessage(arguments[0]));
      v1::ReactionSet& reaction = *step.event.mutable_reaction_set();
      reaction.set_message_id(arguments[0]);
      reaction.set_contact_id(person_);
      reaction.set_emoji(arguments[1]);
      step.line = absl::StrCat(where_, " reacted ", arguments[1]);
    } else if (verb == "unreacts" && arguments.size() == 2) {
      RETURN_IF_ERROR(KnownMessage(arguments[0]));
      v1::ReactionRemoved& reaction = *step.event.mutable_reaction_removed();
      reaction.set_message_id(arguments[0]);
      reaction.set_contact_id(person_);
      reaction.set_emoji(arguments[1]);
      step.line = absl::StrCat(where_, " took ", arguments[1], " back");
    } else if ((verb == "receives" || verb == "reads") && arguments.size() == 1) {
      RETURN_IF_ERROR(KnownMessage(arguments[0]));
      v1::Receipt& receipt = *step.event.mutable_receipt();
      receipt.add_message_ids(arguments[0]);
      receipt.set_contact_id(person_);
      receipt.set_kind(verb == "reads" ? v1::Receipt::KIND_READ : v1::Receipt::KIND_DELIVERED);
      step.line = absl::StrCat(where_, verb == "reads" ? " ✓✓ read" : " ✓ received");
    } else if ((verb == "types" || verb == "pauses") && arguments.empty()) {
      step.event.mutable_typing()->set_contact_id(person_);
      step.event.mutable_typing()->set_active(verb == "types");
      step.line = verb == "types" ? absl::StrCat(where_, " is typing …") : "";
    } else if (verb == "calls" && arguments.size() == 2) {
      return Calls(arguments, step);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", verb, "' with these words is not a verb: says, photo, edits, deletes, reacts, ",
          "unreacts, receives, reads, types, pauses, calls"));
    }
    return absl::OkStatus();
  }

  absl::Status NewMessage(const std::string& id, const std::map<std::string, std::string>& options,
                          Step& step) {
    if (!messages_.emplace(id, person_).second) {
      return absl::InvalidArgumentError(absl::StrCat("there is a message '", id, "' already"));
    }
    v1::Message& message = *step.event.mutable_message_created()->mutable_message();
    message.set_id(id);
    message.set_chat_id(step.event.chat_id());
    message.set_sender_contact_id(person_);
    message.set_sender_display_name(script_.people[person_]);
    message.set_from_owner(person_ == kSelf);
    message.set_kind(v1::MESSAGE_KIND_TEXT);
    message.set_end_to_end_encrypted(true);
    if (const auto reply = options.find("reply"); reply != options.end()) {
      RETURN_IF_ERROR(KnownMessage(reply->second));
      message.mutable_reply_to()->set_message_id(reply->second);
      message.mutable_reply_to()->set_sender_contact_id(messages_[reply->second]);
    }
    if (const auto timer = options.find("timer"); timer != options.end()) {
      int seconds = 0;
      if (!absl::SimpleAtoi(timer->second, &seconds) || seconds <= 0) {
        return absl::InvalidArgumentError("timer= must be a number of seconds");
      }
      message.mutable_disappearing_timer()->set_seconds(seconds);
    }
    return absl::OkStatus();
  }

  absl::Status Says(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& options, Step& step) {
    RETURN_IF_ERROR(NewMessage(arguments[0], options, step));
    step.event.mutable_message_created()->mutable_message()->set_text(arguments[1]);
    step.line =
        absl::StrCat(where_, options.count("reply") != 0 ? " (reply): " : ": ", arguments[1]);
    return absl::OkStatus();
  }

  // photo ID FILE WIDTHxHEIGHT BYTES [caption=...]
  absl::Status Photo(const std::vector<std::string>& arguments,
                     const std::map<std::string, std::string>& options, Step& step) {
    RETURN_IF_ERROR(NewMessage(arguments[0], options, step));
    v1::Message& message = *step.event.mutable_message_created()->mutable_message();
    message.set_kind(v1::MESSAGE_KIND_MEDIA);
    const std::vector<std::string> size = absl::StrSplit(arguments[2], 'x');
    uint32_t width = 0, height = 0;
    uint64_t bytes = 0;
    if (size.size() != 2 || !absl::SimpleAtoi(size[0], &width) ||
        !absl::SimpleAtoi(size[1], &height) || !absl::SimpleAtoi(arguments[3], &bytes)) {
      return absl::InvalidArgumentError("usage: photo ID \"FILE\" WIDTHxHEIGHT BYTES");
    }
    v1::Attachment& attachment = *message.add_attachments();
    attachment.set_id(absl::StrCat("attachment:", arguments[0]));
    attachment.set_file_name(arguments[1]);
    attachment.set_mime_type("image/jpeg");
    attachment.set_size_bytes(bytes);
    attachment.set_width_pixels(width);
    attachment.set_height_pixels(height);
    attachment.set_end_to_end_encrypted(true);
    std::string caption;
    if (const auto found = options.find("caption"); found != options.end()) caption = found->second;
    message.set_text(caption);
    step.line = absl::StrCat(where_, ": 📷 ", arguments[1], " (", arguments[2], ")",
                             caption.empty() ? "" : " ", caption);
    return absl::OkStatus();
  }

  absl::Status Calls(const std::vector<std::string>& arguments, Step& step) {
    static const std::map<std::string, v1::Call::State> kStates = {
        {"ringing", v1::Call::STATE_RINGING},
        {"answered", v1::Call::STATE_ANSWERED},
        {"ended", v1::Call::STATE_ENDED},
        {"missed", v1::Call::STATE_MISSED}};
    const auto state = kStates.find(arguments[1]);
    if (state == kStates.end()) {
      return absl::InvalidArgumentError("a call is ringing, answered, ended or missed");
    }
    v1::Call& call = *step.event.mutable_call();
    call.set_call_id(arguments[0]);
    call.set_contact_id(person_);
    call.set_state(state->second);
    step.line = absl::StrCat(where_, ": 📞 call ", arguments[1]);
    return absl::OkStatus();
  }

  Script script_;
  std::vector<std::string> words_;
  std::string person_;
  std::string where_;
  std::map<std::string, std::string> chat_ids_;
  std::map<std::string, std::string> messages_;  // id -> who wrote it
};

void SetTime(google::protobuf::Timestamp& timestamp, absl::Time now) {
  const int64_t nanos = absl::ToUnixNanos(now);
  timestamp.set_seconds(nanos / 1'000'000'000);
  timestamp.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
}

void SetApart(std::string* id, int round) {
  if (!id->empty()) absl::StrAppend(id, "#", round);
}

}  // namespace

absl::StatusOr<Script> ParseScript(std::string_view text) {
  if (text.size() > kScriptBytesMax) {
    return absl::InvalidArgumentError("the script is larger than 4 MiB");
  }
  return Parser().Parse(text);
}

v1::Event Play(const Step& step, absl::Time now, int round) {
  v1::Event event = step.event;
  SetTime(*event.mutable_event_time(), now);
  if (event.has_message_created()) {
    SetTime(*event.mutable_message_created()->mutable_message()->mutable_create_time(), now);
  }
  if (round == 0) return event;
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated: {
      v1::Message& message = *event.mutable_message_created()->mutable_message();
      SetApart(message.mutable_id(), round);
      if (message.has_reply_to()) SetApart(message.mutable_reply_to()->mutable_message_id(), round);
      for (v1::Attachment& attachment : *message.mutable_attachments()) {
        SetApart(attachment.mutable_id(), round);
      }
      break;
    }
    case v1::Event::kMessageEdited:
      SetApart(event.mutable_message_edited()->mutable_message_id(), round);
      break;
    case v1::Event::kMessageDeleted:
      SetApart(event.mutable_message_deleted()->mutable_message_id(), round);
      break;
    case v1::Event::kReactionSet:
      SetApart(event.mutable_reaction_set()->mutable_message_id(), round);
      break;
    case v1::Event::kReactionRemoved:
      SetApart(event.mutable_reaction_removed()->mutable_message_id(), round);
      break;
    case v1::Event::kReceipt:
      for (std::string& id : *event.mutable_receipt()->mutable_message_ids()) SetApart(&id, round);
      break;
    case v1::Event::kCall:
      SetApart(event.mutable_call()->mutable_call_id(), round);
      break;
    default:
      break;
  }
  return event;
}

}  // namespace postern::demo
