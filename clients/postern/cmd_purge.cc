// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/owner.h"
#include "clients/postern/waiting.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

namespace fs = std::filesystem;

// What `postern messages` keeps, and what other programs do: theirs is named and left alone.
void RemoveOwnState(const owner::Paths& paths, std::vector<std::string>& remaining) {
  const fs::path own = OwnStateDirectory(paths);
  std::error_code error;
  fs::remove_all(own, error);
  if (error) remaining.push_back(absl::StrCat(own.string(), ": ", error.message()));
  for (const fs::directory_entry& entry : fs::directory_iterator(own.parent_path(), error)) {
    remaining.push_back(
        absl::StrCat(entry.path().string(), ": belongs to the program that made it"));
  }
  // Only when it is empty.
  fs::remove(own.parent_path(), error);
}

ExitCode RunPurge(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  auto response = [&] {
    const Waiting waiting(context);
    return (*owner)->Purge();
  }();
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  std::vector<std::string> remaining(response->remaining().begin(), response->remaining().end());
  RemoveOwnState(context.paths, remaining);
  response->mutable_remaining()->Assign(remaining.begin(), remaining.end());
  if (context.json) {
    context.out.Line(Json(*response));
  } else {
    context.out.Line(
        "Everything Postern kept is removed: messages, grants, history and keys. "
        "posternd stops.");
    if (!remaining.empty()) context.out.Line("Still there:");
    for (const std::string& left : remaining) {
      context.out.Line(absl::StrCat("  ", VisibleText(left)));
    }
  }
  return remaining.empty() ? ExitCode::kOk : ExitCode::kWarnings;
}

}  // namespace

void AddPurge(CommandLine& line) {
  line.AddCommand(line.root(),
                  {.name = "purge",
                   .summary = "Remove everything Postern keeps; asks you in Postern's own question",
                   .more = "This cannot be undone. Removes the database, its keys in the keyring "
                           "and the socket, and "
                           "stops posternd. Programs\nkeep files of their own; what is still "
                           "there is printed, and the exit code is then 5.",
                   .examples = {"postern purge"}},
                  RunPurge);
}

}  // namespace postern::cli
