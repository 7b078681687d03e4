// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>

#include "clients/postern/checks.h"
#include "clients/postern/commands.h"

namespace postern::cli {
namespace {

std::string OutcomeText(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kWarning:
      return "warn";
    case Outcome::kFailed:
      return "fail";
  }
  return "fail";
}

Style StyleOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return Style::kGood;
    case Outcome::kWarning:
      return Style::kAttention;
    case Outcome::kFailed:
      return Style::kBad;
  }
  return Style::kBad;
}

std::vector<Finding> AllChecks(const owner::Paths& paths) {
  std::vector<Finding> findings = {CheckRuntimeDirectory(paths), CheckSocket(paths),
                                   CheckSecretStore(paths), CheckBrokerCertificate(paths)};
  for (Finding& finding : CheckPermissions(paths)) findings.push_back(std::move(finding));
  for (Finding& finding : CheckBroker(paths)) findings.push_back(std::move(finding));
  return findings;
}

void Print(const std::vector<Finding>& findings, Terminal& out) {
  for (const Finding& finding : findings) {
    std::string outcome(OutcomeText(finding.outcome));
    outcome.resize(5, ' ');
    std::string name = finding.name;
    name.resize(std::max<size_t>(name.size(), 19), ' ');
    out.Line(absl::StrCat(out.Paint(StyleOf(finding.outcome), outcome), name, finding.seen));
    if (!finding.next.empty()) out.Line(absl::StrCat(std::string(24, ' '), finding.next));
  }
}

void PrintJson(const std::vector<Finding>& findings, Terminal& out) {
  nlohmann::ordered_json checks = nlohmann::json::array();
  for (const Finding& finding : findings) {
    checks.push_back({{"name", finding.name},
                      {"outcome", OutcomeText(finding.outcome)},
                      {"seen", finding.seen},
                      {"advice", finding.next}});
  }
  const nlohmann::ordered_json report = {{"checks", std::move(checks)}};
  out.Line(report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

ExitCode RunDoctor(Context& context) {
  const std::vector<Finding> findings = AllChecks(context.paths);
  if (context.json) {
    PrintJson(findings, context.out);
  } else {
    Print(findings, context.out);
  }
  Outcome worst = Outcome::kOk;
  for (const Finding& finding : findings) worst = std::max(worst, finding.outcome);
  switch (worst) {
    case Outcome::kOk:
      return ExitCode::kOk;
    case Outcome::kWarning:
      return ExitCode::kWarnings;
    case Outcome::kFailed:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace

void AddDoctor(CommandLine& line) {
  line.AddCommand(
      line.root(),
      {.name = "doctor",
       .summary = "Check the installation, and say what to do about what is wrong",
       .more = "Looks at the runtime directory, the socket, the keyring, the pinned certificate,\n"
               "permissions of files and the broker's own report. Changes nothing. Exits 1 when a\n"
               "check fails, 5 when one warns.",
       .examples = {"postern doctor",
                    "postern doctor --json | jq '.checks[] | select(.outcome != \"ok\")'"}},
      RunDoctor);
}

}  // namespace postern::cli
