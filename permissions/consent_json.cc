// SPDX-License-Identifier: Apache-2.0
// The canonical JSON of questions and answers (consent_question.h). Reading ends with writing
// again: only a text that comes out the same, byte for byte, is taken. That refuses double and
// unknown fields, other spacings and other orders in one stroke.
#include <openssl/sha.h>

#include <algorithm>
#include <functional>

#include "permissions/canonical_json.h"
#include "permissions/consent_question.h"

namespace postern::permissions {
namespace {

constexpr size_t kNetworksMax = 16;
constexpr size_t kLooksLikeMax = 1000;
constexpr int64_t kTimeoutSecondsMax = 24 * 60 * 60;

constexpr EnumName<QuestionKind> kQuestionKinds[] = {
    {QuestionKind::kEnrollApp, "enroll_app"},
    {QuestionKind::kEnrollGatekeeper, "enroll_gatekeeper"},
    {QuestionKind::kWidenGrant, "widen_grant"},
    {QuestionKind::kExtendGrant, "extend_grant"},
    {QuestionKind::kSendMessage, "send_message"},
    {QuestionKind::kUnseal, "unseal"},
    {QuestionKind::kExport, "export"},
    {QuestionKind::kPurge, "purge"},
    {QuestionKind::kView, "view"}};
constexpr EnumName<Role> kRoles[] = {
    {Role::kApp, "app"}, {Role::kGatekeeper, "gatekeeper"}, {Role::kOwner, "owner"}};
constexpr EnumName<DestinationKind> kDestinations[] = {
    {DestinationKind::kStaysOnDevice, "stays_on_device"},
    {DestinationKind::kLeavesDevice, "leaves_device"}};
constexpr EnumName<ChatType> kChatTypes[] = {
    {ChatType::kUnknown, "unknown"}, {ChatType::kDirect, "direct"}, {ChatType::kGroup, "group"}};
constexpr EnumName<ConsentDecision> kDecisions[] = {{ConsentDecision::kAllow, "allow"},
                                                    {ConsentDecision::kRefuse, "refuse"},
                                                    {ConsentDecision::kExpired, "expired"},
                                                    {ConsentDecision::kDraft, "draft"}};
constexpr EnumName<ChatChoice> kChatChoices[] = {{ChatChoice::kListed, "listed"},
                                                 {ChatChoice::kAllExisting, "all_existing"},
                                                 {ChatChoice::kAllAndNew, "all_and_new"}};
constexpr EnumName<ValidityKind> kValidityKinds[] = {
    {ValidityKind::kOnce, "once"},
    {ValidityKind::kWhileRunning, "while_running"},
    {ValidityKind::kUntil, "until"},
    {ValidityKind::kUntilRevoked, "until_revoked"}};
constexpr EnumName<ChatKinds> kChatKindNames[] = {
    {ChatKinds::kBoth, "both"}, {ChatKinds::kDirect, "direct"}, {ChatKinds::kGroup, "group"}};
constexpr EnumName<People> kPeopleNames[] = {
    {People::kAll, "all"}, {People::kContacts, "contacts"}, {People::kStrangers, "strangers"}};

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
               {"asked_chats", question.asked_chats},
               {"chats", std::move(chats)},
               {"claimed_name", question.claimed_name},
               {"destination", NameOf(kDestinations, question.destination.kind)},
               {"destination_service", question.destination.service},
               {"held_scopes", WriteScopes(question.held_scopes)},
               {"held_until", WriteTime(question.held_until)},
               {"kind", NameOf(kQuestionKinds, question.kind)},
               {"known_name", question.known_name},
               {"looks_like", question.looks_like},
               {"message_text", question.message_text},
               {"mixed_script", question.mixed_script},
               {"networks", question.networks},
               {"optional_scopes", WriteScopes(question.optional_scopes)},
               {"principal", question.principal.ToHex()},
               {"purpose", question.purpose},
               {"question_id", question.question_id},
               {"required_scopes", WriteScopes(question.required_scopes)},
               {"role", NameOf(kRoles, question.role)},
               {"software_version", question.software_version},
               {"subject", question.subject},
               {"subject_objected", question.subject_objected},
               {"systemd_unit", question.systemd_unit},
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
  question.subject = reader.String("subject");
  question.subject_objected = reader.Bool("subject_objected");
  question.message_text = reader.String("message_text");
  if (question.message_text.size() > kQuestionTextBytesMax) reader.Fail("message_text", "too long");
  question.systemd_unit = reader.String("systemd_unit");
  if (!question.systemd_unit.empty() && !IsUnitName(question.systemd_unit)) {
    reader.Fail("systemd_unit", "must be the name of a .service unit");
  }
  question.held_scopes = ReadScopes(reader, "held_scopes");
  question.held_until = ReadTime(reader, "held_until", absl::InfiniteFuture());
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
  question.asked_chats = ReadPlaces(reader, "asked_chats", question.chats.size());
  if (std::adjacent_find(question.asked_chats.begin(), question.asked_chats.end(),
                         std::greater_equal<>()) != question.asked_chats.end()) {
    reader.Fail("asked_chats", "must ascend");
  }
  return CanonicalOnly(std::move(question), reader, text);
}

std::string ToJson(const ConsentAnswer& answer) {
  return Dump({{"accounts", answer.accounts},
               {"chat_choice", NameOf(kChatChoices, answer.chat_choice)},
               {"chat_kinds", NameOf(kChatKindNames, answer.chat_kinds)},
               {"chats", answer.chats},
               {"decision", NameOf(kDecisions, answer.decision)},
               {"excluded_chats", answer.excluded_chats},
               {"executable", answer.executable},
               {"expire_time", WriteTime(answer.validity.expire_time)},
               {"given_name", answer.given_name},
               {"history_start_time", WriteTime(answer.history_start_time)},
               {"may_start", answer.may_start},
               {"only_while_unlocked", answer.only_while_unlocked},
               {"origin", answer.origin},
               {"people", NameOf(kPeopleNames, answer.people)},
               {"question_id", answer.question_id},
               {"question_sha256", WriteHex(answer.question_sha256)},
               {"scopes", WriteScopes(answer.scopes)},
               {"sends_per_hour", answer.sends_per_hour},
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
  answer.excluded_chats = ReadPlaces(reader, "excluded_chats", kOfferedChatsMax);
  answer.chat_kinds = ReadEnum(reader, "chat_kinds", kChatKindNames);
  answer.people = ReadEnum(reader, "people", kPeopleNames);
  answer.validity.kind = ReadEnum(reader, "validity", kValidityKinds);
  answer.validity.expire_time = ReadTime(reader, "expire_time", absl::InfiniteFuture());
  answer.history_start_time = ReadTime(reader, "history_start_time", absl::InfinitePast());
  answer.may_start = reader.Bool("may_start");
  answer.only_while_unlocked = reader.Bool("only_while_unlocked");
  answer.sends_per_hour =
      static_cast<uint32_t>(reader.Integer("sends_per_hour", 0, kSendsPerHourMax));
  return CanonicalOnly(std::move(answer), reader, text);
}

Sha256 Sha256Of(const ConsentQuestion& question) { return HashOf(ToJson(question)); }
Sha256 Sha256Of(const ConsentAnswer& answer) { return HashOf(ToJson(answer)); }

}  // namespace postern::permissions
