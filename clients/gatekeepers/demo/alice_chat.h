// SPDX-License-Identifier: Apache-2.0
// The AliceChat client: carries out what apps ask for, and shows the chats as its user sees them.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "clients/gatekeepers/demo/faults.h"
#include "clients/gatekeepers/demo/files.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/gatekeepers/demo/world.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::demo {

// What AliceChat made of a command, or of a part of it.
struct Outcome {
  v1::CommandResult result;
  std::vector<v1::Event> events;  // what happened in the chats because of it
  std::string line;               // what the user sees of it; empty for nothing
};

// Used by one thread at a time; the world it changes may be looked at by others.
class AliceChat {
 public:
  // 'history' counts its ages from 'start'. All references must outlive it.
  AliceChat(const Script& script, World& world, Files& files, Faults& faults, absl::Time start);
  AliceChat(const AliceChat&) = delete;
  AliceChat& operator=(const AliceChat&) = delete;

  // Carries a command out, in the world. The last outcome is final; backfill has one for each part
  // of the history before it. Transfers of bytes (Download, Upload) are only looked at here: their
  // outcome is empty when they may begin, and a failure otherwise.
  std::vector<Outcome> CarryOut(const v1::Command& command, absl::Time now);

  // The final outcome of an upload whose bytes have come, or why not.
  Outcome EndUpload(const v1::Command& command, const absl::Status& status) const;

  // Says which apps can see a chat, as AliceChat shows it in the chat's header. Empty for a chat
  // that does not exist.
  std::string DisclosureLine(const v1::Disclosure& disclosure) const;
  // Takes what the broker tells of a chat, anew after each attach: the line, where the header says
  // something else until now, and otherwise nothing. On the thread that hands out commands.
  std::string ChangeHeader(const v1::Disclosure& disclosure);

 private:
  // Why the command cannot be done; an empty outcome when it can.
  Outcome Refusal(const v1::Command& command, const v1::ChatCapabilities& can, absl::Time now);
  Outcome CheckAges(const v1::Command& command, const v1::ChatCapabilities& can, absl::Time now);
  v1::ChatCapabilities CapabilitiesOf(const std::string& chat) const;

  // ---- messages (alice_messages.cc) ----
  void SendMessage(const v1::SendMessageCommand& send, absl::Time now, Outcome& outcome);
  void EditMessage(const v1::EditMessageCommand& edit, Outcome& outcome);
  void DeleteMessage(const v1::DeleteMessageCommand& remove, Outcome& outcome);
  void SetReaction(const v1::SetReactionCommand& set, Outcome& outcome);
  void VotePoll(const v1::VotePollCommand& vote, Outcome& outcome);
  void MarkRead(const v1::MarkReadCommand& mark, Outcome& outcome);
  void SetTyping(const v1::SetTypingCommand& set, Outcome& outcome);
  void CreateDraft(const v1::CreateDraftCommand& create, Outcome& outcome);
  // ---- chats (alice_chats.cc) ----
  void CreateChat(const v1::CreateChatCommand& create, Outcome& outcome);
  void UpdateChat(const v1::UpdateChatCommand& update, Outcome& outcome);
  void ChangeMembers(const v1::UpdateChatCommand& update, Outcome& outcome);
  std::vector<Outcome> Backfill(const v1::Command& command);

  // Adds an event of the chat to the outcome; the world takes it when the outcome is complete.
  static v1::Event& Happen(const std::string& chat, Outcome& outcome);

  const Script& script_;
  World& world_;
  Files& files_;
  Faults& faults_;
  const absl::Time start_;
  uint64_t commands_ = 0;
  std::map<std::string, std::string> headers_;  // what they say, by chat
};

// A command that failed for good. 'capability': what the chat lacks, if that is why.
Outcome Failed(const v1::Command& command, std::string_view reason,
               std::string_view capability = {});

// Makes of an outcome one that failed for good. What it was going to tell is dropped later.
void Fail(std::string_view reason, Outcome& outcome);

// The capabilities that a command needs, in the order they are asked for; all are fields of
// ChatCapabilities.
std::vector<std::string> NeededCapabilities(const v1::Command& command);

// What the file of an UploadCommand is called.
std::string UploadId(const std::string& command_id);

// Begins the id of what an app has sent.
inline constexpr char kSentByApp[] = "sent:";
// Whether a message is an app's, be it of an earlier run of AliceChat, which then does not know it.
bool IsOfAnApp(std::string_view message_id);

// The chat that a command is about; empty for CreateChat and Download.
const std::string& ChatOf(const v1::Command& command);

}  // namespace postern::demo
