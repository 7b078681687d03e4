// SPDX-License-Identifier: Apache-2.0
// `postern grants suspend` and `postern grants resume`: one switch, two positions.
#include <absl/strings/str_cat.h>

#include <memory>

#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "clients/postern/visible_text.h"

namespace postern::cli {
namespace {

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

ExitCode RunResume(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto grant = (*owner)->FindGrant(text);
  if (!grant.ok()) return Fail(context, grant.status(), Caller::kOwner);
  const auto response = (*owner)->ResumeGrant(grant->grant().id());
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json ? Json(*response)
                                : absl::StrCat("In force again: “",
                                               VisibleText(grant->app_display_name()), "”."));
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
  auto resumed = std::make_shared<std::string>();
  line.AddCommand(grants,
                  {.name = "resume",
                   .summary = "End the pause of a grant",
                   .more = {},
                   .examples = {"postern grants resume 5d1e90aa"}},
                  [resumed](Context& context) { return RunResume(context, *resumed); })
      ->add_option("GRANT", *resumed, "The grant's id, or its start")
      ->required();
}

}  // namespace postern::cli
