// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/audit_query.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/names.h"

namespace postern::cli {
namespace {

struct Options {
  AuditFilter filter;
  int limit = 50;
  std::string page_token;
};

std::string WhoText(const v1::AccessEntry& entry) {
  if (entry.principal().empty()) {
    return entry.verb() == v1::ACCESS_VERB_REFUSED ? "strangers" : "";
  }
  return entry.app_display_name().empty() ? ShortId(entry.principal()) : entry.app_display_name();
}

ExitCode RunList(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  auto request = options.filter.Request(**owner);
  if (!request.ok()) return Fail(context, request.status(), Caller::kOwner);
  request->set_page_size(options.limit);
  request->set_page_token(options.page_token);
  const auto page = (*owner)->ListAccessHistory(*request);
  if (!page.ok()) return Fail(context, page.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*page));
    return ExitCode::kOk;
  }
  const auto chats = ChatNames(**owner);
  if (!chats.ok()) return Fail(context, chats.status(), Caller::kOwner);
  Table table({"TIME", "APP", "WHAT", "TIMES", "CHAT", "WHY OR HOW"});
  // The page is newest first; a person reads down.
  for (auto entry = page->entries().rbegin(); entry != page->entries().rend(); ++entry) {
    const auto chat = chats->find(entry->chat_id());
    table.AddRow(
        {TimeText(entry->record_time()), WhoText(*entry), std::string(VerbText(entry->verb())),
         entry->count() == 1 ? "" : absl::StrCat(entry->count()),
         chat == chats->end() ? ShortId(entry->chat_id()) : chat->second, entry->reason()});
  }
  if (table.empty()) {
    context.out.Line("Nothing of that kind is in the access history.");
  } else {
    table.Print(context.out);
  }
  if (!page->next_page_token().empty()) {
    context.err.Line("There are older ones: --limit, or --page-token " + page->next_page_token());
  }
  return ExitCode::kOk;
}

}  // namespace

void AddAuditList(CommandLine& line, CLI::App* audit) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      audit,
      {.name = "list",
       .summary = "List what was done",
       .more = "The newest comes last; in JSON it comes first, and the counts of this very minute, "
               "which have no\n"
               "sequence yet, come before all and on top of --limit. WHY OR HOW is the reason of a "
               "refusal,\nor by what you decided.",
       .examples = {"postern audit list --since 24h",
                    "postern audit list --app translator --verb send --verb refused",
                    "postern audit list --chat Family --since 2026-11-01 --until 2026-12-01 "
                    "--json"}},
      [options](Context& context) { return RunList(context, *options); });
  options->filter.AddTo(*command);
  command->add_option("--limit", options->limit, "How many, 1 to 500")
      ->check(CLI::Range(1, kAuditPageSize))
      ->capture_default_str();
  command->add_option("--page-token", options->page_token, "Go on where another page ended");
}

}  // namespace postern::cli
