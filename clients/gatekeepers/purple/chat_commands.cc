// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/chat_commands.h"

#include <glib.h>

#include <set>
#include <utility>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kMucUser[] = "http://jabber.org/protocol/muc#user";
constexpr char kMucAdmin[] = "http://jabber.org/protocol/muc#admin";
constexpr char kMucOwner[] = "http://jabber.org/protocol/muc#owner";
constexpr char kForm[] = "jabber:x:data";
constexpr char kRoomConfig[] = "http://jabber.org/protocol/muc#roomconfig";
constexpr char kRoomName[] = "muc#roomconfig_roomname";
constexpr char kMember[] = "member";
constexpr char kNoMember[] = "none";

const char* AffiliationOf(v1::ParticipantRole role) {
  switch (role) {
    case v1::PARTICIPANT_ROLE_OWNER:
      return "owner";
    case v1::PARTICIPANT_ROLE_ADMIN:
      return "admin";
    default:
      return kMember;
  }
}

// Which part of a change this network has no words for; empty when it has for all.
std::string MissingFor(const v1::UpdateChatCommand& command, const std::set<std::string>& fields,
                       bool group) {
  if (!command.pin_message_id().empty() || !command.unpin_message_id().empty()) return "pin";
  if (fields.count("disappearing_timer") > 0) return "disappearing";
  for (const char* own : {"muted", "archived", "marked_unread"}) {
    if (fields.count(own) > 0) return "organize";
  }
  if (fields.count("avatar_attachment_id") > 0) return "manage";
  if (group && fields.count("blocked") > 0) return "block";
  const bool manages = fields.count("name") > 0 || fields.count("topic") > 0 ||
                       command.add_contact_ids_size() > 0 || command.roles_size() > 0 ||
                       command.remove_contact_ids_size() > 0 || command.leave();
  return !group && manages ? "manage" : "";
}

}  // namespace

void ChatCommands::Create(const std::string& command_id, const v1::CreateChatCommand& command) {
  if (command.kind() != v1::CHAT_KIND_GROUP) {
    const std::string jid = command.contact_ids_size() != 1
                                ? ""
                                : parts_.chats.ChatOf(JidOf(command.contact_ids(0)).c_str());
    if (jid.find('@') == std::string::npos) {
      return parts_.reporter.Fail(command_id, "a chat needs one contact with an XMPP address");
    }
    parts_.chats.Announce(jid);
    v1::CommandResult result;
    result.set_command_id(command_id);
    result.set_state(v1::CommandResult::STATE_SENT);
    *result.mutable_chat() = parts_.chats.DirectChat(jid);
    return parts_.reporter.Answer(result);
  }
  if (services_.group_service().empty()) {
    if (services_.known()) {
      return parts_.reporter.Fail(command_id, "the server offers no groups", "create_chat");
    }
    services_.AskAgain();
    return parts_.reporter.FailForNow(command_id, "the server was not heard to offer groups yet");
  }
  // Nobody shall guess the address of a private group.
  const std::string room_jid = FreshId() + "@" + services_.group_service();
  rooms_.Join(
      room_jid, "",
      [this, command_id, room_jid, command](bool entered, bool made, const std::string& reason) {
        if (!entered) return parts_.reporter.Fail(command_id, reason);
        if (!made) return parts_.reporter.Fail(command_id, "the group exists already");
        Furnish(command_id, room_jid, command);
      });
}

void ChatCommands::Furnish(const std::string& command_id, const std::string& room_jid,
                           const v1::CreateChatCommand& command) {
  std::vector<Step> steps = {Configure(room_jid, {{kRoomName, command.name()},
                                                  {"muc#roomconfig_membersonly", "1"},
                                                  {"muc#roomconfig_whois", "anyone"},
                                                  {"muc#roomconfig_persistentroom", "1"},
                                                  {"muc#roomconfig_publicroom", "0"}}),
                             Tell(room_jid)};
  for (const std::string& contact_id : command.contact_ids()) {
    steps.push_back(SetAffiliation(room_jid, JidOf(contact_id), kMember));
    steps.push_back(Invite(room_jid, JidOf(contact_id)));
  }
  Run(std::move(steps), 0, [this, command_id, room_jid](const auto& refusal) {
    if (!refusal) return AnswerWithGroup(command_id, room_jid);
    // For good, whatever is wrong: the group is there, and the same once more would make another.
    rooms_.Describe(room_jid, [this, command_id, condition = refusal->condition] {
      parts_.reporter.Fail(command_id, "the server refused a part of the group: " + condition);
    });
  });
}

