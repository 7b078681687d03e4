// SPDX-License-Identifier: Apache-2.0
// `postern pause` and `postern resume`: one switch, two positions.
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"

namespace postern::cli {
namespace {

ExitCode RunPause(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto response = (*owner)->Pause();
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  context.out.Line("All apps are paused. `postern resume` ends it.");
  PrintStreamEnds(response->stream_ends(), context.out);
  return ExitCode::kOk;
}

ExitCode RunResume(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto response = (*owner)->Resume();
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json ? Json(*response) : "Apps work again, each under its own grants.");
  return ExitCode::kOk;
}

}  // namespace

void AddPauseAndResume(CommandLine& line) {
  line.AddCommand(line.root(),
                  {.name = "pause",
                   .summary = "Pause all apps at once",
                   .more = "Nothing is taken back: grants stay, streams end, calls are refused.",
                   .examples = {"postern pause"}},
                  RunPause);
  line.AddCommand(line.root(),
                  {.name = "resume",
                   .summary = "End the pause of all apps",
                   .more = {},
                   .examples = {"postern resume"}},
                  RunResume);
}

}  // namespace postern::cli
