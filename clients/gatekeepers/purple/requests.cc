// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/requests.h"

#include <utility>
#include <vector>

#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr std::time_t kAnswerSecondsMax = 30;
// A server that answers nothing must not fill memory.
constexpr size_t kWaitingMax = 256;

}  // namespace

XmlNodePtr NewPing() {
  XmlNodePtr ping(xmlnode_new("ping"));
  xmlnode_set_namespace(ping.get(), "urn:xmpp:ping");
  return ping;
}

void Requests::Get(const std::string& to, XmlNodePtr child, Answered answered) {
  Send("get", to, std::move(child), std::move(answered));
}

void Requests::Set(const std::string& to, XmlNodePtr child, Answered answered) {
  Send("set", to, std::move(child), std::move(answered));
}

void Requests::SendMessage(const XmlNodePtr& message, Answered answered) {
  if (!SendStanza(account_, message.get())) return answered(nullptr, StanzaError());
  Send("get", Attribute(message.get(), "to"), NewPing(), std::move(answered),
       Attribute(message.get(), "id"));
}

void Requests::Send(const char* type, const std::string& to, XmlNodePtr child, Answered answered,
                    const std::string& message_id) {
  const std::string id = FreshId();
  XmlNodePtr iq(xmlnode_new("iq"));
  xmlnode_set_attrib(iq.get(), "type", type);
  xmlnode_set_attrib(iq.get(), "id", id.c_str());
  if (!to.empty()) xmlnode_set_attrib(iq.get(), "to", to.c_str());
  xmlnode_insert_child(iq.get(), child.release());
  if (waiting_.size() >= kWaitingMax || !SendStanza(account_, iq.get())) {
    return answered(nullptr, StanzaError());
  }
  waiting_[id] = {to, message_id, std::move(answered), std::time(nullptr)};
}

void Requests::Take(xmlnode* iq) {
  const std::string type = Attribute(iq, "type");
  if (type != "result" && type != "error") return;
  const auto found = waiting_.find(Attribute(iq, "id"));
  if (found == waiting_.end()) return;
  const std::string from = Attribute(iq, "from");
  const std::string& to = found->second.to;
  const std::string own = BareJid(purple_account_get_username(account_));
  // Nobody else may answer. The own server answers for the account with or without a name.
  if (to.empty() || to == own ? !from.empty() && BareJid(from) != own : from != to) return;
  const Waiting asked = std::move(found->second);
  waiting_.erase(found);
  // Who refuses the question behind a message has taken the message.
  if (type == "result" || !asked.message_id.empty()) return asked.answered(iq, StanzaError());
  asked.answered(nullptr, ReadError(iq));
}

void Requests::TakeRefusal(xmlnode* message) {
  const std::string id = Attribute(message, "id");
  if (id.empty() || Attribute(message, "type") != "error") return;
  for (auto entry = waiting_.begin(); entry != waiting_.end(); ++entry) {
    if (entry->second.message_id != id || entry->second.to != Attribute(message, "from")) continue;
    const Answered answered = std::move(entry->second.answered);
    waiting_.erase(entry);
    return answered(nullptr, ReadError(message));
  }
}

void Requests::GiveUpOnOld() {
  std::vector<Answered> old;
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    if (std::time(nullptr) - entry->second.start_time <= kAnswerSecondsMax) {
      ++entry;
      continue;
    }
    old.push_back(std::move(entry->second.answered));
    entry = waiting_.erase(entry);
  }
  for (const Answered& answered : old) answered(nullptr, StanzaError());
}

void Requests::GiveUpOnAll() {
  for (auto& [id, waiting] : std::exchange(waiting_, {})) {
    waiting.answered(nullptr, StanzaError());
  }
}

}  // namespace postern::purple
