// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/parties.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <map>
#include <utility>

namespace postern::crm {
namespace {

using nlohmann::json;

// Of more parties with one address than this, none is the right one.
constexpr int kPartiesMax = 50;
constexpr int kNotesAtOnce = 100;

// One condition of a search. Spelled with array(): a list in braces can become an object.
json Where(const char* field, const char* is, json value) {
  return json::array({field, is, std::move(value)});
}

// A party, archived or not.
json WithArchived(int64_t party) {
  return json::array({Where("id", "=", party), Where("active", "in", json::array({true, false}))});
}

// An address in Tryton's words.
struct Mechanism {
  std::string type;
  std::string value;
};

Mechanism MechanismOf(const std::string& address) {
  static const std::map<std::string, std::string> kTypes = {
      {"tel", "mobile"}, {"xmpp", "jabber"}, {"mailto", "email"}, {"sip", "sip"}};
  const size_t colon = address.find(':');
  const auto known = kTypes.find(address.substr(0, colon));
  if (colon == std::string::npos || known == kTypes.end()) return {"other", address};
  return {known->second, address.substr(colon + 1)};
}

// A pattern that finds a number however it is written: its digits in their order. The last nine,
// since what stands before them is written in too many ways.
std::string NumberPattern(const std::string& number) {
  const std::string digits = number.substr(number.size() > 9 ? number.size() - 9 : 0);
  std::string pattern = "%";
  for (const char digit : digits) absl::StrAppend(&pattern, std::string(1, digit), "%");
  return pattern;
}

bool IsOurs(const json& record, const char* field, int64_t user) {
  return !record.contains(field) || record[field].is_null() || record[field] == user;
}

}  // namespace

std::string PlainNumber(const std::string& number, const std::string& country_code) {
  std::string plain;
  for (const char c : number) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c == '+' && plain.empty()))
      plain += c;
  }
  if (absl::StartsWith(plain, "00")) return "+" + plain.substr(2);
  if (absl::StartsWith(plain, "0") && !country_code.empty()) return country_code + plain.substr(1);
  return plain;
}

Parties::Parties(Tryton& tryton, std::string country_code)
    : tryton_(tryton), country_code_(std::move(country_code)) {}

absl::StatusOr<std::vector<Party>> Parties::Search(const json& domain) {
  const auto found =
      tryton_.Call("model.party.party.search_read",
                   json::array({domain, 0, kPartiesMax, nullptr, json::array({"name"})}));
  if (!found.ok()) return found.status();
  std::vector<Party> parties;
  for (const json& party : *found) {
    parties.push_back({party["id"].get<int64_t>(),
                       party["name"].is_string() ? party["name"].get<std::string>() : ""});
  }
  return parties;
}

absl::StatusOr<std::vector<Party>> Parties::WithAddress(const std::string& address) {
  const Mechanism sought = MechanismOf(address);
  const bool number = sought.type == "mobile";
  const std::string plain = PlainNumber(sought.value, country_code_);
  if (number && plain.size() < 4) return std::vector<Party>();
  const json domain =
      number
          ? json::array({Where("type", "in", json::array({"phone", "mobile"})),
                         Where("value", "like", NumberPattern(plain))})
          : json::array({Where("type", "=", sought.type), Where("value", "ilike", sought.value)});
  const auto found =
      tryton_.Call("model.party.contact_mechanism.search_read",
                   json::array({domain, 0, kPartiesMax, nullptr, json::array({"party", "value"})}));
  if (!found.ok()) return found.status();
  // The search is generous; here it is exact.
  json ids = json::array();
  for (const json& mechanism : *found) {
    const std::string value =
        mechanism["value"].is_string() ? mechanism["value"].get<std::string>() : "";
    const bool same = number ? PlainNumber(value, country_code_) == plain
                             : absl::EqualsIgnoreCase(value, sought.value);
    if (same && mechanism["party"].is_number_integer()) ids.push_back(mechanism["party"]);
  }
  if (ids.empty()) return std::vector<Party>();
  return Search(json::array({Where("id", "in", ids)}));
}

absl::StatusOr<std::vector<Party>> Parties::Named(const std::string& words) {
  json domain = json::array({"OR", Where("code", "=", words), Where("name", "=", words)});
  if (!words.empty() && words.size() < 10 &&
      words.find_first_not_of("0123456789") == std::string::npos) {
    domain.push_back(Where("id", "=", std::stoll(words)));
  }
  return Search(json::array({domain}));
}

absl::StatusOr<bool> Parties::Exists(int64_t party) {
  // Also one that was archived: a party's history stays with it.
  const auto found = Search(WithArchived(party));
  if (!found.ok()) return found.status();
  return !found->empty();
}

