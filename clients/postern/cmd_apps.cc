// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/paused.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

std::string RoleText(v1::Role role) {
  switch (role) {
    case v1::ROLE_GATEKEEPER:
      return "gatekeeper";
    case v1::ROLE_OWNER:
      return "owner";
    default:
      return "app";
  }
}

// What an app has now: a row of its own for each grant is in `grants list`.
std::string AccessText(const v1::App& app, const std::vector<v1::OwnedGrant>& grants) {
  if (app.role() != v1::ROLE_APP) return "";
  bool suspended = false;
  bool ended = false;
  for (const v1::OwnedGrant& grant : grants) {
    if (grant.principal() != app.principal()) continue;
    if (grant.grant().state() == v1::Grant::STATE_ACTIVE) return "yes";
    suspended = suspended || grant.grant().state() == v1::Grant::STATE_SUSPENDED;
    ended = true;
  }
  return suspended ? "suspended" : ended ? "none any more" : "none";
}

ExitCode RunList(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto apps = (*owner)->ListApps();
  if (!apps.ok()) return Fail(context, apps.status(), Caller::kOwner);
  if (context.json) {
    v1::ListAppsResponse response;
    response.mutable_apps()->Assign(apps->begin(), apps->end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  const auto grants = (*owner)->ListGrants(true);
  if (!grants.ok()) return Fail(context, grants.status(), Caller::kOwner);
  Table table({"PRINCIPAL", "NAME", "ROLE", "ACCESS", "CONNECTED", "LAST SEEN", "DATA", "PROGRAM"});
  for (const v1::App& app : *apps) {
    table.AddRow({ShortId(app.principal()), app.display_name(), std::string(RoleText(app.role())),
                  AccessText(app, *grants), app.connection_count() > 0 ? "yes" : "no",
                  TimeText(app.last_seen_time()),
                  app.role() == v1::ROLE_APP ? DestinationText(app.data_destination()) : "",
                  app.executable()});
  }
  if (table.empty()) {
    context.out.Line("No program has been allowed anything yet.");
  } else {
    table.SortBy(1);
    table.Print(context.out);
    SayWhenPaused(context, **owner);
  }
  return ExitCode::kOk;
}

ExitCode RunRemove(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto app = (*owner)->FindApp(text);
  if (!app.ok()) return Fail(context, app.status(), Caller::kOwner);
  const auto response = (*owner)->RevokeApp(app->principal());
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  context.out.Line(absl::StrCat("“", VisibleText(app->display_name()),
                                "” is out: everything was taken back and its key is forgotten."));
  PrintStreamEnds(response->stream_ends(), context.out);
  return ExitCode::kOk;
}

}  // namespace

void AddApps(CommandLine& line) {
  CLI::App* apps =
      line.AddGroup({.name = "apps",
                     .summary = "The programs you have allowed",
                     .more = {},
                     .examples = {"postern apps list", "postern apps remove translator"}});
  line.AddCommand(apps,
                  {.name = "list",
                   .summary = "List apps and gatekeepers",
                   .more = {},
                   .examples = {"postern apps list",
                                "postern apps list --json | jq -r '.apps[].display_name'"}},
                  RunList);
  auto app = std::make_shared<std::string>();
  line.AddCommand(
          apps,
          {.name = "remove",
           .summary = "Take everything back from an app, for good, and forget its key",
           .more = "APP is a name, an app id, or the start of a principal. To come back the app\n"
                   "needs a new key and your answer.",
           .examples = {"postern apps remove translator", "postern apps remove 3fa9c1d2"}},
          [app](Context& context) { return RunRemove(context, *app); })
      ->add_option("APP", *app, "The app")
      ->required();
}

}  // namespace postern::cli
