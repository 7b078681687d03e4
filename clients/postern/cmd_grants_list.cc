// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "clients/owner/grant_state.h"
#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/paused.h"

namespace postern::cli {
namespace {

using owner::Shortened;

// A list is looked over; `grants show` says everything.
constexpr int kScopesColumns = 44;

struct Options {
  std::string app;
  bool all = false;
};

ExitCode RunList(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  auto grants = (*owner)->ListGrants(options.all);
  if (!grants.ok()) return Fail(context, grants.status(), Caller::kOwner);
  if (!options.app.empty()) {
    const auto app = (*owner)->FindHolder(options.app, *grants);
    if (!app.ok()) return Fail(context, app.status(), Caller::kOwner);
    std::erase_if(*grants, [&](const v1::OwnedGrant& grant) {
      return grant.principal() != app->principal();
    });
  }
  if (context.json) {
    v1::ListGrantsResponse response;
    response.mutable_grants()->Assign(grants->begin(), grants->end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"GRANT", "APP", "STATE", "UNTIL", "CHATS", "SCOPES"});
  for (const v1::OwnedGrant& owned : *grants) {
    const v1::Grant& grant = owned.grant();
    table.AddRow(
        {ShortId(grant.id()), owned.app_display_name(), std::string(StateText(grant.state())),
         owner::HasEnded(grant) ? "-" : ValidityText(grant.validity()),
         SelectionText(grant.selection()), Shortened(ScopesText(grant.scopes()), kScopesColumns)});
  }
  if (table.empty()) {
    context.out.Line(options.all ? "Nothing was ever granted."
                                 : "Nothing is granted now. --all shows what has ended.");
  } else {
    table.Print(context.out);
    SayWhenPaused(context, **owner);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsList(CommandLine& line, CLI::App* grants) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      grants,
      {.name = "list",
       .summary = "List grants",
       .more = {},
       .examples = {"postern grants list", "postern grants list --app translator --all",
                    "postern grants list --json | jq -r '.grants[].grant.id'"}},
      [options](Context& context) { return RunList(context, *options); });
  command->add_option("--app", options->app, "Only this app's");
  command->add_flag("--all", options->all, "Also those that have ended");
}

}  // namespace postern::cli
