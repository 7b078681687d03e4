// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "clients/postern/waiting.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

ExitCode RunExtend(Context& context, const std::string& text) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto grant = (*owner)->FindGrant(text);
  if (!grant.ok()) return Fail(context, grant.status(), Caller::kOwner);
  const auto response = [&] {
    const Waiting waiting(context);
    return (*owner)->ExtendGrant(grant->grant().id());
  }();
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json
                       ? Json(*response)
                       : absl::StrCat("Extended: “", VisibleText(grant->app_display_name()), "”, ",
                                      ValidityText(response->grant().grant().validity()), "."));
  return ExitCode::kOk;
}

}  // namespace

void AddGrantsExtend(CommandLine& line, CLI::App* grants) {
  auto extended = std::make_shared<std::string>();
  line.AddCommand(grants,
                  {.name = "extend",
                   .summary = "Let a grant last longer; asks you in Postern's own question",
                   .more = "The command only asks: how long is chosen, and allowed, in the "
                           "question. Exits 4 when you\nsaid no. A grant that has ended cannot be "
                           "extended: its app asks anew.",
                   .examples = {"postern grants extend 5d1e90aa"}},
                  [extended](Context& context) { return RunExtend(context, *extended); })
      ->add_option("GRANT", *extended, "The grant's id, or its start")
      ->required();
}

}  // namespace postern::cli
