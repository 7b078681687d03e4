// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/command.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "clients/owner/visible_text.h"
#include "clients/postern/suggestion.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

constexpr char kExitCodes[] =
    "Exit codes:\n"
    "  0  done                                  1  refused or failed\n"
    "  2  wrong usage, or no such app or chat   3  posternd does not run\n"
    "  4  not enrolled, or not allowed          5  done, and something wants attention\n"
    "\n"
    "Colours appear on a terminal only, and never with NO_COLOR set. `--json` prints the "
    "contract's own\n"
    "field names (proto/postern/v1), one object, or one a line for streams.";

std::string Footer(const Description& description) {
  std::string footer;
  if (!description.more.empty()) absl::StrAppend(&footer, description.more, "\n\n");
  absl::StrAppend(&footer, "Examples:");
  for (const std::string& example : description.examples) absl::StrAppend(&footer, "\n  ", example);
  return footer;
}

// Ids may begin with '-', and so may what people send. Our options are all long ones but -h and
// -o, so any other single '-' can only begin a value; CLI11 is kept from reading a bundle of short
// options there by a mark in front.
constexpr char kValueMark = '\x1f';

std::string MarkedAsValue(const std::string& argument) {
  const bool value = argument.size() > 1 && argument[0] == '-' && argument[1] != '-';
  const bool option = argument == "-h" || argument == "-o";
  return value && !option ? kValueMark + argument : argument;
}

void AcceptMarkedValues(CLI::App& command) {
  for (CLI::Option* option : command.get_options([](const CLI::Option*) { return true; })) {
    if (option->get_items_expected_max() == 0) continue;
    option->transform([](std::string value) {
      return !value.empty() && value[0] == kValueMark ? value.substr(1) : value;
    });
  }
  for (CLI::App* child : command.get_subcommands([](CLI::App*) { return true; })) {
    AcceptMarkedValues(*child);
  }
}

// Follows the words down the tree of commands. A problem when one names no command where one must
// be; nothing else is looked at here.
std::optional<Problem> UnknownCommand(CLI::App& root, int argc, char** argv) {
  CLI::App* command = &root;
  for (int i = 1; i < argc && command->get_require_subcommand_min() > 0; ++i) {
    const std::string word = argv[i];
    if (!word.empty() && word[0] == '-') continue;
    std::vector<std::string> names;
    CLI::App* next = nullptr;
    for (CLI::App* known : command->get_subcommands([](CLI::App*) { return true; })) {
      names.push_back(known->get_name());
      if (known->get_name() == word) next = known;
    }
    if (next != nullptr) {
      command = next;
      continue;
    }
    const std::string line =
        command == &root ? "postern" : absl::StrCat("postern ", command->get_name());
    const std::string meant = NearestTo(word, names);
    return Problem{
        ExitCode::kUsage, "INVALID_ARGUMENT",
        absl::StrCat("There is no command “", line, " ", VisibleText(word), "”.",
                     meant.empty() ? "" : absl::StrCat(" Did you mean “", line, " ", meant, "”?")),
        absl::StrCat("`", line, " --help` lists what there is.")};
  }
  return std::nullopt;
}

// The command that was named, as far as it was: "postern messages send".
std::string NamedCommand(const CLI::App& root) {
  std::string line = "postern";
  const CLI::App* command = &root;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    absl::StrAppend(&line, " ", command->get_name());
  }
  return line;
}

}  // namespace

CommandLine::CommandLine()
    : root_("Postern's command line: see and govern what apps may read and send in your chats.",
            "postern") {
  root_.require_subcommand(1);
  root_.set_version_flag("--version", POSTERN_VERSION);
  root_.footer(
      absl::StrCat("Examples:\n  postern status\n  postern grants list\n"
                   "  postern messages watch\n\n",
                   kExitCodes));
}

CLI::App* CommandLine::AddCommand(CLI::App* parent, const Description& description, Run run) {
  CLI::App* command = parent->add_subcommand(description.name, description.summary);
  command->footer(Footer(description));
  command->add_flag("--json", json_, "Print JSON");
  command->final_callback([this, run = std::move(run)] { chosen_ = run; });
  return command;
}

CLI::App* CommandLine::AddGroup(const Description& description) {
  CLI::App* group = root_.add_subcommand(description.name, description.summary);
  group->footer(Footer(description));
  group->require_subcommand(1);
  return group;
}

int CommandLine::Main(int argc, char** argv) {
  Terminal out(stdout);
  Terminal err(stderr);
  const auto refuse = [&](const Problem& problem) {
    const bool json =
        std::any_of(argv + 1, argv + argc, [](std::string_view word) { return word == "--json"; });
    Context context{owner::Paths(), out, err, json};
    return static_cast<int>(Fail(context, problem));
  };
  if (const std::optional<Problem> problem = UnknownCommand(root_, argc, argv)) {
    return refuse(*problem);
  }
  try {
    // CLI11 takes arguments last first.
    std::vector<std::string> arguments;
    for (int i = argc - 1; i > 0; --i) arguments.push_back(MarkedAsValue(argv[i]));
    AcceptMarkedValues(root_);
    root_.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    // Help and version arrive as "errors" too, with code 0.
    if (error.get_exit_code() == 0) return root_.exit(error);
    return refuse({ExitCode::kUsage, "INVALID_ARGUMENT",
                   absl::StrCat(VisibleText(error.what()), "."),
                   absl::StrCat("`", NamedCommand(root_), " --help` says how.")});
  }
  Context context{owner::Paths::FromEnvironment(), out, err, json_};
  return static_cast<int>(chosen_(context));
}

ExitCode Fail(Context& context, const Problem& problem) {
  if (context.json) {
    const nlohmann::ordered_json error = {{"error",
                                           {{"exit_code", static_cast<int>(problem.exit_code)},
                                            {"reason", problem.reason},
                                            {"message", problem.what},
                                            {"advice", problem.next}}}};
    context.err.Line(error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return problem.exit_code;
  }
  context.err.Line(absl::StrCat(context.err.Paint(Style::kBad, "postern:"), " ", problem.what));
  if (!problem.next.empty()) context.err.Line(absl::StrCat("  ", problem.next));
  return problem.exit_code;
}

ExitCode Fail(Context& context, const absl::Status& status, Caller caller) {
  return Fail(context, Explain(status, caller));
}

std::string Json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  // Cannot fail for messages without Any; an empty object is then the honest rest.
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "{}";
  return json;
}

std::string JsonString(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace postern::cli
