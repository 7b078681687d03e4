// SPDX-License-Identifier: GPL-3.0-or-later
// What apps ask for in a chat: send, edit, delete, react, mark as read, type.
//
// In an encrypted chat texts go through lurch or not at all. What only points at a message goes
// beside the encryption: see annotations.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/outbox.h"
#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/reactions.h"
#include "clients/gatekeepers/purple/rooms.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class MessageCommands {
 public:
  // All must outlive it.
  MessageCommands(const Parts& parts, Rooms& rooms, Outbox& outbox, OwnReactions& own_reactions)
      : parts_(parts), rooms_(rooms), outbox_(outbox), own_reactions_(own_reactions) {}

  void Send(const std::string& command_id, const v1::SendMessageCommand& command);
  void Edit(const std::string& command_id, const v1::EditMessageCommand& command);
  void Delete(const std::string& command_id, const v1::DeleteMessageCommand& command);
  void SetReaction(const std::string& command_id, const v1::SetReactionCommand& command);
  void MarkRead(const std::string& command_id, const v1::MarkReadCommand& command);
  void SetTyping(const std::string& command_id, const v1::SetTypingCommand& command);

 private:
  // A draft for the chat of a command, ready to be written in; answers the command itself when it
  // is not.
  std::optional<Draft> DraftFor(const std::string& command_id, const std::string& chat_id);
  // Sends what only points at a message and answers the command later. 'events': what it makes in a
  // 1:1 chat.
  void Point(const Draft& draft, const XmlNodePtr& stanza, std::vector<v1::Event> events);
  void SendFiles(const Draft& draft, const v1::SendMessageCommand& command);

  Parts parts_;
  Rooms& rooms_;
  Outbox& outbox_;
  OwnReactions& own_reactions_;
};

}  // namespace postern::purple
