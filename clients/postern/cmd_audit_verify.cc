// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "clients/owner/visible_text.h"
#include "clients/postern/audit_query.h"
#include "clients/postern/commands.h"
#include "clients/postern/progress.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

// What an export says of each row: its hash in base64, as JSON has it.
using Hashes = std::map<uint64_t, std::string>;

// What became of the rows of an export.
struct Comparison {
  uint64_t same = 0;
  // Older than anything that is still kept.
  uint64_t forgotten = 0;
  // The first that is another now, or is gone; 0 when none is.
  uint64_t first_changed = 0;
};

absl::StatusOr<Hashes> ReadExport(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    return absl::InvalidArgumentError(absl::StrCat("“", VisibleText(path), "” cannot be read."));
  }
  Hashes hashes;
  std::string line;
  for (uint64_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const auto row = nlohmann::json::parse(line, nullptr, false);
    const bool known = row.is_object() && row.contains("sequence") && row.contains("record_hash") &&
                       row["sequence"].is_string() && row["record_hash"].is_string();
    const uint64_t sequence =
        known ? std::strtoull(row["sequence"].get<std::string>().c_str(), nullptr, 10) : 0;
    if (sequence == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("Line ", number, " of “", VisibleText(path),
                       "” is no row of an export (`postern audit export`)."));
    }
    hashes[sequence] = row["record_hash"].get<std::string>();
  }
  return hashes;
}

absl::StatusOr<Comparison> Compare(Owner& owner, const Hashes& exported) {
  Comparison comparison;
  Progress progress("Comparing");
  Hashes left = exported;
  uint64_t oldest = 0;
  uint64_t newest = 0;
  v1::ListAccessHistoryRequest request;
  request.set_page_size(kAuditPageSize);
  do {
    ASSIGN_OR_RETURN(const v1::ListAccessHistoryResponse page, owner.ListAccessHistory(request));
    for (const v1::AccessEntry& entry : page.entries()) {
      if (!IsWritten(entry)) continue;
      if (newest == 0) newest = entry.sequence();
      oldest = entry.sequence();
      progress.Show(newest - oldest, newest);
      const auto row = left.find(entry.sequence());
      if (row == left.end()) continue;
      const auto json = nlohmann::json::parse(Json(entry), nullptr, false);
      if (json.is_object() && json.value("record_hash", "") == row->second) {
        ++comparison.same;
        left.erase(row);
      }
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  for (const auto& [sequence, hash] : left) {
    if (oldest != 0 && sequence < oldest) {
      ++comparison.forgotten;
    } else if (comparison.first_changed == 0) {
      comparison.first_changed = sequence;
    }
  }
  return comparison;
}

std::string ChainText(const char* what, uint64_t count, const char* unit, uint64_t first_bad) {
  if (first_bad == 0) return absl::StrCat(what, ": ", count, " ", unit, ", all as written.");
  return absl::StrCat(what, ": ", unit, " ", first_bad,
                      " is the first that is not as it was written, or is missing.");
}

ExitCode RunVerify(Context& context, const std::string& against) {
  // First, so that a mistyped name costs no time.
  absl::StatusOr<Hashes> exported = Hashes();
  if (!against.empty()) exported = ReadExport(against);
  if (!exported.ok()) return Fail(context, exported.status(), Caller::kOwner);
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  absl::StatusOr<v1::VerifyResponse> found;
  {
    Progress progress("Checking");
    progress.Show(0, 0);
    found = (*owner)->Verify();
  }
  if (!found.ok()) return Fail(context, found.status(), Caller::kOwner);
  absl::StatusOr<Comparison> comparison = Comparison();
  if (!against.empty()) comparison = Compare(**owner, *exported);
  if (!comparison.ok()) return Fail(context, comparison.status(), Caller::kOwner);

  const bool good = found->intact() && comparison->first_changed == 0;
  if (context.json) {
    // The contract's message, and beside it what only this program knows.
    auto json = nlohmann::ordered_json::parse(Json(*found), nullptr, false);
    if (!against.empty()) {
      json["against"] = {{"same", comparison->same},
                         {"forgotten", comparison->forgotten},
                         {"first_changed", comparison->first_changed}};
    }
    context.out.Line(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    context.out.Line(
        ChainText("Log", found->record_count(), "records", found->first_bad_sequence()));
    context.out.Line(ChainText("Access history", found->access_record_count(), "rows",
                               found->first_bad_access_sequence()));
    if (!against.empty()) {
      std::string text = absl::StrCat("Against the export: ", comparison->same, " rows unchanged");
      if (comparison->forgotten > 0) {
        absl::StrAppend(&text, ", ", comparison->forgotten, " older than what is kept");
      }
      if (comparison->first_changed != 0) {
        absl::StrAppend(&text, ", row ", comparison->first_changed,
                        " is the first that is another now, or gone");
      }
      context.out.Line(text + ".");
    }
    if (!good) {
      context.err.Line(absl::StrCat(context.err.Paint(Style::kBad, "Something was changed:"),
                                    " by a program of yours, by an older copy that was put back, "
                                    "or by a failing disk."));
    }
  }
  return good ? ExitCode::kOk : ExitCode::kWarnings;
}

}  // namespace

void AddAuditVerify(CommandLine& line, CLI::App* audit) {
  auto against = std::make_shared<std::string>();
  line.AddCommand(
          audit,
          {.name = "verify",
           .summary = "Check that nothing is missing from the log and the access history",
           .more = "Exit code 0: all is as it was written. 5: something is not, and the "
                   "first such place is named.\n"
                   "1: it could not be checked.",
           .examples = {"postern audit verify", "postern audit verify --against history.jsonl",
                        "postern audit verify --json | jq .first_bad_access_sequence"}},
          [against](Context& context) { return RunVerify(context, *against); })
      ->add_option("--against", *against, "Also hold it against an export made earlier");
}

}  // namespace postern::cli