void ChatCommands::Update(const std::string& command_id, const v1::UpdateChatCommand& command) {
  if (!purple_account_is_connected(parts_.account)) {
    return parts_.reporter.FailForNow(command_id, "the account is offline");
  }
  const std::string chat_jid = parts_.chats.ChatOf(command.chat().id().c_str());
  Room* room = rooms_.Find(chat_jid);
  const std::set<std::string> fields(command.update_mask().paths().begin(),
                                     command.update_mask().paths().end());
  const bool group = room != nullptr || rooms_.IsInvited(chat_jid);
  if (const std::string missing = MissingFor(command, fields, group); !missing.empty()) {
    return parts_.reporter.Fail(command_id, "this network has no such thing", missing);
  }
  if (command.request_answer() != v1::MessageRequest::STATE_UNSPECIFIED) {
    const bool accept = command.request_answer() == v1::MessageRequest::STATE_ACCEPTED;
    if (rooms_.IsInvited(chat_jid)) return rooms_.AnswerInvitation(command_id, chat_jid, accept);
    return people_.AnswerRequest(command_id, chat_jid, accept);
  }
  if (room == nullptr && fields.count("blocked") == 0) {
    return parts_.reporter.Fail(command_id, "nothing of this chat can be changed so");
  }
  if (room == nullptr) {
    return people_.SetBlocked(command_id, chat_jid, command.chat().blocked());
  }
  UpdateGroup(command_id, command, *room);
}

void ChatCommands::UpdateGroup(const std::string& command_id, const v1::UpdateChatCommand& command,
                               Room& room) {
  const std::string room_jid = room.jid;
  if (command.leave()) {
    rooms_.Leave(room);
    return parts_.reporter.Done(command_id);
  }
  if (!room.joined) return parts_.reporter.FailForNow(command_id, "the user is not in the room");
  std::vector<Step> steps;
  for (const std::string& field : command.update_mask().paths()) {
    if (field == "topic") steps.push_back(SetTopic(room_jid, command.chat().topic()));
    if (field == "name") steps.push_back(Configure(room_jid, {{kRoomName, command.chat().name()}}));
  }
  for (const std::string& contact_id : command.add_contact_ids()) {
    steps.push_back(SetAffiliation(room_jid, JidOf(contact_id), kMember));
    steps.push_back(Invite(room_jid, JidOf(contact_id)));
  }
  for (const std::string& contact_id : command.remove_contact_ids()) {
    steps.push_back(SetAffiliation(room_jid, JidOf(contact_id), kNoMember));
    steps.push_back(SendAway(room_jid, contact_id));
  }
  for (const v1::Participant& participant : command.roles()) {
    steps.push_back(SetAffiliation(room_jid, JidOf(participant.contact_id()),
                                   AffiliationOf(participant.role())));
  }
  Run(std::move(steps), 0, [this, command_id, room_jid](const auto& refusal) {
    rooms_.Describe(room_jid, [this, command_id, room_jid, refusal = refusal] {
      if (!refusal) return AnswerWithGroup(command_id, room_jid);
      parts_.reporter.Refuse(command_id, "the room refused the change", *refusal);
    });
  });
}

void ChatCommands::AnswerWithGroup(const std::string& command_id, const std::string& room_jid) {
  v1::CommandResult result;
  result.set_command_id(command_id);
  result.set_state(v1::CommandResult::STATE_SENT);
  if (const Room* room = rooms_.Find(room_jid)) *result.mutable_chat() = rooms_.ChatOf(*room);
  parts_.reporter.Answer(result);
}

// -- the parts of a change

Requests::Answered ChatCommands::AnswerTo(const Taken& taken) {
  return [taken](xmlnode* result, const StanzaError& error) {
    taken(result != nullptr ? std::nullopt : std::optional(error));
  };
}

void ChatCommands::Run(std::vector<Step> steps, size_t next, Taken done) {
  if (next == steps.size()) return done(std::nullopt);
  const Step step = steps[next];
  step([this, steps = std::move(steps), next, done](const auto& refusal) {
    if (refusal) return done(refusal);
    Run(steps, next + 1, done);
  });
}

