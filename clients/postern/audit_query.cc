// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/audit_query.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <set>

#include "clients/postern/pick.h"
#include "clients/postern/time_text.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

constexpr char kVerbPrefix[] = "ACCESS_VERB_";

std::set<std::string> AllVerbNames() {
  std::set<std::string> names;
  for (int number = v1::AccessVerb_MIN; number <= v1::AccessVerb_MAX; ++number) {
    if (number == v1::ACCESS_VERB_UNSPECIFIED || !v1::AccessVerb_IsValid(number)) continue;
    names.insert(VerbName(static_cast<v1::AccessVerb>(number)));
  }
  return names;
}

}  // namespace

void AuditFilter::AddTo(CLI::App& command) {
  command.add_option("--app", app, "Only this app, by name, app id or principal");
  command.add_option("--chat", chat, "Only this chat, by name or id");
  command.add_option("--verb", verbs, "Only what was done so; may be repeated")
      ->allow_extra_args(false)
      ->check(CLI::IsMember(AllVerbNames()));
  command.add_option("--since", since,
                     "From then on: 30min, 12h or 7d ago, 2026-12-31, or RFC 3339");
  command.add_option("--until", until, "Before then; written as --since");
}

absl::StatusOr<v1::ListAccessHistoryRequest> AuditFilter::Request(Owner& owner) const {
  v1::ListAccessHistoryRequest request;
  const absl::Time now = absl::Now();
  if (!since.empty()) {
    ASSIGN_OR_RETURN(const absl::Time time, ParsePastTime(since, now));
    *request.mutable_start_time() = ToTimestamp(time);
  }
  if (!until.empty()) {
    ASSIGN_OR_RETURN(const absl::Time time, ParsePastTime(until, now));
    *request.mutable_end_time() = ToTimestamp(time);
  }
  for (const std::string& name : verbs) {
    v1::AccessVerb verb = v1::ACCESS_VERB_UNSPECIFIED;
    if (!v1::AccessVerb_Parse(absl::StrCat(kVerbPrefix, absl::AsciiStrToUpper(name)), &verb)) {
      return absl::InvalidArgumentError(absl::StrCat("There is no verb “", name, "”."));
    }
    request.add_verbs(verb);
  }
  if (!app.empty()) {
    ASSIGN_OR_RETURN(const v1::App found, owner.FindAnyApp(app));
    request.set_principal(found.principal());
  }
  if (!chat.empty()) {
    ASSIGN_OR_RETURN(const v1::Chat found, owner.FindChat(chat));
    request.set_chat_id(found.id());
  }
  return request;
}

std::string VerbName(v1::AccessVerb verb) {
  return absl::AsciiStrToLower(v1::AccessVerb_Name(verb).substr(sizeof(kVerbPrefix) - 1));
}

std::string_view VerbText(v1::AccessVerb verb) {
  switch (verb) {
    case v1::ACCESS_VERB_READ:
      return "read";
    case v1::ACCESS_VERB_SEND:
      return "sent a message";
    case v1::ACCESS_VERB_WRITE:
      return "wrote";
    case v1::ACCESS_VERB_REFUSED:
      return "was refused";
    case v1::ACCESS_VERB_ASKED:
      return "you were asked";
    case v1::ACCESS_VERB_GRANTED:
      return "you allowed";
    case v1::ACCESS_VERB_DENIED:
      return "you did not allow";
    case v1::ACCESS_VERB_NARROWED:
      return "grant narrowed";
    case v1::ACCESS_VERB_REVOKED:
      return "taken back";
    case v1::ACCESS_VERB_SUSPENDED:
      return "suspended";
    case v1::ACCESS_VERB_RESUMED:
      return "in force again";
    case v1::ACCESS_VERB_SEALED:
      return "sealed";
    case v1::ACCESS_VERB_UNSEALED:
      return "seal opened";
    case v1::ACCESS_VERB_EXPORTED:
      return "exported";
    case v1::ACCESS_VERB_CONNECTED:
      return "was here";
    case v1::ACCESS_VERB_WITHHELD:
      return "was kept from";
    default:
      return "did something newer than this program";
  }
}

absl::StatusOr<std::map<std::string, std::string>> ChatNames(Owner& owner) {
  ASSIGN_OR_RETURN(const std::vector<v1::Chat> chats, owner.ListChats());
  std::map<std::string, std::string> names;
  for (const v1::Chat& chat : chats) names[chat.id()] = chat.name();
  return names;
}

}  // namespace postern::cli
