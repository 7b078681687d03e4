// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/ghosts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "clients/xmpp_bridge/stanzas.h"

namespace postern::xmpp_bridge {
namespace {

constexpr const char* kGhostFeatures[] = {kDiscoInfo, kPing,       kVcard,   kReceipts,
                                          kMarkers,   kChatStates, kCorrect, kReactions,
                                          kRetract,   kReply,      kOob};

void Describe(gloox::Tag& result, const std::string& name, bool ghost) {
  gloox::Tag* query = Add(result, "query", kDiscoInfo);
  Add(*query, "identity", nullptr,
      {{"category", ghost ? "account" : "gateway"},
       {"type", ghost ? "registered" : "other"},
       {"name", name}});
  if (ghost) {
    for (const char* feature : kGhostFeatures) Add(*query, "feature", nullptr, {{"var", feature}});
  } else {
    for (const char* feature : {kDiscoInfo, kDiscoItems, kPing}) {
      Add(*query, "feature", nullptr, {{"var", feature}});
    }
  }
}

void Card(gloox::Tag& result, const Person& person) {
  gloox::Tag* card = Add(result, "vCard", kVcard);
  Add(*card, "FN", nullptr, {}, person.name);
  Add(*card, "NICKNAME", nullptr, {}, person.name);
  if (person.avatar.empty()) return;
  gloox::Tag* photo = Add(*card, "PHOTO", nullptr);
  Add(*photo, "TYPE", nullptr, {}, person.avatar_type);
  Add(*photo, "BINVAL", nullptr, {}, absl::Base64Escape(person.avatar));
}

}  // namespace

std::string AnswerIq(const gloox::Tag& iq, const Config& config, Store& store) {
  const std::string& type = iq.findAttribute("type");
  if (type != "get" && type != "set") return {};
  const std::string& to = iq.findAttribute("to");
  const std::string& from = iq.findAttribute("from");
  TagPtr result = MakeTag(
      "iq", {{"type", "result"}, {"from", to}, {"to", from}, {"id", iq.findAttribute("id")}});
  const bool owner = absl::AsciiStrToLower(BareOf(from)) == config.owner ||
                     (!config.rooms.empty() && DomainOf(from) == config.rooms);
  auto person = store.PersonByNode(NodeOf(to));
  const bool ghost = person.ok() && person->has_value();
  if (type == "get" && owner && (ghost || NodeOf(to).empty())) {
    if (Child(iq, "ping", kPing) != nullptr) return result->xml();
    if (Child(iq, "query", kDiscoInfo) != nullptr) {
      Describe(*result, ghost ? (*person)->name : "Postern", ghost);
      return result->xml();
    }
    if (Child(iq, "query", kDiscoItems) != nullptr) {
      gloox::Tag* query = Add(*result, "query", kDiscoItems);
      std::vector<Person> people;
      if (auto all = store.People(); !ghost && all.ok()) people = *std::move(all);
      for (const auto& item : people) {
        Add(*query, "item", nullptr,
            {{"jid", absl::StrCat(item.node, "@", config.component)}, {"name", item.name}});
      }
      return result->xml();
    }
    if (ghost && Child(iq, "vCard", kVcard) != nullptr) {
      Card(*result, **person);
      return result->xml();
    }
  }
  TagPtr refusal = MakeTag(
      "iq", {{"type", "error"}, {"from", to}, {"to", from}, {"id", iq.findAttribute("id")}});
  Add(*Add(*refusal, "error", nullptr, {{"type", "cancel"}}), "service-unavailable",
      "urn:ietf:params:xml:ns:xmpp-stanzas");
  return refusal->xml();
}

std::vector<std::string> AnswerPresence(const gloox::Tag& presence, const Config& config,
                                        Store& store) {
  const std::string& from = presence.findAttribute("from");
  const std::string& type = presence.findAttribute("type");
  if (absl::AsciiStrToLower(BareOf(from)) != config.owner) return {};
  auto person = store.PersonByNode(NodeOf(presence.findAttribute("to")));
  if (!person.ok() || !person->has_value()) return {};
  const std::string ghost = absl::StrCat((*person)->node, "@", config.component);
  const std::string state =
      PresenceStanza(ghost, config.owner, (*person)->presence, (*person)->name, (*person)->avatar);
  if (type == "subscribe") {
    if (!store.SetSubscribed((*person)->contact_id, true).ok()) return {};
    return {
        MakeTag("presence", {{"type", "subscribed"}, {"from", ghost}, {"to", config.owner}})->xml(),
        state};
  }
  if (type == "unsubscribe") {
    store.SetSubscribed((*person)->contact_id, false).IgnoreError();
    return {MakeTag("presence", {{"type", "unsubscribed"}, {"from", ghost}, {"to", config.owner}})
                ->xml()};
  }
  if (type == "probe" || (type.empty() && (*person)->subscribed)) return {state};
  return {};
}

}  // namespace postern::xmpp_bridge