ChatCommands::Step ChatCommands::Configure(const std::string& room_jid,
                                           std::vector<std::pair<std::string, std::string>> form) {
  return [this, room_jid, form = std::move(form)](Taken taken) {
    XmlNodePtr query(xmlnode_new("query"));
    xmlnode_set_namespace(query.get(), kMucOwner);
    xmlnode* x = AddChild(query.get(), "x", kForm);
    xmlnode_set_attrib(x, "type", "submit");
    const auto add = [x](const std::string& name, const std::string& value) {
      xmlnode* field = AddChild(x, "field", kForm);
      xmlnode_set_attrib(field, "var", name.c_str());
      AddText(field, "value", kForm, value);
    };
    add("FORM_TYPE", kRoomConfig);
    for (const auto& [name, value] : form) add(name, value);
    parts_.requests.Set(room_jid, std::move(query), AnswerTo(taken));
  };
}

ChatCommands::Step ChatCommands::Tell(const std::string& room_jid) {
  return [this, room_jid](Taken taken) {
    rooms_.Describe(room_jid, [taken] { taken(std::nullopt); });
  };
}

ChatCommands::Step ChatCommands::SetAffiliation(const std::string& room_jid, const std::string& jid,
                                                const std::string& affiliation) {
  return [this, room_jid, jid, affiliation](Taken taken) {
    // Somebody whom the room hides has no address to be named by.
    if (jid.empty() || jid.find('/') != std::string::npos) {
      return taken(StanzaError{"jid-malformed", "", false});
    }
    Administer(room_jid, {{"affiliation", affiliation}, {"jid", jid}})(taken);
  };
}

ChatCommands::Step ChatCommands::SendAway(const std::string& room_jid,
                                          const std::string& contact_id) {
  return [this, room_jid, contact_id](Taken taken) {
    // Who is no member any more has gone already, but for a room that anybody may enter.
    const Room* room = rooms_.Find(room_jid);
    if (room == nullptr) return taken(std::nullopt);
    std::vector<Step> steps;
    for (const auto& [nick, occupant] : room->occupants) {
      if (occupant.contact_id != contact_id) continue;
      steps.push_back(Administer(room_jid, {{"role", "none"}, {"nick", nick}}));
    }
    Run(std::move(steps), 0, [taken](const auto& refusal) {
      // Who is not found has gone meanwhile.
      taken(refusal && refusal->condition == "item-not-found" ? std::nullopt : refusal);
    });
  };
}

ChatCommands::Step ChatCommands::Administer(
    const std::string& room_jid, std::vector<std::pair<const char*, std::string>> attributes) {
  return [this, room_jid, attributes = std::move(attributes)](Taken taken) {
    XmlNodePtr query(xmlnode_new("query"));
    xmlnode_set_namespace(query.get(), kMucAdmin);
    xmlnode* item = AddChild(query.get(), "item", kMucAdmin);
    for (const auto& [name, value] : attributes) xmlnode_set_attrib(item, name, value.c_str());
    parts_.requests.Set(room_jid, std::move(query), AnswerTo(taken));
  };
}

ChatCommands::Step ChatCommands::SetTopic(const std::string& room_jid, const std::string& topic) {
  return [this, room_jid, topic](Taken taken) {
    const XmlNodePtr message = NewMessage(room_jid, true, FreshId());
    AddText(message.get(), "subject", nullptr, topic);
    parts_.requests.SendMessage(message, AnswerTo(taken));
  };
}

ChatCommands::Step ChatCommands::Invite(const std::string& room_jid, const std::string& jid) {
  return [this, room_jid, jid](Taken taken) {
    const XmlNodePtr message(xmlnode_new("message"));
    xmlnode_set_attrib(message.get(), "to", room_jid.c_str());
    xmlnode_set_attrib(message.get(), "id", FreshId().c_str());
    xmlnode* user = AddChild(message.get(), "x", kMucUser);
    xmlnode_set_attrib(AddChild(user, "invite", kMucUser), "to", jid.c_str());
    parts_.requests.SendMessage(message, AnswerTo(taken));
  };
}

}  // namespace postern::purple
