// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <string>

#include "clients/conformance/adapter_end.h"
#include "clients/conformance/far_end.h"
#include "clients/conformance/play.h"

namespace postern::conformance {
namespace {

// A command that fetches bytes: they must be those of the row's file.
void PlayDownload(const v1::DownloadCommand& download, Door& door, const std::string& whole,
                  Finding& finding) {
  const uint64_t offset = download.offset();
  const auto bytes = door.Download(download.attachment_id(), offset, kDriverWait);
  const bool same = bytes.ok() && *bytes == whole.substr(offset);
  finding.carried = same ? Carried::kWhole : bytes.ok() ? Carried::kPartial : Carried::kNotAtAll;
  if (!same)
    finding.detail = bytes.ok() ? "the bytes are others" : std::string(bytes.status().message());
}

// Where what the command did is to be seen.
Place PlaceOf(const v1::Command& command, const v1::CommandResult& result, const Words& words) {
  std::string message = words.Known("ours");
  if (message.empty()) message = words.Known("theirs");
  if (message.empty()) message = words.Known("poll");
  if (MakesMessage(command) || message.empty()) message = result.message_id();
  return {result.has_chat() ? result.chat().id() : words.chat_id(), message};
}

}  // namespace

void PlayOut(const Row& row, const Ends& ends, Words& words, Finding& finding) {
  if (!row.before.empty()) {
    const auto before = words.FilledCommand(row.before);
    if (before.ok()) ends.door.Run(*before, kDriverWait).status().IgnoreError();
  }
  const auto command = words.FilledCommand(row.what);
  if (!command.ok()) {
    finding.detail = std::string(command.status().message());
    // What it needs cannot be made because the adapter says that it cannot: that is its answer.
    if (absl::IsFailedPrecondition(command.status())) finding.carried = Carried::kSaysSo;
    return;
  }
  if (command->has_download()) {
    PlayDownload(command->download(), ends.door, words.file().bytes, finding);
    return;
  }
  const size_t mark = ends.door.event_count();
  const auto result = RunCommand(ends.door, *command, words.file());
  if (!result.ok()) {
    finding.carried = Carried::kNotAtAll;
    finding.detail = std::string(result.status().message());
    return;
  }
  if (result->state() != v1::CommandResult::STATE_SENT) {
    const bool says = !result->missing_capability().empty();
    finding.carried = says ? Carried::kSaysSo : Carried::kNotAtAll;
    finding.detail = says ? absl::StrCat("missing: ", result->missing_capability())
                          : absl::StrCat("refused: ", result->reason());
    return;
  }
  for (const std::string& id :
       {result->message_id(), result->chat().id(), result->draft_id(), result->attachment_id()}) {
    if (!id.empty()) words.Set("result", id);
  }
  finding.carried = Carried::kWhole;
  if (!row.seen.empty()) {
    const auto expected = words.FilledView(row.seen);
    if (!expected.ok()) {
      finding.carried = Carried::kNotTested;
      finding.detail = "the row's view is malformed";
      return;
    }
    LookAt(ends.driver, ends.wait, PlaceOf(*command, *result, words), *command, *expected, finding);
  }
  if (row.echo.empty() || finding.carried != Carried::kWhole) return;
  const auto echo = words.FilledEvent(row.echo);
  if (!echo.ok()) {
    finding.carried = Carried::kNotTested;
    finding.detail = std::string(echo.status().message());
    return;
  }
  const bool own = echo->has_message_created() && !echo->backfill();
  AwaitEvent(ends.door, ends.wait, *echo, mark, own ? result->command_id() : "", finding, row.also);
  if (finding.carried != Carried::kWhole) {
    finding.carried = Carried::kPartial;
    finding.detail = absl::StrCat("done, but not told back: ", finding.detail);
  }
}

}  // namespace postern::conformance
