// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/commands.h"

namespace postern::cli {

void AddAudit(CommandLine& line) {
  CLI::App* audit =
      line.AddGroup({.name = "audit",
                     .summary = "What apps have read, sent and been refused, and what you decided",
                     .more = "Never what was in it. What apps read is counted by chat and minute; "
                             "all else has a row of\n"
                             "its own. The rows are chained: one that is missing or was changed "
                             "shows.",
                     .examples = {"postern audit list --app translator --since 7d",
                                  "postern audit verify", "postern audit export history.jsonl"}});
  AddAuditList(line, audit);
  AddAuditVerify(line, audit);
  AddAuditExport(line, audit);
}

}  // namespace postern::cli
