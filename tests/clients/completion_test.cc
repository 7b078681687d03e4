// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "clients/postern/commands.h"

namespace postern::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

void AddAll(CommandLine& line) {
  AddStatus(line);
  AddGrants(line);
  AddCompletion(line);
}

// What bash offers after 'words', the last of them being typed.
std::string Offered(const std::vector<std::string>& words) {
  CommandLine line;
  AddAll(line);
  std::string array;
  for (const std::string& word : words) array += " '" + word + "'";
  std::string script =
      BashCompletion(CompletionTree(*line.root())) + "\nCOMP_WORDS=(" + array +
      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_postern\necho \"${COMPREPLY[@]}\"\n";
  for (size_t at = 0; (at = script.find('\'', at)) != std::string::npos; at += 4) {
    script.replace(at, 1, "'\\''");
  }
  std::FILE* shell = popen(("bash -c '" + script + "'").c_str(), "r");
  if (shell == nullptr) return "no bash";
  char line_text[4096] = {};
  const char* read = std::fgets(line_text, sizeof line_text, shell);
  pclose(shell);
  return read == nullptr ? "" : std::string(line_text);
}

TEST(BashCompletion, OffersCommandsTheirCommandsAndTheirOptions) {
  EXPECT_THAT(Offered({"postern", ""}), HasSubstr("status"));
  EXPECT_THAT(Offered({"postern", "gr"}), "grants\n");
  EXPECT_THAT(Offered({"postern", "grants", "re"}),
              AllOf(HasSubstr("revoke"), HasSubstr("resume")));
  EXPECT_THAT(Offered({"postern", "grants", "re"}), Not(HasSubstr("list")));
  EXPECT_THAT(Offered({"postern", "grants", "revoke", "--"}), HasSubstr("--app"));
}

TEST(Completion, NamesEveryCommandInEachShell) {
  CommandLine line;
  AddAll(line);
  const auto tree = CompletionTree(*line.root());
  for (const std::string& script :
       {BashCompletion(tree), ZshCompletion(tree), FishCompletion(tree)}) {
    for (const CompletionNode& node : tree) EXPECT_THAT(script, HasSubstr(node.path));
    EXPECT_THAT(script, HasSubstr("json"));
  }
}

}  // namespace
}  // namespace postern::cli
