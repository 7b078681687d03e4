// SPDX-License-Identifier: Apache-2.0
// `postern conformance ADAPTER`: what an adapter really carries.
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "clients/conformance/door.h"
#include "clients/conformance/driver.h"
#include "clients/conformance/runner.h"
#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"

namespace postern::cli {
namespace {

using conformance::Carried;
using conformance::Finding;
using conformance::Json;
using owner::VisibleText;

// A far end may have to start a server and a client, and to make keys.
constexpr absl::Duration kHelloWait = absl::Minutes(3);

// Of what the far end's program wrote to standard error, when it fails.
constexpr size_t kLastWordsBytes = 1000;

struct Options {
  std::string adapter;
  std::vector<std::string> arguments;
  std::string only;
  double wait_seconds = 10;
  bool own_session = false;
};

// A folder under a short path (a socket's path has 107 bytes), removed with all that is in it.
class Folder {
 public:
  Folder() {
    char pattern[] = "/tmp/postern-conformance-XXXXXX";
    if (::mkdtemp(pattern) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A program beside this one, else one that is found in PATH.
std::string Beside(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string path = (self.parent_path() / name).string();
  return !error && ::access(path.c_str(), X_OK) == 0 ? path : name;
}

std::vector<std::string> FarEnd(const Options& options) {
  std::vector<std::string> command;
  if (options.adapter == "demo") {
    command = {Beside("postern-demo-gatekeeper"), "--control", "--quiet"};
  } else if (options.adapter == "purple") {
    command = {Beside("postern-purple-conformance")};
  } else {
    command = {options.adapter};
  }
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  return command;
}

// A path to a program, or the name of one in PATH.
bool IsProgram(const std::string& name) {
  const auto runs = [](const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
  };
  if (absl::StrContains(name, '/')) return runs(name);
  const char* path = std::getenv("PATH");
  const std::vector<std::string> folders = absl::StrSplit(path == nullptr ? "" : path, ':');
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return runs(absl::StrCat(folder.empty() ? "." : folder, "/", name));
  });
}

// An adapter keeps its spool's key in the Secret Service: here in one of its own, on a bus of its
// own, that both end with it. The user's own keyring is not touched.
std::vector<std::string> InOwnSession(const std::vector<std::string>& command) {
  std::vector<std::string> wrapped = {
      "dbus-run-session",
      "--",
      "/bin/sh",
      "-c",
      "printf conformance | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec "
      "\"$@\"",
      "sh"};
  wrapped.insert(wrapped.end(), command.begin(), command.end());
  return wrapped;
}

std::string LevelText(v1::CapabilityLevel level) {
  std::string name = v1::CapabilityLevel_Name(level);
  return level == v1::CAPABILITY_LEVEL_UNSPECIFIED
             ? "-"
             : absl::AsciiStrToLower(name.substr(std::string("CAPABILITY_LEVEL_").size()));
}

Style StyleOf(Carried carried) {
  switch (carried) {
    case Carried::kWhole:
      return Style::kGood;
    case Carried::kPartial:
    case Carried::kSaysSo:
      return Style::kAttention;
    case Carried::kLies:
      return Style::kBad;
    default:
      return Style::kFaint;
  }
}

void PrintTable(const std::vector<Finding>& findings, const v1::AttachHello& hello, Terminal& out) {
  Table table({"DIRECTION", "WHAT", "CLAIMS", "RESULT", "DETAIL"});
  for (const Finding& finding : findings) {
    table.AddRow({finding.direction, finding.name, LevelText(finding.claimed),
                  conformance::CarriedText(finding.carried), finding.detail});
  }
  table.Print(out);
  const conformance::Score score = conformance::ScoreOf(findings);
  out.Line();
  out.Line(absl::StrCat(VisibleText(hello.software_version()), " carries ",
                        out.Paint(Style::kStrong, absl::StrCat(score.whole, " of ", score.total)),
                        " whole: ", out.Paint(Style::kStrong, absl::StrCat(score.percent(), " %")),
                        "."));
  if (score.lies > 0) {
    out.Line(out.Paint(Style::kBad, absl::StrCat("It does not do what it claims in ", score.lies,
                                                 score.lies == 1 ? " row." : " rows.")));
  }
}

void PrintJson(const std::vector<Finding>& findings, const v1::AttachHello& hello, Terminal& out) {
  const conformance::Score score = conformance::ScoreOf(findings);
  Json report = {{"software_version", hello.software_version()},
                 {"network", hello.account().network()},
                 {"score",
                  {{"carried", score.whole},
                   {"total", score.total},
                   {"percent", score.percent()},
                   {"lies", score.lies}}},
                 {"rows", Json::array()}};
  for (const Finding& finding : findings) {
    report["rows"].push_back({{"name", finding.name},
                              {"direction", finding.direction},
                              {"capability", finding.capability},
                              {"claimed", LevelText(finding.claimed)},
                              {"result", conformance::CarriedText(finding.carried)},
                              {"detail", finding.detail}});
  }
  out.Line(report.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// The far end's program speaks for itself: its last words.
Problem FarEndProblem(const std::string& what, const std::string& errors_path) {
  std::ifstream file(errors_path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  std::string words = text.str();
  if (words.size() > kLastWordsBytes) words.erase(0, words.size() - kLastWordsBytes);
  return {ExitCode::kFailed, "FAR_END_FAILED", what,
          words.empty() ? "clients/conformance/README.md says what ADAPTER must be."
                        : absl::StrCat("It said: ", VisibleText(words))};
}

ExitCode RunConformance(Context& context, const Options& options) {
  const std::vector<std::string> far_end = FarEnd(options);
  if (!IsProgram(far_end.front())) {
    return Fail(context, {ExitCode::kUsage, "NOT_FOUND",
                          absl::StrCat("There is no program “", VisibleText(far_end.front()), "”."),
                          "ADAPTER is demo, purple, or a program: clients/conformance/README.md."});
  }
  const Folder folder;
  if (folder.path().empty()) {
    return Fail(context, {ExitCode::kFailed, "UNAVAILABLE", "A folder in /tmp cannot be made.",
                          "Make room there, or see to who may write there."});
  }
  auto door = conformance::Door::Open(folder.path());
  if (!door.ok()) return Fail(context, door.status(), Caller::kApp);
  const std::string errors = folder.path() + "/errors";
  auto driver =
      conformance::Driver::Start(options.own_session ? far_end : InOwnSession(far_end),
                                 conformance::Door::EnvironmentFor(folder.path()), errors);
  if (!driver.ok()) return Fail(context, driver.status(), Caller::kApp);
  const auto hello = (*driver)->Ask({{"hello", {{"folder", folder.path()}}}}, kHelloWait);
  if (!hello.ok() || !hello->contains("names") || !(*hello)["names"].is_object()) {
    return Fail(context,
                FarEndProblem(hello.ok() ? "The far end's program does not answer hello with names."
                                         : absl::StrCat("The far end's program does not start: ",
                                                        hello.status().message(), "."),
                              errors));
  }
  if (!(*door)->WaitForHello(1, kHelloWait)) {
    return Fail(context, FarEndProblem("The adapter did not attach.", errors));
  }

  conformance::RunnerOptions how{.folder = folder.path(),
                                 .wait = absl::Seconds(options.wait_seconds)};
  if (!context.json && context.err.colours()) {
    how.on_finding = [&](const Finding& finding) {
      context.err.Line(absl::StrCat(
          context.err.Paint(StyleOf(finding.carried), conformance::CarriedText(finding.carried)),
          "  ", finding.direction, "  ", finding.name));
    };
  }
  conformance::Runner runner(**door, **driver, (*hello)["names"], std::move(how));
  if (const absl::Status accepted = runner.Accept(hello->value("accept", Json::array()));
      !accepted.ok()) {
    return Fail(context,
                FarEndProblem(absl::StrCat("The far end: ", accepted.message(), "."), errors));
  }
  const auto findings = runner.PlayAll(
      [&](const std::string& name) { return absl::StrContains(name, options.only); });
  if (findings.empty()) {
    return Fail(context, {ExitCode::kUsage, "NOT_FOUND",
                          absl::StrCat("No row's name contains “", VisibleText(options.only), "”."),
                          "Without --only all rows are played, and their names printed."});
  }
  if (context.json) {
    PrintJson(findings, (*door)->hello(), context.out);
  } else {
    PrintTable(findings, (*door)->hello(), context.out);
  }
  return conformance::ScoreOf(findings).lies == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

void AddConformance(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      line.root(),
      {.name = "conformance",
       .summary = "Try what a gatekeeper adapter really carries",
       .more =
           "Plays all that the contract has words for, both ways, against an adapter that it "
           "starts "
           "in a\nthrow-away folder: needs no broker and no permission, and nothing of yours is "
           "touched. ADAPTER is\n'demo', 'purple', or a program that starts an adapter and plays "
           "the "
           "people at its other end\n(clients/conformance/README.md says how).\n\nExits 0 when the "
           "adapter does what it claims, whatever that is; 1 when it claims what it does not\ndo, "
           "or "
           "cannot be tried.",
       .examples = {"postern conformance demo", "postern conformance purple --json",
                    "postern conformance ./my-far-end --only reply",
                    "postern conformance ./my-far-end -- --server 127.0.0.1:5222"}},
      [options](Context& context) { return RunConformance(context, *options); });
  command->add_option("ADAPTER", options->adapter, "demo, purple, or a program")->required();
  command->add_option("ARGUMENTS", options->arguments, "What the program is given");
  command->add_option("--only", options->only, "Only rows whose name contains this");
  command->add_option("--wait", options->wait_seconds, "Wait so many seconds for what should come")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command->add_flag("--own-session", options->own_session,
                    "Use this session's bus and keyring, instead of one of its own");
}

}  // namespace postern::cli
