// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <functional>
#include <memory>

#include "clients/postern/audit_query.h"
#include "clients/postern/commands.h"
#include "clients/postern/new_file.h"
#include "clients/postern/progress.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

struct Options {
  AuditFilter filter;
  std::string file;
};

// Hands over every row that fits, newest first; returns how many.
absl::StatusOr<uint64_t> EachRow(Owner& owner, v1::ListAccessHistoryRequest request,
                                 const std::function<void(const v1::AccessEntry&)>& take) {
  Progress progress("Exporting");
  request.set_page_size(kAuditPageSize);
  uint64_t rows = 0;
  uint64_t newest = 0;
  do {
    ASSIGN_OR_RETURN(const v1::ListAccessHistoryResponse page, owner.ListAccessHistory(request));
    for (const v1::AccessEntry& entry : page.entries()) {
      if (!IsWritten(entry)) continue;
      if (newest == 0) newest = entry.sequence();
      take(entry);
      ++rows;
      progress.Show(newest - entry.sequence(), newest);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return rows;
}

ExitCode RunExport(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto request = options.filter.Request(**owner);
  if (!request.ok()) return Fail(context, request.status(), Caller::kOwner);
  if (options.file.empty() || options.file == "-") {
    const auto rows = EachRow(**owner, *request,
                              [&](const v1::AccessEntry& entry) { context.out.Line(Json(entry)); });
    return rows.ok() ? ExitCode::kOk : Fail(context, rows.status(), Caller::kOwner);
  }
  auto file = NewFile::Make(options.file);
  if (!file.ok()) return Fail(context, file.status(), Caller::kOwner);
  const auto rows = EachRow(**owner, *request,
                            [&](const v1::AccessEntry& entry) { file->Write(Json(entry) + "\n"); });
  if (!rows.ok()) return Fail(context, rows.status(), Caller::kOwner);
  if (const absl::Status finished = file->Finish(); !finished.ok()) {
    return Fail(context, finished, Caller::kOwner);
  }
  context.out.Line(
      context.json ? absl::StrCat("{\"file\":", JsonString(options.file), ",\"rows\":", *rows, "}")
                   : WrittenText(*rows, "row", options.file));
  return ExitCode::kOk;
}

}  // namespace

void AddAuditExport(CommandLine& line, CLI::App* audit) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      audit,
      {.name = "export",
       .summary = "Write the access history to a file, or to the output",
       .more = "One row a line, as JSON (postern.v1.AccessEntry), newest first. record_hash chains "
               "each row to all\n"
               "before it: keep the file elsewhere, and `postern audit verify --against FILE` "
               "tells whether any\n"
               "row of it has changed since. The counts of this very minute are left out.",
       .examples = {"postern audit export history.jsonl",
                    "postern audit export --since 30d --verb send | jq -r .app_display_name"}},
      [options](Context& context) { return RunExport(context, *options); });
  command->add_option("FILE,-o,--output", options->file,
                      "A file that is not there yet; none, or -: the output");
  options->filter.AddTo(*command);
}

}  // namespace postern::cli
