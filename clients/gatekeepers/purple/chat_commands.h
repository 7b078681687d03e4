// SPDX-License-Identifier: GPL-3.0-or-later
// CreateChat and UpdateChat: a group is made private (for members only, who see each other), so
// that it can be encrypted; a change is done when the server has taken every part of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/gatekeepers/purple/parts.h"
#include "clients/gatekeepers/purple/people.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/rooms.h"
#include "clients/gatekeepers/purple/services.h"
#include "clients/gatekeepers/purple/stanza.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::purple {

class ChatCommands {
 public:
  // All must outlive it.
  ChatCommands(const Parts& parts, Rooms& rooms, People& people, Services& services)
      : parts_(parts), rooms_(rooms), people_(people), services_(services) {}

  void Create(const std::string& command_id, const v1::CreateChatCommand& command);
  void Update(const std::string& command_id, const v1::UpdateChatCommand& command);

 private:
  // One part of a change: calls back with why it was refused, or with nothing when it was taken.
  using Taken = std::function<void(const std::optional<StanzaError>& refusal)>;
  using Step = std::function<void(Taken)>;

  // Makes of a room that was just entered the group that was asked for.
  void Furnish(const std::string& command_id, const std::string& room_jid,
               const v1::CreateChatCommand& command);
  void UpdateGroup(const std::string& command_id, const v1::UpdateChatCommand& command, Room& room);
  // One after the other, until one is refused.
  void Run(std::vector<Step> steps, size_t next, Taken done);
  Step Configure(const std::string& room_jid,
                 std::vector<std::pair<std::string, std::string>> form);
  // Tells apps of the room, before anybody else can enter it.
  Step Tell(const std::string& room_jid);
  Step SetAffiliation(const std::string& room_jid, const std::string& jid,
                      const std::string& affiliation);
  // Sends away who is in the room.
  Step SendAway(const std::string& room_jid, const std::string& contact_id);
  // The request that changes one thing of one person.
  Step Administer(const std::string& room_jid,
                  std::vector<std::pair<const char*, std::string>> attributes);
  Step SetTopic(const std::string& room_jid, const std::string& topic);
  Step Invite(const std::string& room_jid, const std::string& jid);
  static Requests::Answered AnswerTo(const Taken& taken);
  void AnswerWithGroup(const std::string& command_id, const std::string& room_jid);

  Parts parts_;
  Rooms& rooms_;
  People& people_;
  Services& services_;
};

}  // namespace postern::purple
