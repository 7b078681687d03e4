// SPDX-License-Identifier: Apache-2.0
// What a script says about people and the account, and what it lets go wrong.
#include <absl/strings/str_cat.h>

#include <utility>

#include "clients/gatekeepers/demo/script_parser.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr int64_t kSecondsMax = 10LL * 365 * 24 * 3600;
constexpr int64_t kCountMax = 1'000'000;
constexpr int64_t kFaultCountMax = 1000;

}  // namespace

absl::Status ScriptParser::Person() {
  if (words_.size() != 3 && words_.size() != 4) {
    return Invalid("usage: person ID \"Name\" [LANGUAGE]");
  }
  if (!script_.people.emplace(words_[1], words_[2]).second) {
    return Invalid("this person is there already");
  }
  v1::Contact& contact = contacts_[words_[1]];
  contact.set_id(words_[1]);
  contact.set_display_name(words_[2]);
  contact.add_addresses(absl::StrCat("alicechat:", words_[1]));
  contact.set_in_address_book(true);
  Step step;
  *step.event.mutable_contact_changed()->mutable_contact() = contact;
  script_.setup.push_back(std::move(step));
  return absl::OkStatus();
}

absl::Status ScriptParser::EmitPresence(v1::Presence::State state, const std::string& words) {
  v1::Event event;
  v1::Presence& presence = *event.mutable_presence();
  presence.set_contact_id(person_);
  presence.set_state(state);
  if (Has("seen")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("seen"), 0, kSecondsMax));
    presence.mutable_last_seen_time()->set_seconds(-seconds);
  }
  Emit(std::move(event), absl::StrCat(where_, " is ", words));
  return absl::OkStatus();
}

absl::Status ScriptParser::Online() { return EmitPresence(v1::Presence::STATE_ONLINE, "online"); }
absl::Status ScriptParser::Away() { return EmitPresence(v1::Presence::STATE_AWAY, "away"); }
absl::Status ScriptParser::Offline() {
  return EmitPresence(v1::Presence::STATE_OFFLINE, "offline");
}

absl::Status ScriptParser::ContactIs() {
  if (person_ == kSelf) return Invalid("'you' is not a contact of yours");
  v1::Contact& contact = contacts_[person_];
  contact.set_display_name(words_[0]);
  script_.people[person_] = words_[0];
  contact.set_is_bot(Has("bot"));
  contact.set_blocked(Has("blocked"));
  contact.set_in_address_book(!Has("stranger"));
  if (Has("address")) contact.add_addresses(Option("address"));
  if (Has("picture")) {
    ASSIGN_OR_RETURN(
        const v1::Attachment picture,
        MakeFile(absl::StrCat("person:", person_), "picture.jpg", "image/jpeg", Option("picture")));
    contact.set_avatar_attachment_id(picture.id());
  }
  v1::Event event;
  *event.mutable_contact_changed()->mutable_contact() = contact;
  Emit(std::move(event), absl::StrCat(where_, " is ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Key() {
  static const std::map<std::string, v1::IdentityChanged::Kind> kKinds = {
      {"verified", v1::IdentityChanged::KIND_VERIFIED},
      {"unverified", v1::IdentityChanged::KIND_UNVERIFIED},
      {"new_device", v1::IdentityChanged::KIND_NEW_DEVICE}};
  const auto kind = kKinds.find(words_[0]);
  if (kind == kKinds.end()) return Invalid("a key is verified, unverified or new_device");
  v1::Event event;
  event.mutable_identity_changed()->set_contact_id(person_);
  event.mutable_identity_changed()->set_kind(kind->second);
  Emit(std::move(event), absl::StrCat("⚠ The keys of ", script_.people[person_], ": ", words_[0]));
  return absl::OkStatus();
}

absl::Status ScriptParser::AccountIs() {
  static const std::map<std::string, v1::AccountState> kStates = {
      {"online", v1::ACCOUNT_STATE_ONLINE},
      {"connecting", v1::ACCOUNT_STATE_CONNECTING},
      {"offline", v1::ACCOUNT_STATE_OFFLINE},
      {"logged_out", v1::ACCOUNT_STATE_LOGGED_OUT}};
  const auto state = kStates.find(words_[0]);
  if (state == kStates.end()) {
    return Invalid("an account is online, connecting, offline or logged_out");
  }
  v1::Event event;
  event.mutable_account_state_changed()->set_state(state->second);
  if (words_.size() == 2) event.mutable_account_state_changed()->set_reason(words_[1]);
  Emit(std::move(event), absl::StrCat("AliceChat is ", words_[0]));
  return absl::OkStatus();
}

// lost [COUNT] [since=SECONDS]
absl::Status ScriptParser::Lost() {
  v1::Event event;
  v1::Gap& gap = *event.mutable_gap();
  gap.set_cause(v1::Gap::CAUSE_GATEKEEPER);
  if (!words_.empty()) {
    ASSIGN_OR_RETURN(const int64_t count, Number(words_[0], 0, kCountMax));
    gap.set_event_count(static_cast<uint64_t>(count));
  }
  if (Has("since")) {
    ASSIGN_OR_RETURN(const int64_t seconds, Number(Option("since"), 0, kSecondsMax));
    gap.mutable_start_time()->set_seconds(-seconds);
    gap.mutable_end_time();
  }
  Emit(std::move(event), "AliceChat lost something and says so");
  return absl::OkStatus();
}

absl::Status ScriptParser::Unsupported() {
  v1::Event event;
  event.mutable_unsupported()->set_network_kind(words_[0]);
  event.mutable_unsupported()->set_fallback_text(words_[1]);
  Emit(std::move(event), absl::StrCat(where_, ": ", words_[1]));
  return absl::OkStatus();
}

absl::Status ScriptParser::Brought() {
  v1::Event event;
  v1::BackfillProgress& progress = *event.mutable_backfill_progress();
  progress.set_request_id(words_[0]);
  ASSIGN_OR_RETURN(const int64_t count, Number(words_[1], 0, kCountMax));
  progress.set_messages(static_cast<uint32_t>(count));
  progress.set_complete(Has("complete"));
  Emit(std::move(event),
       absl::StrCat("[", script_.chats[chat_id_], "] ", count, " older messages"));
  return absl::OkStatus();
}

absl::Status ScriptParser::FaultIs() {
  Step step;
  step.delay = delay_;
  ASSIGN_OR_RETURN(step.fault, FaultNamed(words_[0]));
  int64_t count = 1;
  if (words_.size() == 2) {
    ASSIGN_OR_RETURN(count, Number(words_[1], 1, kFaultCountMax));
  }
  step.fault_count = static_cast<int>(count);
  if (past_) return Invalid("a fault happens, it did not happen");
  script_.steps.push_back(std::move(step));
  return absl::OkStatus();
}

}  // namespace postern::demo
