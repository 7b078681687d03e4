// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <memory>
#include <vector>

#include "clients/owner/grant_state.h"
#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  std::string grant;
  std::string app;
};

// What is to be revoked: one grant, or all that are still in force of one app.
absl::StatusOr<std::vector<v1::OwnedGrant>> Chosen(Owner& owner, const Options& options) {
  if (!options.grant.empty()) {
    ASSIGN_OR_RETURN(v1::OwnedGrant grant, owner.FindGrant(options.grant));
    return std::vector<v1::OwnedGrant>{std::move(grant)};
  }
  ASSIGN_OR_RETURN(std::vector<v1::OwnedGrant> grants, owner.ListGrants(false));
  ASSIGN_OR_RETURN(const v1::App app, owner.FindHolder(options.app, grants));
  std::erase_if(grants,
                [&](const v1::OwnedGrant& grant) { return grant.principal() != app.principal(); });
  return grants;
}

ExitCode RunRevoke(Context& context, const Options& options) {
  if (options.grant.empty() == options.app.empty()) {
    return Fail(context, {ExitCode::kUsage, "INVALID_ARGUMENT", "Say which: a grant, or --app.",
                          "`postern grants list` shows what there is."});
  }
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto grants = Chosen(**owner, options);
  if (!grants.ok()) return Fail(context, grants.status(), Caller::kOwner);
  for (const v1::OwnedGrant& grant : *grants) {
    if (owner::HasEnded(grant.grant()) && !context.json) {
      context.out.Line(absl::StrCat("Nothing to revoke: grant ", ShortId(grant.grant().id()),
                                    " of “", VisibleText(grant.app_display_name()), "” is ",
                                    StateText(grant.grant().state()), " already."));
      continue;
    }
    const auto response = (*owner)->RevokeGrant(grant.grant().id());
    if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
    if (context.json) {
      context.out.Line(Json(*response));
      continue;
    }
    context.out.Line(absl::StrCat("Revoked: grant ", ShortId(grant.grant().id()), " of “",
                                  VisibleText(grant.app_display_name()), "”."));
    PrintStreamEnds(response->stream_ends(), context.out);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsRevoke(CommandLine& line, CLI::App* grants) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      grants,
      {.name = "revoke",
       .summary = "Take a grant back, for good",
       .more = "Live streams that lived by it end before this command does; it prints how far each "
               "had\n"
               "come. With --app: every grant of the app, one JSON object a line.",
       .examples = {"postern grants revoke 5d1e90aa", "postern grants revoke --app translator"}},
      [options](Context& context) { return RunRevoke(context, *options); });
  command->add_option("GRANT", options->grant, "The grant's id, or its start");
  command->add_option("--app", options->app, "All grants of this app");
}

}  // namespace postern::cli
