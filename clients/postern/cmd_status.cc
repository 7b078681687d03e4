// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"
#include "clients/postern/visible_text.h"

namespace postern::cli {
namespace {

std::string AccountText(v1::AccountState state) {
  switch (state) {
    case v1::ACCOUNT_STATE_ONLINE:
      return "online";
    case v1::ACCOUNT_STATE_CONNECTING:
      return "connecting";
    case v1::ACCOUNT_STATE_OFFLINE:
      return "offline";
    case v1::ACCOUNT_STATE_LOGGED_OUT:
      return "logged out";
    case v1::ACCOUNT_STATE_DETACHED:
      return "no client attached";
    default:
      return "unknown";
  }
}

std::string Counted(uint64_t count, const std::string& noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

void Print(const v1::GetStatusResponse& status, Terminal& out) {
  const absl::Duration up = absl::Trunc(
      absl::Now() - absl::FromUnixSeconds(status.start_time().seconds()), absl::Seconds(1));
  const auto row = [&out](const std::string& label, const std::string& text) {
    std::string column(label);
    column.resize(10, ' ');
    out.Line(absl::StrCat(out.Paint(Style::kFaint, column), text));
  };
  row("posternd",
      absl::StrCat(VisibleText(status.software_version()), ", contract ",
                   status.protocol_version().major(), ".", status.protocol_version().minor(),
                   ", up ",
                   up < absl::Seconds(1) ? "less than a second" : absl::FormatDuration(up)));
  row("log", absl::StrCat(status.event_count(), " events, ", SizeText(status.log_bytes()),
                          ", SQLCipher ", VisibleText(status.cipher_version())));
  row("keys", VisibleText(status.secret_store()));
  row("apps", absl::StrCat(Counted(status.connection_count(), "connection"), ", ",
                           Counted(status.stream_count(), "live stream")));
  for (const v1::Account& account : status.accounts()) {
    row("account",
        absl::StrCat(VisibleText(account.network()), ": ", VisibleText(account.display_name()),
                     ", ", AccountText(account.state())));
  }
  if (status.accounts().empty()) row("account", "none yet: no messaging client has attached");
  if (status.paused()) {
    row("paused", out.Paint(Style::kAttention, "all apps; `postern resume` ends it"));
  }
  if (status.pending_consent_count() > 0) {
    row("waiting", out.Paint(Style::kAttention, absl::StrCat(status.pending_consent_count(),
                                                             " question(s) wait for your answer")));
  }
  for (const std::string& warning : status.warnings()) {
    row("warning", out.Paint(Style::kAttention, VisibleText(warning)));
  }
}

ExitCode RunStatus(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto status = (*owner)->GetStatus();
  if (!status.ok()) return Fail(context, status.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*status));
  } else {
    Print(*status, context.out);
  }
  return status->warnings().empty() ? ExitCode::kOk : ExitCode::kWarnings;
}

}  // namespace

void AddStatus(CommandLine& line) {
  line.AddCommand(line.root(),
                  {.name = "status",
                   .summary = "Show how the broker does",
                   .more = "Exits 5 when there is a warning, 3 when posternd does not run.",
                   .examples = {"postern status", "postern status --json | jq .event_count"}},
                  RunStatus);
}

}  // namespace postern::cli
