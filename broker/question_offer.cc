// SPDX-License-Identifier: Apache-2.0
#include "broker/question_offer.h"

#include <absl/strings/str_join.h>

#include <algorithm>
#include <string>
#include <vector>

#include "broker/event_intake.h"
#include "permissions/display_text.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ConsentQuestion;
using permissions::QuestionKind;

void WarnOfNames(ConsentQuestion& question, const AppRegistry& apps) {
  std::vector<std::string> others;
  for (const AppPointer& app : apps.All()) {
    if (app->principal == question.principal) {
      question.known_name = app->app.display_name();
    } else if (app->standing == Standing::kApp || app->standing == Standing::kGatekeeper) {
      others.push_back(app->app.display_name());
    }
  }
  if (question.claimed_name.empty()) return;  // the owner's own question
  question.looks_like = permissions::LooksLike(question.claimed_name, others);
  question.mixed_script = permissions::IsMixedScript(question.claimed_name);
}

void OfferAccounts(ConsentQuestion& question, const Directory& directory) {
  for (const v1::Account& account : directory.Accounts()) {
    if (question.accounts.size() >= permissions::kOfferedAccountsMax) break;
    question.accounts.push_back({IdFromText<permissions::AccountId>(account.id()),
                                 permissions::CleanName(account.display_name()),
                                 account.network()});
  }
}

void OfferChats(ConsentQuestion& question, std::span<const ChatId> asked_chats,
                const Directory& directory) {
  const auto asked = [&](const v1::Chat& chat) {
    return std::find(asked_chats.begin(), asked_chats.end(), IdFromText<ChatId>(chat.id())) !=
           asked_chats.end();
  };
  std::vector<v1::Chat> chats = directory.Chats();
  if (!asked_chats.empty()) std::stable_partition(chats.begin(), chats.end(), asked);
  for (const v1::Chat& chat : chats) {
    if (question.chats.size() >= permissions::kOfferedChatsMax) break;
    const auto account = IdFromText<permissions::AccountId>(chat.account_id());
    const auto place = std::find_if(
        question.accounts.begin(), question.accounts.end(),
        [&](const permissions::OfferedAccount& offered) { return offered.id == account; });
    if (place == question.accounts.end()) continue;
    // What no grant reaches is not offered.
    if (directory.FactsOf(account, IdFromText<ChatId>(chat.id())).sealed) continue;
    if (asked(chat)) question.asked_chats.push_back(static_cast<uint32_t>(question.chats.size()));
    question.chats.push_back({IdFromText<ChatId>(chat.id()),
                              static_cast<uint32_t>(place - question.accounts.begin()),
                              permissions::CleanName(chat.name()),
                              chat.kind() == v1::CHAT_KIND_GROUP ? permissions::ChatType::kGroup
                                                                 : permissions::ChatType::kDirect});
  }
}

permissions::ScopeSet HeldScopes(const AppSnapshot& app) {
  permissions::ScopeSet held;
  for (const permissions::Grant& grant : app.grants) {
    if (grant.state == permissions::GrantState::kActive) held = held.Union(grant.scopes);
  }
  return held;
}

}  // namespace

void FillIn(ConsentQuestion& question, std::span<const ChatId> asked_chats, const AppRegistry& apps,
            const Directory& directory) {
  WarnOfNames(question, apps);
  if (!permissions::AsksForAccess(question.kind)) return;
  OfferAccounts(question, directory);
  OfferChats(question, asked_chats, directory);
  if (question.kind == QuestionKind::kWidenGrant) {
    const AppPointer app = apps.Find(question.principal);
    question.held_scopes = HeldScopes(*app);
    // As it said when it enrolled.
    question.systemd_unit = app->app.systemd_unit();
  }
}

void DescribeApp(const v1::App& app, ConsentQuestion& question) {
  question.principal = permissions::Principal::FromHex(app.principal());
  question.claimed_name = app.claimed_name();
  question.app_id = app.app_id();
  question.purpose = app.purpose();
  question.destination = {static_cast<permissions::DestinationKind>(app.data_destination().kind()),
                          app.data_destination().service()};
}

ConsentQuestion ExtensionQuestion(const permissions::Grant& grant, const AppSnapshot& app,
                                  const Directory& directory, absl::Time now) {
  ConsentQuestion question;
  question.kind = QuestionKind::kExtendGrant;
  DescribeApp(app.app, question);
  question.held_scopes = grant.scopes;
  const bool with_connection = grant.validity.kind == permissions::ValidityKind::kOnce ||
                               grant.validity.kind == permissions::ValidityKind::kWhileRunning;
  // What ends with a connection may end at any moment: every later end is an extension.
  question.held_until = with_connection ? now : grant.validity.expire_time;
  if (question.held_until != absl::InfiniteFuture()) {
    question.held_until = absl::FromUnixSeconds(absl::ToInt64Seconds(
        absl::Ceil(question.held_until - absl::UnixEpoch(), absl::Seconds(1))));
  }
  std::vector<std::string> names;
  for (const v1::Chat& chat : directory.Chats()) {
    if (grant.selection.included_chats.contains(IdFromText<ChatId>(chat.id()))) {
      names.push_back(permissions::CleanName(chat.name()));
    }
  }
  std::sort(names.begin(), names.end());
  if (!names.empty()) question.subject = permissions::CleanName(absl::StrJoin(names, ", "));
  return question;
}

}  // namespace postern::broker
