// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/people.h"

#include <status.h>

#include <algorithm>
#include <ctime>
#include <utility>
#include <vector>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/remembered.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/stanza.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kRoster[] = "jabber:iq:roster";
constexpr char kBlocking[] = "urn:xmpp:blocking";
constexpr char kPubsubEvent[] = "http://jabber.org/protocol/pubsub#event";
constexpr char kDeviceListNode[] = "eu.siacs.conversations.axolotl.devicelist";
constexpr char kOmemo[] = "eu.siacs.conversations.axolotl";
// Devices of one person that are kept in mind.
constexpr size_t kDevicesMax = 100;

// Who is named in a list of people to block. Servers block whole domains and single devices too:
// those are no contacts.
std::set<std::string> PeopleIn(xmlnode* list) {
  std::set<std::string> jids;
  for (xmlnode* item = xmlnode_get_child(list, "item"); item != nullptr;
       item = xmlnode_get_next_twin(item)) {
    const std::string jid = Attribute(item, "jid");
    if (jid.find('@') != std::string::npos && jid.find('/') == std::string::npos) jids.insert(jid);
  }
  return jids;
}

}  // namespace

void People::TakeIq(xmlnode* iq) {
  const std::string from = Attribute(iq, "from");
  // Only the own server speaks of the own lists.
  if (!from.empty() && BareJid(from) != parts_.maker.owner_jid()) return;
  const std::string type = Attribute(iq, "type");
  if (type != "set" && type != "result") return;
  if (xmlnode* query = ChildOf(iq, "query", kRoster)) TakeRoster(query);
  if (xmlnode* list = ChildOf(iq, "blocklist", kBlocking)) {
    // All of it: who is not in it any more was let in again while this client was away.
    const std::set<std::string> blocked = PeopleIn(list);
    std::set<std::string> let_in = BlockedNow();
    for (const std::string& jid : blocked) let_in.erase(jid);
    TakeBlocked(let_in, false);
    TakeBlocked(blocked, true);
  }
  if (type != "set") return;
  if (xmlnode* list = ChildOf(iq, "block", kBlocking)) TakeBlocked(PeopleIn(list), true);
  if (xmlnode* list = ChildOf(iq, "unblock", kBlocking)) {
    // An empty one means everybody.
    const bool all = xmlnode_get_child(list, "item") == nullptr;
    TakeBlocked(all ? BlockedNow() : PeopleIn(list), false);
  }
}

void People::TakeRoster(xmlnode* query) {
  for (xmlnode* item = xmlnode_get_child(query, "item"); item != nullptr;
       item = xmlnode_get_next_twin(item)) {
    const std::string jid = Attribute(item, "jid");
    if (jid.find('@') == std::string::npos || jid.find('/') != std::string::npos) continue;
    const std::string name = Attribute(item, "name");
    const std::string subscription = Attribute(item, "subscription");
    // They may see the user from now on, whichever device said so.
    if (subscription == "from" || subscription == "both") {
      AnsweredElsewhere(jid, v1::MessageRequest::STATE_ACCEPTED);
    }
    Tell(jid, name.empty() ? jid : name, subscription != "remove", parts_.chats.IsBlocked(jid));
  }
}

void People::TakeBlocked(const std::set<std::string>& jids, bool blocked) {
  for (const std::string& jid : jids) {
    // The server has refused the request then, and says so to nobody.
    if (blocked) AnsweredElsewhere(jid, v1::MessageRequest::STATE_BLOCKED);
    const std::string known = parts_.remembered.Get(kContactFact, jid);
    if (known.size() > 2) {
      Tell(jid, known.substr(2), known[0] == kInRoster, blocked);
    } else {
      Tell(jid, parts_.chats.NameOf(jid), IsContact(jid), blocked);
    }
  }
}

std::set<std::string> People::BlockedNow() const {
  std::set<std::string> blocked;
  for (const std::string& jid : parts_.remembered.Keys(kContactFact)) {
    if (parts_.chats.IsBlocked(jid)) blocked.insert(jid);
  }
  return blocked;
}

void People::AnsweredElsewhere(const std::string& jid, v1::MessageRequest::State state) {
  if (!parts_.remembered.Has(kAskedFact, jid)) return;
  // Handed over first: after a kill in between it is told again, and not never.
  parts_.reporter.Hand(parts_.maker.Request(jid, ContactId(jid), state));
  parts_.remembered.Forget(kAskedFact, jid);
}

void People::Tell(const std::string& jid, const std::string& name, bool in_roster, bool blocked) {
  const std::string before = parts_.chats.DirectChat(jid).SerializeAsString();
  std::string fact = {in_roster ? kInRoster : kNot, blocked ? kBlocked : kNot};
  if (!parts_.remembered.Put(kContactFact, jid, fact + name)) return;
  parts_.reporter.Hand(parts_.maker.ContactSeen(jid, name, in_roster, blocked));
  if (!parts_.chats.IsAnnounced(jid)) return;
  const v1::Chat chat = parts_.chats.DirectChat(jid);
  if (chat.SerializeAsString() != before) parts_.reporter.Hand(parts_.maker.ChatChanged(chat));
}

