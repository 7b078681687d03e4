// SPDX-License-Identifier: Apache-2.0
// Reads a script. One table of verbs (script.cc); what each verb says is in the file of its noun:
// script_messages.cc, script_chats.cc, script_people.cc.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clients/gatekeepers/demo/script.h"

namespace postern::demo {

class ScriptParser {
 public:
  absl::StatusOr<Script> Parse(std::string_view text);

 private:
  // What a verb does with the words of its line; see the table in script.cc.
  using Handler = absl::Status (ScriptParser::*)();
  struct Verb {
    Handler handler = nullptr;
    size_t words_min = 0;
    size_t words_max = 0;
    // Options it takes, "name=" or a bare "name".
    std::vector<std::string> options;
    std::string usage;
    // Its chat may be "-".
    bool without_chat = false;
    // Its chat begins to be with it.
    bool makes_chat = false;
  };
  static const std::map<std::string, Verb>& Verbs();

  absl::Status ParseLine(absl::string_view line);
  absl::Status Seed();
  absl::Status Account();
  absl::Status Person();
  absl::Status DeclareChat(bool group);
  absl::Status Can();
  absl::Status Happening(bool past);

  // ---- verbs about messages ----
  absl::Status Says();
  absl::Status Notices();
  absl::Status Oddity();
  absl::Status Photo();
  absl::Status Video();
  absl::Status Voice();
  absl::Status File();
  absl::Status Sticker();
  absl::Status Place();
  absl::Status Card();
  absl::Status Poll();
  absl::Status Edits();
  absl::Status Deletes();
  absl::Status Expires();
  absl::Status Reacts();
  absl::Status Unreacts();
  absl::Status Receives();
  absl::Status Reads();
  absl::Status Votes();
  absl::Status Pins();
  absl::Status Unpins();
  absl::Status Ready();
  // ---- verbs about chats ----
  absl::Status Creates();
  absl::Status Opens();
  absl::Status Renames();
  absl::Status Topic();
  absl::Status Avatar();
  absl::Status Marks();
  absl::Status Mutes();
  absl::Status Unmutes();
  absl::Status Archives();
  absl::Status Restores();
  absl::Status Blocks();
  absl::Status Unblocks();
  absl::Status Vanishes();
  absl::Status Timer();
  absl::Status Asks();
  absl::Status Answers();
  absl::Status Joins();
  absl::Status Leaves();
  absl::Status Becomes();
  absl::Status CalledHere();
  absl::Status ChatCan();
  absl::Status Types();
  absl::Status Pauses();
  absl::Status Calls();
  // ---- verbs about people, the account, and what goes wrong ----
  absl::Status Online();
  absl::Status Away();
  absl::Status Offline();
  absl::Status ContactIs();
  absl::Status Key();
  absl::Status AccountIs();
  absl::Status Lost();
  absl::Status Unsupported();
  absl::Status Brought();
  absl::Status FaultIs();

  // ---- what verbs share ----
  absl::Status Invalid(std::string_view what) const;
  absl::Status KnownPerson(const std::string& person) const;
  // The id that 'name' names: of a message that is there, or, behind a '~', of one that may come
  // later or never.
  absl::StatusOr<std::string> MessageNamed(const std::string& name) const;
  absl::StatusOr<int64_t> Number(const std::string& word, int64_t least, int64_t most) const;
  bool Has(const std::string& option) const { return options_.count(option) != 0; }
  const std::string& Option(const std::string& name) const { return options_.at(name); }
  // Makes a message event with all that the options say, to be given to Emit.
  absl::StatusOr<v1::Event> NewMessage(v1::MessageKind kind, const std::string& text);
  absl::Status SetMarkup(const std::string& text,
                         google::protobuf::RepeatedPtrField<v1::FormattingSpan>& spans,
                         google::protobuf::RepeatedPtrField<v1::Mention>& mentions) const;
  // Describes a file of 'owner' (a message, a chat, an emoji) whose bytes are generated.
  absl::StatusOr<v1::Attachment> MakeFile(const std::string& owner, const std::string& name,
                                          const std::string& mime_type, const std::string& bytes);
  absl::Status EmitFile(v1::MessageKind kind, v1::Attachment attachment, const std::string& sign,
                        const std::string& title);
  absl::Status EmitReceipt(v1::Receipt::Kind kind, const std::string& words);
  absl::Status EmitPin(bool pinned, const std::string& words);
  absl::Status EmitPresence(v1::Presence::State state, const std::string& words);
  absl::Status EmitTyping(bool active);
  absl::Status SetPixels(const std::string& word, v1::Attachment& attachment) const;
  absl::Status SetCapability(const std::vector<std::string>& words,
                             v1::ChatCapabilities& capabilities) const;
  v1::Participant MakeParticipant(const std::string& person, v1::ParticipantRole role) const;
  absl::Status MakeChat(const std::string& name, bool group,
                        const std::vector<std::string>& members, const std::string& title,
                        const std::string& owner);
  v1::Chat& chat() { return chat_models_[chat_id_]; }
  void EmitChatChanged(const std::string& line);
  // Adds a step; the first of a line comes after the line's pause.
  void Emit(v1::Event event, const std::string& line);

  Script script_;
  uint64_t seed_ = 1;
  // The line that is being read.
  std::vector<std::string> words_;
  std::map<std::string, std::string> options_;
  std::string person_;
  std::string chat_name_;
  std::string chat_id_;
  std::string where_;  // "[Friday dinner] Maria García"
  absl::Duration delay_;
  bool past_ = false;
  // What is known so far.
  std::map<std::string, std::string> chat_ids_;  // name -> id
  std::map<std::string, v1::Chat> chat_models_;
  std::map<std::string, v1::Contact> contacts_;
  std::map<std::string, std::string> writers_;         // message -> who wrote it
  std::map<std::string, v1::Attachment> files_later_;  // message -> its file, once it is ready
};

// "direct:alice", "group:dinner".
std::string ChatIdOf(const std::string& name, bool group);

}  // namespace postern::demo
