// SPDX-License-Identifier: Apache-2.0
// The canonical JSON of questions and answers (consent_question.h). Reading ends with writing
// again: only a text that comes out the same, byte for byte, is taken. That refuses double and
// unknown fields, other spacings and other orders in one stroke.
#include <absl/strings/escaping.h>
#include <openssl/sha.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "permissions/consent_question.h"
#include "permissions/json_reader.h"

namespace postern::permissions {
namespace {

using nlohmann::json;

constexpr size_t kNetworksMax = 16;
constexpr size_t kLooksLikeMax = 1000;
// Year 9999: beyond it times do not print.
constexpr int64_t kUnixSecondsMax = 253402300799;
constexpr int64_t kTimeoutSecondsMax = 24 * 60 * 60;

template <typename Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

constexpr EnumName<QuestionKind> kQuestionKinds[] = {
    {QuestionKind::kEnrollApp, "enroll_app"},
    {QuestionKind::kEnrollGatekeeper, "enroll_gatekeeper"},
    {QuestionKind::kWidenGrant, "widen_grant"}};
constexpr EnumName<Role> kRoles[] = {{Role::kApp, "app"}, {Role::kGatekeeper, "gatekeeper"}};
constexpr EnumName<DestinationKind> kDestinations[] = {
    {DestinationKind::kStaysOnDevice, "stays_on_device"},
    {DestinationKind::kLeavesDevice, "leaves_device"}};
constexpr EnumName<ChatType> kChatTypes[] = {
    {ChatType::kUnknown, "unknown"}, {ChatType::kDirect, "direct"}, {ChatType::kGroup, "group"}};
constexpr EnumName<ConsentDecision> kDecisions[] = {{ConsentDecision::kAllow, "allow"},
                                                    {ConsentDecision::kRefuse, "refuse"},
                                                    {ConsentDecision::kExpired, "expired"}};
constexpr EnumName<ChatChoice> kChatChoices[] = {{ChatChoice::kListed, "listed"},
                                                 {ChatChoice::kAllExisting, "all_existing"},
                                                 {ChatChoice::kAllAndNew, "all_and_new"}};
constexpr EnumName<ValidityKind> kValidityKinds[] = {
    {ValidityKind::kOnce, "once"},
    {ValidityKind::kWhileRunning, "while_running"},
    {ValidityKind::kUntil, "until"},
    {ValidityKind::kUntilRevoked, "until_revoked"}};

template <typename Enum, size_t N>
std::string NameOf(const EnumName<Enum> (&names)[N], Enum value) {
  for (const auto& row : names) {
    if (row.value == value) return std::string(row.name);
  }
  // Reads back as an error.
  return "";
}

template <typename Enum, size_t N>
Enum ReadEnum(JsonReader& reader, std::string_view field, const EnumName<Enum> (&names)[N]) {
  const std::string name = reader.String(field);
  for (const auto& row : names) {
    if (row.name == name) return row.value;
  }
  reader.Fail(field, "not a known value");
  return names[0].value;
}

json WriteScopes(ScopeSet scopes) {
  json names = json::array();
  for (Scope scope : scopes.ToVector()) names.push_back(std::string(ScopeName(scope)));
  return names;
}

ScopeSet ReadScopes(JsonReader& reader, std::string_view field) {
  ScopeSet scopes;
  for (const json& name : reader.Array(field, kScopeCount)) {
    const absl::StatusOr<Scope> scope =
        name.is_string() ? ParseScope(name.get_ref<const std::string&>())
                         : absl::InvalidArgumentError("must be a list of strings");
    if (!scope.ok()) {
      const absl::string_view message = scope.status().message();
      reader.Fail(field, {message.data(), message.size()});
      return {};
    }
    scopes.Add(*scope);
  }
  return scopes;
}

std::vector<std::string> ReadStrings(JsonReader& reader, std::string_view field, size_t size_max) {
  std::vector<std::string> strings;
  for (const json& item : reader.Array(field, size_max)) {
    if (!item.is_string()) {
      reader.Fail(field, "must be a list of strings");
      return {};
    }
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

std::vector<uint32_t> ReadPlaces(JsonReader& reader, std::string_view field, size_t size_max) {
  std::vector<uint32_t> places;
  for (const json& item : reader.Array(field, size_max)) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() >= size_max) {
      reader.Fail(field, "must be a list of places in the question's list");
      return {};
    }
    places.push_back(item.get<uint32_t>());
  }
  return places;
}

template <size_t N>
json WriteHex(const std::array<uint8_t, N>& bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <size_t N>
std::array<uint8_t, N> ReadHex(JsonReader& reader, std::string_view field) {
  std::array<uint8_t, N> bytes{};
  const std::string hex = reader.String(field);
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (hex.size() != 2 * N || !digits) {
    reader.Fail(field, "must be lower-case hex of the right length");
    return bytes;
  }
  const std::string raw = absl::HexStringToBytes(hex);
  std::copy(raw.begin(), raw.end(), bytes.begin());
  return bytes;
}

// Infinite times are null.
json WriteTime(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return nullptr;
  return absl::ToUnixSeconds(time);
}

absl::Time ReadTime(JsonReader& reader, std::string_view field, absl::Time infinite) {
  const json* value = reader.Field(field);
  if (value == nullptr || value->is_null()) return infinite;
  return absl::FromUnixSeconds(reader.Integer(field, 0, kUnixSecondsMax));
}

// Names are valid UTF-8 already; should one not be, it is not worth a crash, and does not read
// back.
std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<json> Parse(std::string_view text) {
  if (text.size() > kConsentJsonBytesMax) return absl::InvalidArgumentError("too long");
  // Deep nesting would exhaust the stack when it is taken apart; ours is three deep.
  constexpr int kDepthMax = 5;
  bool too_deep = false;
  const auto bound_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) too_deep = true;
    return !too_deep;
  };
  json value = json::parse(text, bound_depth, /*allow_exceptions=*/false);
  if (too_deep || value.is_discarded()) return absl::InvalidArgumentError("not JSON of this kind");
  return value;
}

template <typename T>
absl::StatusOr<T> CanonicalOnly(T value, const JsonReader& reader, std::string_view text) {
  if (!reader.ok()) return reader.status();
  if (ToJson(value) != text) return absl::InvalidArgumentError("not in canonical form");
  return value;
}

Sha256 HashOf(const std::string& text) {
  Sha256 digest;
  SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace

std::string ToJson(const ConsentQuestion& question) {
  json accounts = json::array();
  for (const OfferedAccount& account : question.accounts) {
    accounts.push_back(
        {{"id", WriteHex(account.id.bytes)}, {"name", account.name}, {"network", account.network}});
  }
  json chats = json::array();
  for (const OfferedChat& chat : question.chats) {
    chats.push_back({{"account", chat.account},
                     {"id", WriteHex(chat.id.bytes)},
                     {"name", chat.name},
                     {"type", NameOf(kChatTypes, chat.type)}});
  }
  return Dump({{"accounts", std::move(accounts)},
               {"app_id", question.app_id},
               {"chats", std::move(chats)},
               {"claimed_name", question.claimed_name},
               {"destination", NameOf(kDestinations, question.destination.kind)},
               {"destination_service", question.destination.service},
               {"kind", NameOf(kQuestionKinds, question.kind)},
               {"known_name", question.known_name},
               {"looks_like", question.looks_like},
               {"mixed_script", question.mixed_script},
               {"networks", question.networks},
               {"optional_scopes", WriteScopes(question.optional_scopes)},
               {"principal", question.principal.ToHex()},
               {"purpose", question.purpose},
               {"question_id", question.question_id},
               {"required_scopes", WriteScopes(question.required_scopes)},
               {"role", NameOf(kRoles, question.role)},
               {"software_version", question.software_version},
               {"timeout_seconds", absl::ToInt64Seconds(question.timeout)}});
}

absl::StatusOr<ConsentQuestion> QuestionFromJson(std::string_view text) {
  const absl::StatusOr<json> value = Parse(text);
  if (!value.ok()) return value.status();
  JsonReader reader(*value);
  ConsentQuestion question;
  question.question_id = reader.String("question_id");
  question.kind = ReadEnum(reader, "kind", kQuestionKinds);
  question.principal.sha256 = ReadHex<32>(reader, "principal");
  question.claimed_name = reader.String("claimed_name");
  question.purpose = reader.String("purpose");
  question.app_id = reader.String("app_id");
  question.software_version = reader.String("software_version");
  question.role = ReadEnum(reader, "role", kRoles);
  question.required_scopes = ReadScopes(reader, "required_scopes");
  question.optional_scopes = ReadScopes(reader, "optional_scopes");
  question.destination.kind = ReadEnum(reader, "destination", kDestinations);
  question.destination.service = reader.String("destination_service");
  question.networks = ReadStrings(reader, "networks", kNetworksMax);
  question.known_name = reader.String("known_name");
  question.looks_like = ReadStrings(reader, "looks_like", kLooksLikeMax);
  question.mixed_script = reader.Bool("mixed_script");
  question.timeout = absl::Seconds(reader.Integer("timeout_seconds", 1, kTimeoutSecondsMax));
  for (const json& item : reader.Array("accounts", kOfferedAccountsMax)) {
    JsonReader account(item);
    question.accounts.push_back(
        {AccountId{ReadHex<16>(account, "id")}, account.String("name"), account.String("network")});
    if (!account.ok()) return account.status();
  }
  for (const json& item : reader.Array("chats", kOfferedChatsMax)) {
    JsonReader chat(item);
    OfferedChat offered;
    offered.id = ChatId{ReadHex<16>(chat, "id")};
    offered.account = static_cast<uint32_t>(chat.Integer("account", 0, kOfferedAccountsMax));
    offered.name = chat.String("name");
    offered.type = ReadEnum(chat, "type", kChatTypes);
    if (offered.account >= question.accounts.size()) chat.Fail("account", "no such account");
    if (!chat.ok()) return chat.status();
    question.chats.push_back(std::move(offered));
  }
  return CanonicalOnly(std::move(question), reader, text);
}

std::string ToJson(const ConsentAnswer& answer) {
  return Dump({{"accounts", answer.accounts},
               {"chat_choice", NameOf(kChatChoices, answer.chat_choice)},
               {"chats", answer.chats},
               {"decision", NameOf(kDecisions, answer.decision)},
               {"executable", answer.executable},
               {"expire_time", WriteTime(answer.validity.expire_time)},
               {"given_name", answer.given_name},
               {"history_start_time", WriteTime(answer.history_start_time)},
               {"only_while_unlocked", answer.only_while_unlocked},
               {"origin", answer.origin},
               {"question_id", answer.question_id},
               {"question_sha256", WriteHex(answer.question_sha256)},
               {"scopes", WriteScopes(answer.scopes)},
               {"validity", NameOf(kValidityKinds, answer.validity.kind)}});
}

absl::StatusOr<ConsentAnswer> AnswerFromJson(std::string_view text) {
  const absl::StatusOr<json> value = Parse(text);
  if (!value.ok()) return value.status();
  JsonReader reader(*value);
  ConsentAnswer answer;
  answer.question_id = reader.String("question_id");
  answer.question_sha256 = ReadHex<32>(reader, "question_sha256");
  answer.decision = ReadEnum(reader, "decision", kDecisions);
  answer.executable = reader.String("executable");
  answer.origin = reader.String("origin");
  answer.given_name = reader.String("given_name");
  answer.scopes = ReadScopes(reader, "scopes");
  answer.chat_choice = ReadEnum(reader, "chat_choice", kChatChoices);
  answer.chats = ReadPlaces(reader, "chats", kOfferedChatsMax);
  answer.accounts = ReadPlaces(reader, "accounts", kOfferedAccountsMax);
  answer.validity.kind = ReadEnum(reader, "validity", kValidityKinds);
  answer.validity.expire_time = ReadTime(reader, "expire_time", absl::InfiniteFuture());
  answer.history_start_time = ReadTime(reader, "history_start_time", absl::InfinitePast());
  answer.only_while_unlocked = reader.Bool("only_while_unlocked");
  return CanonicalOnly(std::move(answer), reader, text);
}

Sha256 Sha256Of(const ConsentQuestion& question) { return HashOf(ToJson(question)); }
Sha256 Sha256Of(const ConsentAnswer& answer) { return HashOf(ToJson(answer)); }

}  // namespace postern::permissions