void People::TakePresence(xmlnode* presence) {
  const std::string type = Attribute(presence, "type");
  const std::string jid = BareJid(Attribute(presence, "from"));
  // They ask no longer. The contract has no word for that.
  if (type == "unsubscribe") parts_.remembered.Forget(kAskedFact, jid);
  if (type != "subscribe") return;
  if (jid.find('@') == std::string::npos || jid == parts_.maker.owner_jid()) return;
  parts_.remembered.Put(kAskedFact, jid);
  parts_.chats.Announce(jid);
  parts_.reporter.Hand(
      parts_.maker.Request(jid, ContactId(jid), v1::MessageRequest::STATE_PENDING));
}

void People::TakeDeviceList(xmlnode* message) {
  xmlnode* event = ChildOf(message, "event", kPubsubEvent);
  xmlnode* items = event == nullptr ? nullptr : xmlnode_get_child(event, "items");
  if (Attribute(items, "node") != kDeviceListNode) return;
  const std::string jid = BareJid(Attribute(message, "from"));
  xmlnode* item = xmlnode_get_child(items, "item");
  xmlnode* list = ChildOf(item, "list", kOmemo);
  xmlnode* device = list == nullptr ? nullptr : xmlnode_get_child(list, "device");
  const bool known = parts_.remembered.Has(kDevicesFact, jid);
  const std::vector<std::string> before = parts_.remembered.Words(kDevicesFact, jid);
  std::vector<std::string> now;
  bool added = false;
  for (; device != nullptr && now.size() < kDevicesMax; device = xmlnode_get_next_twin(device)) {
    now.push_back(Attribute(device, "id"));
    added = added || std::find(before.begin(), before.end(), now.back()) == before.end();
  }
  if (!parts_.remembered.PutWords(kDevicesFact, jid, now) || !known || !added) return;
  parts_.reporter.Hand(parts_.maker.Identity(jid, v1::IdentityChanged::KIND_NEW_DEVICE));
}

void People::PresenceChanged(PurpleBuddy* buddy) {
  const std::string jid = parts_.chats.ChatOf(purple_buddy_get_name(buddy));
  if (jid.empty()) return;
  PurplePresence* presence = purple_buddy_get_presence(buddy);
  if (!purple_presence_is_online(presence)) {
    // When it is the user who goes, nobody knows how long the others stay.
    const std::time_t last_seen =
        purple_account_is_connected(parts_.account) ? std::time(nullptr) : 0;
    parts_.reporter.Hand(parts_.maker.Presence(jid, v1::Presence::STATE_OFFLINE, last_seen));
  } else if (!purple_presence_is_available(presence)) {
    parts_.reporter.Hand(parts_.maker.Presence(jid, v1::Presence::STATE_AWAY,
                                               purple_presence_get_idle_time(presence)));
  } else {
    parts_.reporter.Hand(parts_.maker.Presence(jid, v1::Presence::STATE_ONLINE, 0));
  }
}

void People::SetBlocked(const std::string& command_id, const std::string& jid, bool blocked) {
  if (jid.find('@') == std::string::npos) return parts_.reporter.Fail(command_id, "no such chat");
  XmlNodePtr block(xmlnode_new(blocked ? "block" : "unblock"));
  xmlnode_set_namespace(block.get(), kBlocking);
  xmlnode_set_attrib(AddChild(block.get(), "item", kBlocking), "jid", jid.c_str());
  const auto take = [this, command_id](xmlnode* result, const StanzaError& error) {
    if (result != nullptr) return parts_.reporter.Done(command_id);
    if (error.retriable) {
      return parts_.reporter.Refuse(command_id, "the server did not answer to that", error);
    }
    parts_.reporter.Fail(command_id, "the server does not block: " + error.condition, "block");
  };
  parts_.requests.Set("", std::move(block), take);
}

void People::AnswerRequest(const std::string& command_id, const std::string& jid, bool accept) {
  const auto send = [&](const char* type) {
    XmlNodePtr presence(xmlnode_new("presence"));
    xmlnode_set_attrib(presence.get(), "to", jid.c_str());
    xmlnode_set_attrib(presence.get(), "type", type);
    return SendStanza(parts_.account, presence.get());
  };
  if (!send(accept ? "subscribed" : "unsubscribed") || (accept && !send("subscribe"))) {
    return parts_.reporter.FailForNow(command_id, "the account is offline");
  }
  parts_.reporter.Done(command_id,
                       {parts_.maker.Request(jid, ContactId(jid),
                                             accept ? v1::MessageRequest::STATE_ACCEPTED
                                                    : v1::MessageRequest::STATE_DECLINED)});
  // What the server pushes of it, in a later turn of the loop, is no news.
  parts_.remembered.Forget(kAskedFact, jid);
}

bool People::IsContact(const std::string& jid) const {
  return purple_find_buddy(parts_.account, jid.c_str()) != nullptr;
}

}  // namespace postern::purple
