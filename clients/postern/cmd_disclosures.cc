// SPDX-License-Identifier: Apache-2.0
// `postern disclosures`: which apps see which chats, and who is told of it.
#include <absl/strings/str_cat.h>

#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/pick.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  std::string chat;
  // `postern disclosures policy`.
  CLI::App* policy = nullptr;
  std::string account;
  std::string when;
};

std::string AppText(const v1::DisclosedApp& app) {
  std::string text = app.display_name();
  if (app.metadata_only()) absl::StrAppend(&text, " [only who and when]");
  if (app.may_write()) absl::StrAppend(&text, " [may write]");
  if (!app.service().empty()) absl::StrAppend(&text, " -> ", app.service());
  return text;
}

const char* PolicyText(v1::NoticePolicy policy) {
  switch (policy) {
    case v1::NOTICE_POLICY_OFF:
      return "off";
    case v1::NOTICE_POLICY_ALWAYS:
      return "always";
    default:
      return "leaving";
  }
}

// What is so now, of all accounts or of one.
ExitCode ShowPolicies(Context& context, const std::vector<v1::Account>& accounts,
                      const Owner::NoticePolicies& policies) {
  if (context.json) {
    v1::ListOwnedAccountsResponse response;
    for (const v1::Account& account : accounts) {
      *response.add_accounts() = account;
      if (const auto policy = policies.find(account.id()); policy != policies.end()) {
        (*response.mutable_notice_policies())[account.id()] = policy->second;
      }
    }
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"ACCOUNT", "NAME", "NETWORK", "POLICY", "THE OTHER PEOPLE ARE TOLD"});
  for (const v1::Account& account : accounts) {
    const auto found = policies.find(account.id());
    const v1::NoticePolicy policy =
        found == policies.end() ? v1::NOTICE_POLICY_WHEN_LEAVING : found->second;
    table.AddRow({ShortId(account.id()), account.display_name(), account.network(),
                  PolicyText(policy),
                  policy == v1::NOTICE_POLICY_OFF      ? "nothing"
                  : policy == v1::NOTICE_POLICY_ALWAYS ? "of each app that sees their chat"
                                                       : "of apps that take text off this device"});
  }
  if (table.empty()) {
    context.out.Line("There are no accounts here yet.");
  } else {
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

ExitCode RunPolicy(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  Owner::NoticePolicies policies;
  const auto accounts = (*owner)->ListAccounts(&policies);
  if (!accounts.ok()) return Fail(context, accounts.status(), Caller::kOwner);
  if (options.account.empty()) return ShowPolicies(context, *accounts, policies);
  std::vector<Candidate> candidates;
  for (const v1::Account& account : *accounts) {
    candidates.push_back(
        {account.id(), {account.display_name(), account.network(), account.address()}});
  }
  const auto index = Pick(candidates, options.account, "account");
  if (!index.ok()) return Fail(context, index.status(), Caller::kOwner);
  if (options.when.empty()) return ShowPolicies(context, {(*accounts)[*index]}, policies);
  const v1::NoticePolicy policy = options.when == "off"      ? v1::NOTICE_POLICY_OFF
                                  : options.when == "always" ? v1::NOTICE_POLICY_ALWAYS
                                                             : v1::NOTICE_POLICY_WHEN_LEAVING;
  const auto response = (*owner)->SetNoticePolicy((*accounts)[*index].id(), policy);
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  const std::string name = VisibleText((*accounts)[*index].display_name());
  const char* told = policy == v1::NOTICE_POLICY_OFF ? "The other people are not told of apps."
                     : policy == v1::NOTICE_POLICY_ALWAYS
                         ? "The other people are told of each app that sees their chat."
                         : "The other people are told of apps that take text off this device.";
  context.out.Line(absl::StrCat("“", name, "”: ", told));
  return ExitCode::kOk;
}

ExitCode RunDisclosures(Context& context, const Options& options) {
  if (options.policy->parsed()) return RunPolicy(context, options);
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  auto disclosures = (*owner)->ListDisclosures();
  if (!disclosures.ok()) return Fail(context, disclosures.status(), Caller::kOwner);
  if (!options.chat.empty()) {
    const auto chat = (*owner)->FindChat(options.chat);
    if (!chat.ok()) return Fail(context, chat.status(), Caller::kOwner);
    std::erase_if(*disclosures, [&](const v1::ChatDisclosure& disclosure) {
      return disclosure.chat_id() != chat->id();
    });
  }
  if (context.json) {
    v1::ListDisclosuresResponse response;
    response.mutable_disclosures()->Assign(disclosures->begin(), disclosures->end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"CHAT", "NAME", "APPS THAT SEE IT", "PEOPLE TOLD", "POLICY"});
  for (const v1::ChatDisclosure& disclosure : *disclosures) {
    std::string apps;
    for (const v1::DisclosedApp& app : disclosure.apps()) {
      absl::StrAppend(&apps, apps.empty() ? "" : ", ", AppText(app));
    }
    table.AddRow({ShortId(disclosure.chat_id()), disclosure.name(), apps.empty() ? "none" : apps,
                  disclosure.notice_posted() ? "yes" : "no",
                  PolicyText(disclosure.notice_policy())});
  }
  if (table.empty()) {
    context.out.Line("No app can see any chat.");
  } else {
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddDisclosures(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* disclosures =
      line.AddCommand(line.root(),
                      {.name = "disclosures",
                       .summary = "Which apps see which chats, and whether the people are told",
                       .more = {},
                       .examples = {"postern disclosures", "postern disclosures --chat Family",
                                    "postern disclosures policy xmpp always"}},
                      [options](Context& context) { return RunDisclosures(context, *options); });
  disclosures->add_option("--chat", options->chat, "Only this chat, by name or id");
  options->policy = line.AddCommand(
      disclosures,
      {.name = "policy",
       .summary = "Show or set when the other people in an account's chats are told of apps",
       .more = "The notice goes out as your own message, encrypted as those are, once for each\n"
               "change. leaving: when an app takes text off this device; this is so by default.",
       .examples = {"postern disclosures policy", "postern disclosures policy xmpp off",
                    "postern disclosures policy 'Alice' always"}},
      [options](Context& context) { return RunPolicy(context, *options); });
  options->policy->add_option("ACCOUNT", options->account, "The account, by name, network or id");
  options->policy
      ->add_option("WHEN", options->when, "off, leaving or always; none shows what is so")
      ->check(CLI::IsMember({"off", "leaving", "always"}));
}

}  // namespace postern::cli
