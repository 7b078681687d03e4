// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/attention.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

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

void Print(const v1::GetStatusResponse& status, int erasing, Terminal& out) {
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
    row("waiting", out.Paint(Style::kAttention,
                             absl::StrCat(status.pending_consent_count(),
                                          status.pending_consent_count() == 1 ? " question waits"
                                                                              : " questions wait",
                                          " for your answer")));
  }
  if (!status.session_present()) {
    row("session", "locked, or another one is in front: no questions are asked until you are back");
  }
  if (erasing > 0) {
    row("erasing", absl::StrCat(Counted(erasing, "app"), erasing == 1 ? " has" : " have",
                                " not yet confirmed an erasure; see `postern erasures`"));
  }
  for (const v1::OwnerNotice& notice : status.notices()) {
    const std::string times =
        notice.count() > 1 ? absl::StrCat(" (", notice.count(), " times)") : "";
    row("notice", out.Paint(Style::kAttention, absl::StrCat(TimeText(notice.notice_time()), "  ",
                                                            VisibleText(notice.text()), times)));
  }
  if (!status.notices().empty()) {
    row("", out.Paint(Style::kFaint, "`postern status --dismiss` marks these as read"));
  }
  for (const std::string& warning : status.warnings()) {
    row("warning", out.Paint(Style::kAttention, VisibleText(warning)));
  }
}

ExitCode RunDismiss(Context& context) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto response = (*owner)->DismissNotices({});
  if (!response.ok()) return Fail(context, response.status(), Caller::kOwner);
  context.out.Line(context.json ? Json(*response) : "All notices are marked as read.");
  return ExitCode::kOk;
}

ExitCode RunStatus(Context& context, bool dismiss) {
  if (dismiss) return RunDismiss(context);
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto status = (*owner)->GetStatus();
  if (!status.ok()) return Fail(context, status.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*status));
  } else {
    const auto erasures = (*owner)->ListErasures();
    if (!erasures.ok()) return Fail(context, erasures.status(), Caller::kOwner);
    const auto open = std::count_if(erasures->begin(), erasures->end(), IsOpen);
    Print(*status, static_cast<int>(open), context.out);
  }
  return WantsAttention(*status) ? ExitCode::kWarnings : ExitCode::kOk;
}

}  // namespace

void AddStatus(CommandLine& line) {
  auto dismiss = std::make_shared<bool>(false);
  line.AddCommand(line.root(),
                  {.name = "status",
                   .summary = "Show how the broker does, and what you should know",
                   .more = "Exits 0 when all is well, 5 when something wants your attention (a "
                           "warning, or a notice you\nhave not marked as read, but for those of "
                           "what you allowed and the monthly reminder), 3 when\nposternd does not "
                           "run.",
                   .examples = {"postern status", "postern status --dismiss",
                                "postern status --json | jq .event_count"}},
                  [dismiss](Context& context) { return RunStatus(context, *dismiss); })
      ->add_flag("--dismiss", *dismiss, "Mark all notices as read");
}

}  // namespace postern::cli
