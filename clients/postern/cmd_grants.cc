// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/commands.h"

namespace postern::cli {

void AddGrants(CommandLine& line) {
  CLI::App* grants =
      line.AddGroup({.name = "grants",
                     .summary = "What you have allowed, and how to take it back",
                     .more = "GRANT is an id from `postern grants list`, or the start of one. No "
                             "command here grants:\n"
                             "only your answer to Postern's question does.",
                     .examples = {"postern grants list", "postern grants show 5d1e90aa",
                                  "postern grants revoke --app translator"}});
  AddGrantsList(line, grants);
  AddGrantsShow(line, grants);
  AddGrantsNarrow(line, grants);
  AddGrantsRevoke(line, grants);
  AddGrantsSuspendAndResume(line, grants);
  AddGrantsExtend(line, grants);
}

}  // namespace postern::cli
