// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <map>
#include <memory>

#include "clients/owner/grant_state.h"
#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "clients/sdk/manifest.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

void PrintChats(const std::string& label,
                const google::protobuf::RepeatedPtrField<std::string>& ids,
                const std::map<std::string, std::string>& names, Terminal& out) {
  for (const std::string& id : ids) {
    const auto name = names.find(id);
    out.Line(
        absl::StrCat("  ", label, id, "  ", name == names.end() ? "" : VisibleText(name->second)));
  }
}

// The accounts and networks, by name where the owner has one for them.
std::string PlacesText(const v1::Selection& selection, Owner& owner) {
  std::map<std::string, std::string> names;
  if (const auto status = owner.GetStatus(); status.ok()) {
    for (const v1::Account& account : status->accounts()) {
      names[account.id()] = absl::StrCat(account.display_name(), " (", account.network(), ")");
    }
  }
  std::vector<std::string> places;
  for (const std::string& id : selection.account_ids()) {
    const auto name = names.find(id);
    places.push_back(name == names.end() ? id : VisibleText(name->second));
  }
  for (const std::string& network : selection.networks()) {
    places.push_back(absl::StrCat("all of ", VisibleText(network)));
  }
  return places.empty() ? "none" : absl::StrJoin(places, ", ");
}

ExitCode RunShow(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto owned = (*owner)->FindGrant(text);
  if (!owned.ok()) return Fail(context, owned.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*owned));
    return ExitCode::kOk;
  }
  std::map<std::string, std::string> names;
  // Names are a comfort: a grant can be shown without them.
  if (const auto chats = (*owner)->ListChats(); chats.ok()) {
    for (const v1::Chat& chat : *chats) names[chat.id()] = chat.name();
  }
  Terminal& out = context.out;
  const v1::Grant& grant = owned->grant();
  out.Line(absl::StrCat(out.Paint(Style::kStrong, VisibleText(owned->app_display_name())), "  ",
                        StateText(grant.state()), owner::HasEnded(grant) ? "; was allowed " : ", ",
                        ValidityText(grant.validity())));
  out.Line(absl::StrCat("grant      ", grant.id()));
  out.Line(absl::StrCat("principal  ", owned->principal()));
  out.Line(absl::StrCat("allowed    ", TimeText(grant.create_time())));
  out.Line(absl::StrCat("last used  ", TimeText(owned->last_use_time())));
  if (grant.has_history_start_time()) {
    out.Line(absl::StrCat("history    not before ", TimeText(grant.history_start_time())));
  }
  if (grant.limits().sends_per_hour() > 0) {
    out.Line(
        absl::StrCat("limit      ", grant.limits().sends_per_hour(), " messages sent an hour"));
  }
  if (grant.limits().bytes_per_day() > 0) {
    out.Line(absl::StrCat("limit      ", SizeText(grant.limits().bytes_per_day()), " read a day"));
  }
  if (grant.may_start()) {
    out.Line("start      Postern starts the app when something arrives for it");
  }
  out.Line("may");
  for (const int number : grant.scopes()) {
    const auto scope = static_cast<v1::Scope>(number);
    std::string name(sdk::ScopeName(scope));
    name.resize(std::max<size_t>(name.size(), 20), ' ');
    out.Line(absl::StrCat("  ", name, "  ", ScopeSentence(scope)));
  }
  out.Line(absl::StrCat("accounts   ", PlacesText(grant.selection(), **owner)));
  out.Line(absl::StrCat("in         ", SelectionText(grant.selection())));
  PrintChats("", grant.selection().included_chat_ids(), names, out);
  PrintChats("not ", grant.selection().excluded_chat_ids(), names, out);
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsShow(CommandLine& line, CLI::App* grants) {
  auto grant = std::make_shared<std::string>();
  line.AddCommand(grants,
                  {.name = "show",
                   .summary = "Show everything about one grant",
                   .more = {},
                   .examples = {"postern grants show 5d1e90aa"}},
                  [grant](Context& context) { return RunShow(context, *grant); })
      ->add_option("GRANT", *grant, "The grant's id, or its start")
      ->required();
}

}  // namespace postern::cli