absl::StatusOr<int64_t> Parties::Create(const std::string& name,
                                        const std::vector<std::string>& addresses) {
  json mechanisms = json::array();
  for (const std::string& address : addresses) {
    const Mechanism mechanism = MechanismOf(address);
    mechanisms.push_back({{"type", mechanism.type}, {"value", mechanism.value}});
  }
  const json party = {{"name", name},
                      {"contact_mechanisms", json::array({json::array({"create", mechanisms})})}};
  const auto made = tryton_.Call("model.party.party.create", json::array({json::array({party})}));
  if (!made.ok()) return made.status();
  if (!made->is_array() || made->size() != 1) return absl::AbortedError("Tryton made no party");
  return (*made)[0].get<int64_t>();
}

absl::StatusOr<std::optional<json>> Parties::FindNote(std::optional<int64_t> known,
                                                      const std::string& mark) {
  // By its id first, which Tryton finds at once. Marks are looked for in all notes.
  std::vector<json> conditions;
  if (known.has_value()) conditions.push_back(Where("id", "=", *known));
  conditions.push_back(Where("message", "like", "%" + mark));
  for (const json& condition : conditions) {
    const auto found = tryton_.Call("model.ir.note.search_read",
                                    json::array({json::array({condition}), 0, 1, nullptr,
                                                 json::array({"message", "resource"})}));
    if (!found.ok()) return found.status();
    if (found->is_array() && !found->empty()) return std::make_optional((*found)[0]);
  }
  return std::nullopt;
}

absl::StatusOr<int64_t> Parties::PutNote(std::optional<int64_t> known, int64_t party,
                                         const std::string& mark, const std::string& text) {
  const auto found = FindNote(known, mark);
  if (!found.ok()) return found.status();
  const json wanted = {{"resource", absl::StrCat("party.party,", party)},
                       {"message", absl::StrCat(text, "\n", mark)}};
  if (!found->has_value()) {
    const auto made = tryton_.Call("model.ir.note.create", json::array({json::array({wanted})}));
    if (!made.ok()) return made.status();
    if (!made->is_array() || made->size() != 1) return absl::AbortedError("Tryton made no note");
    return (*made)[0].get<int64_t>();
  }
  const json& note = **found;
  const auto id = note["id"].get<int64_t>();
  if (note["resource"] != wanted["resource"] || note["message"] != wanted["message"]) {
    const auto written =
        tryton_.Call("model.ir.note.write", json::array({json::array({id}), wanted}));
    if (!written.ok()) return written.status();
  }
  return id;
}

absl::Status Parties::DeleteNote(std::optional<int64_t> known, const std::string& mark) {
  const auto found = FindNote(known, mark);
  if (!found.ok() || !found->has_value()) return found.status();
  return tryton_.Call("model.ir.note.delete", json::array({json::array({(**found)["id"]})}))
      .status();
}

absl::Status Parties::DeleteAllNotes() {
  const auto user = tryton_.UserId();
  if (!user.ok()) return user.status();
  const json domain =
      json::array({Where("create_uid", "=", *user), Where("message", "like", "%[postern:%]")});
  for (;;) {
    const auto found =
        tryton_.Call("model.ir.note.search", json::array({domain, 0, kNotesAtOnce, nullptr}));
    if (!found.ok()) return found.status();
    if (found->empty()) return absl::OkStatus();
    const auto gone = tryton_.Call("model.ir.note.delete", json::array({*found}));
    if (!gone.ok()) return gone.status();
  }
}

absl::StatusOr<bool> Parties::DeleteParty(int64_t party) {
  const auto user = tryton_.UserId();
  if (!user.ok()) return user.status();
  const auto found = tryton_.Call(
      "model.party.party.search_read",
      json::array({WithArchived(party), 0, 1, nullptr, json::array({"create_uid", "write_uid"})}));
  if (!found.ok()) return found.status();
  if (found->empty()) return true;
  if (!IsOurs((*found)[0], "create_uid", *user) || !IsOurs((*found)[0], "write_uid", *user))
    return false;
  const auto notes = tryton_.Call(
      "model.ir.note.search_count",
      json::array({json::array({Where("resource", "=", absl::StrCat("party.party,", party))})}));
  if (!notes.ok()) return notes.status();
  if (*notes != 0) return false;
  const auto gone = tryton_.Call("model.party.party.delete", json::array({json::array({party})}));
  // Something else of the business refers to it.
  if (absl::IsAborted(gone.status()) || absl::IsPermissionDenied(gone.status())) return false;
  if (!gone.ok()) return gone.status();
  return true;
}

}  // namespace postern::crm
