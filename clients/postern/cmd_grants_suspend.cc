// SPDX-License-Identifier: Apache-2.0
// `postern grants suspend` and `postern grants resume`: one switch, two positions.
#include <absl/strings/str_cat.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

ExitCode RunSuspend(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto grant = (*owner)->FindGrant(text);
  if (!grant.ok()) return Fail(context, grant.status(), Caller::kOwner);
  const auto response = (*owner)->SuspendGrant(grant->grant().id());
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  context.out.Line(absl::StrCat("Suspended: “", VisibleText(grant->app_display_name()),
                                "”. `postern grants resume` ends it."));
  PrintStreamEnds(response->stream_ends(), context.out);
  return ExitCode::kOk;
}

struct ResumeOptions {
  std::string grant;
  bool all = false;
};

// The grants to resume: the one that is named, or all that are suspended.
absl::StatusOr<std::vector<v1::OwnedGrant>> FindSuspended(Owner& owner,
                                                          const ResumeOptions& options) {
  std::vector<v1::OwnedGrant> grants;
  if (!options.all) {
    ASSIGN_OR_RETURN(grants.emplace_back(), owner.FindGrant(options.grant));
    return grants;
  }
  ASSIGN_OR_RETURN(grants, owner.ListGrants(false));
  std::erase_if(grants, [](const v1::OwnedGrant& grant) {
    return grant.grant().state() != v1::Grant::STATE_SUSPENDED;
  });
  return grants;
}

ExitCode RunResume(Context& context, const ResumeOptions& options) {
  if (options.grant.empty() != options.all) {
    return Fail(context,
                {ExitCode::kUsage, "INVALID_ARGUMENT",
                 options.all ? "A grant and --all were named both." : "No grant was named.",
                 "Name one (`postern grants list`), or say --all."});
  }
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto grants = FindSuspended(**owner, options);
  if (!grants.ok()) return Fail(context, grants.status(), Caller::kOwner);
  for (const v1::OwnedGrant& grant : *grants) {
    const auto response = (*owner)->ResumeGrant(grant.grant().id());
    if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
    context.out.Line(context.json ? Json(*response)
                                  : absl::StrCat("In force again: “",
                                                 VisibleText(grant.app_display_name()), "”."));
  }
  if (grants->empty() && !context.json) context.out.Line("Nothing is suspended.");
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsSuspendAndResume(CommandLine& line, CLI::App* grants) {
  auto suspended = std::make_shared<std::string>();
  line.AddCommand(grants,
                  {.name = "suspend",
                   .summary = "Pause a grant",
                   .more = "Live streams that live by it end. `postern grants resume` brings it "
                           "back as it was.",
                   .examples = {"postern grants suspend 5d1e90aa"}},
                  [suspended](Context& context) { return RunSuspend(context, *suspended); })
      ->add_option("GRANT", *suspended, "The grant's id, or its start")
      ->required();
  auto resumed = std::make_shared<ResumeOptions>();
  CLI::App* resume = line.AddCommand(
      grants,
      {.name = "resume",
       .summary = "End the pause of a grant, or of all that are suspended",
       .more = "With --all and --json, one object a line.",
       .examples = {"postern grants resume 5d1e90aa", "postern grants resume --all"}},
      [resumed](Context& context) { return RunResume(context, *resumed); });
  resume->add_option("GRANT", resumed->grant, "The grant's id, or its start");
  resume->add_flag("--all", resumed->all, "Every grant that is suspended");
}

}  // namespace postern::cli
