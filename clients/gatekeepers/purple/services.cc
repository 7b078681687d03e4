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

XmlNodePtr Query(const char* xmlns) {
  XmlNodePtr query(xmlnode_new("query"));
  xmlnode_set_namespace(query.get(), xmlns);
  return query;
}

}  // namespace

void Services::SignedOn() {
  group_service_.clear();
  upload_service_.clear();
  known_ = false;
  const std::string& own = parts_.maker.owner_jid();
  const std::string domain = own.substr(own.find('@') + 1);
  parts_.requests.Get(
      domain, Query(kDiscoItems), [this](xmlnode* result, const StanzaError& error) {
        xmlnode* items = ChildOf(result, "query", kDiscoItems);
        xmlnode* item = items == nullptr ? nullptr : xmlnode_get_child(items, "item");
        unanswered_ = 0;
        for (; item != nullptr && unanswered_ < kServicesMax; item = xmlnode_get_next_twin(item)) {
          // Nodes of the same service are not services.
          if (!Attribute(item, "node").empty()) continue;
          ++unanswered_;
          Ask(Attribute(item, "jid"));
        }
        known_ = unanswered_ == 0 && (result != nullptr || !error.retriable);
      });
}

void Services::Ask(const std::string& service) {
  const auto take = [this, service](xmlnode* result, const StanzaError&) {
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
    if (unanswered_ == 0 || --unanswered_ > 0) return;
    known_ = true;
    parts_.chats.SetUploads(!upload_service_.empty());
  };
  parts_.requests.Get(service, Query(kDiscoInfo), take);
}

}  // namespace postern::purple
