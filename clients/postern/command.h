// SPDX-License-Identifier: Apache-2.0
// How a command is declared and what it is given. One file per command: cmd_<name>.cc.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

#include "clients/owner/paths.h"
#include "clients/postern/exit_code.h"
#include "clients/postern/problem.h"
#include "clients/postern/terminal.h"

namespace google::protobuf {
class Message;
}

namespace postern::cli {

// What a running command may use.
struct Context {
  owner::Paths paths;
  Terminal& out;
  Terminal& err;
  // Output as JSON: one object, or one object a line for streams.
  bool json = false;
};

using Run = std::function<ExitCode(Context&)>;

// What `--help` says of a command.
struct Description {
  std::string name;
  std::string summary;
  // What one line cannot say, or empty.
  std::string more;
  // Each a command line, at least one.
  std::vector<std::string> examples;
};

// The tree of commands, and the one that was chosen.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Adds a command that does something, with `--json`. Returns it, for its own options.
  CLI::App* AddCommand(CLI::App* parent, const Description& description, Run run);
  // Adds a command that only holds others.
  CLI::App* AddGroup(const Description& description);

  // Parses and runs. Returns the exit code.
  int Main(int argc, char** argv);

  CLI::App* root() { return &root_; }

 private:
  CLI::App root_;
  bool json_ = false;
  Run chosen_;
};

// Prints the problem to stderr, as JSON where the command prints JSON. Returns its exit code.
ExitCode Fail(Context& context, const Problem& problem);
ExitCode Fail(Context& context, const absl::Status& status, Caller caller);

// Returns one line of JSON with the contract's own field names; fields with their default are there
// too. 64-bit numbers are strings and times RFC 3339, as protobuf's JSON mapping has it.
std::string Json(const google::protobuf::Message& message);

// Returns 'text' as a JSON string, with its quotes.
std::string JsonString(const std::string& text);

}  // namespace postern::cli
