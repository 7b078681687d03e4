// SPDX-License-Identifier: GPL-3.0-or-later
// What apps ask for in a chat: send, edit, delete, react, mark as read, type.
//
// In an encrypted chat texts go through lurch or not at all. What only points at a message goes
// beside the encryption: see annotations.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/outbox.h"
#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/rooms.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class MessageCommands {
 public:
  // All must outlive it.
  MessageCommands(const Parts& parts, Rooms& rooms, Outbox& outbox)
      : parts_(parts), rooms_(rooms), outbox_(outbox) {}

  void Send(const std::string& command_id, const v1::SendMessageCommand& command);
  void Edit(const std::string& command_id, const v1::EditMessageCommand& command);
  void Delete(const std::string& command_id, const v1::DeleteMessageCommand& command);
  void SetReaction(const std::string& command_id, const v1::SetReactionCommand& command);
  void MarkRead(const std::string& command_id, const v1::MarkReadCommand& command);
  void SetTyping(const std::string& command_id, const v1::SetTypingCommand& command);

 private:
  // The chat of a command, ready to be written in; answers the command itself when it is not.
  struct Target {
    std::string chat_jid;
    bool group = false;
  };
  std::optional<Target> TargetOf(const std::string& command_id, const std::string& chat_id);
  // Sends what only points at a message and answers the command later. 'events': what it makes in a
  // 1:1 chat. 'undo' is called if the network refuses it.
  void Point(const std::string& command_id, const Target& target, const XmlNodePtr& stanza,
             std::vector<v1::Event> events, std::function<void()> undo = nullptr);
  void SendFiles(const Draft& draft, const v1::SendMessageCommand& command);

  Parts parts_;
  Rooms& rooms_;
  Outbox& outbox_;
};

}  // namespace postern::purple
