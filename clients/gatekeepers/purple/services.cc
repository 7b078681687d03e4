// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/services.h"

#include <utility>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/stanza.h"

namespace postern::purple {
namespace {

constexpr char kDiscoItems[] = "http://jabber.org/protocol/disco#items";
constexpr char kDiscoInfo[] = "http://jabber.org/protocol/disco#info";
constexpr char kUploadFeature[] = "urn:xmpp:http:upload:0";
constexpr char kMucFeature[] = "http://jabber.org/protocol/muc";
// Servers have a handful.
constexpr size_t kServicesMax = 32;
// Who is silent is asked so often at most, when no app needs them.
constexpr std::time_t kAskAgainSeconds = 300;

XmlNodePtr Query(const char* xmlns) {
  XmlNodePtr query(xmlnode_new("query"));
  xmlnode_set_namespace(query.get(), xmlns);
  return query;
}

}  // namespace

void Services::SignedOn() {
  group_service_.clear();
  upload_service_.clear();
  listed_ = false;
  silent_.clear();
  AskForList();
}

void Services::AskAgain() {
  const bool found_all = !group_service_.empty() && !upload_service_.empty();
  if (known() || found_all || unanswered_ > 0) return;
  if (!listed_) return AskForList();
  asked_time_ = std::time(nullptr);
  for (const std::string& service : std::exchange(silent_, {})) Ask(service);
}

void Services::Tick() {
  if (purple_account_is_connected(parts_.account) &&
      std::time(nullptr) - asked_time_ >= kAskAgainSeconds) {
    AskAgain();
  }
}

void Services::AskForList() {
  asked_time_ = std::time(nullptr);
  const std::string& own = parts_.maker.owner_jid();
  const std::string domain = own.substr(own.find('@') + 1);
  ++unanswered_;
  const auto take = [this](xmlnode* result, const StanzaError& error) {
    --unanswered_;
    listed_ = result != nullptr || !error.retriable;
    xmlnode* items = ChildOf(result, "query", kDiscoItems);
    xmlnode* item = items == nullptr ? nullptr : xmlnode_get_child(items, "item");
    for (size_t count = 0; item != nullptr && count < kServicesMax;
         item = xmlnode_get_next_twin(item)) {
      // Nodes of the same service are not services.
      if (!Attribute(item, "node").empty()) continue;
      ++count;
      Ask(Attribute(item, "jid"));
    }
    TellUploads();
  };
  parts_.requests.Get(domain, Query(kDiscoItems), take);
}

void Services::Ask(const std::string& service) {
  ++unanswered_;
  const auto take = [this, service](xmlnode* result, const StanzaError& error) {
    --unanswered_;
    if (result == nullptr && error.retriable) silent_.push_back(service);
    xmlnode* info = ChildOf(result, "query", kDiscoInfo);
    xmlnode* identity = info == nullptr ? nullptr : xmlnode_get_child(info, "identity");
    xmlnode* feature = info == nullptr ? nullptr : xmlnode_get_child(info, "feature");
    for (; feature != nullptr; feature = xmlnode_get_next_twin(feature)) {
      const std::string name = Attribute(feature, "var");
      if (name == kUploadFeature) upload_service_ = service;
      if (name == kMucFeature && Attribute(identity, "category") == "conference") {
        group_service_ = service;
      }
    }
    TellUploads();
  };
  parts_.requests.Get(service, Query(kDiscoInfo), take);
}

void Services::TellUploads() {
  // That there is none is said when all have answered: until then what was so stays so.
  if (!upload_service_.empty() || known()) parts_.chats.SetUploads(!upload_service_.empty());
}

}  // namespace postern::purple
