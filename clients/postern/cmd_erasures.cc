// SPDX-License-Identifier: Apache-2.0
// `postern erasures`: which apps were asked to erase something, and have not said that they did.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/time_text.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

std::string AskedText(const v1::AppErasure& erasure) {
  if (erasure.everything_asked() && !erasure.everything_confirmed()) {
    return "everything: its access is over";
  }
  if (erasure.unconfirmed_count() > 0) return Counted(erasure.unconfirmed_count(), "thing");
  return "-";
}

std::string AnswerText(const v1::AppErasure& erasure) {
  if (IsOpen(erasure)) {
    return absl::StrCat("not confirmed since ", TimeText(erasure.oldest_ask_time()));
  }
  return absl::StrCat(erasure.everything_confirmed() ? "everything erased " : "all erased ",
                      TimeText(erasure.confirm_time()));
}

ExitCode RunErasures(Context& context, bool all) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  auto erasures = (*owner)->ListErasures();
  if (!erasures.ok()) return Fail(context, erasures.status(), Caller::kOwner);
  if (!all) {
    std::erase_if(*erasures, [](const v1::AppErasure& erasure) { return !IsOpen(erasure); });
  }
  if (context.json) {
    v1::ListErasuresResponse response;
    for (v1::AppErasure& erasure : *erasures) *response.add_erasures() = std::move(erasure);
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"APP", "KEY", "ASKED TO ERASE", "ANSWER"});
  for (const v1::AppErasure& erasure : *erasures) {
    table.AddRow({erasure.app_display_name(), ShortId(erasure.principal()), AskedText(erasure),
                  AnswerText(erasure)});
  }
  if (table.empty()) {
    context.out.Line(all ? "No app was asked to erase anything."
                         : "Every app has confirmed what it was asked to erase.");
  } else {
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddErasures(CommandLine& line) {
  auto all = std::make_shared<bool>(false);
  line.AddCommand(line.root(),
                  {.name = "erasures",
                   .summary = "Show which apps have not confirmed that they erased something",
                   .more = "An app is asked to erase what is deleted, what disappears, and what it "
                           "may no longer see. An app\nthat says it did is believed: nobody can "
                           "look into it. One that is gone with its key can say\nnothing any more "
                           "and stays in this list, since nobody knows what it has kept.",
                   .examples = {"postern erasures", "postern erasures --all",
                                "postern erasures --json | jq -r '.erasures[].app_display_name'"}},
                  [all](Context& context) { return RunErasures(context, *all); })
      ->add_flag("--all", *all, "Also those that have confirmed everything");
}

}  // namespace postern::cli
