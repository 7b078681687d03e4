// SPDX-License-Identifier: Apache-2.0
// Would the million cases notice a fault? Each copy of what decides, spoilt in one place, must
// answer otherwise than the model. Those that cannot are listed, with the reason, in
// equivalent_mutants.txt.
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "tests/permissions/mutants.h"

namespace postern::permissions {
namespace {

// Most are noticed within some hundred; the rarest needs more than fifty thousand.
constexpr int kCases = 100'000;
// A copy that runs for ever is stopped, and was noticed.
constexpr unsigned kSecondsMax = 60;

// Returns whether the cases notice that 'mutant' is not the real thing. In a process of its own,
// since it may crash.
bool IsNoticed(const Mutant& mutant) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(kSecondsMax);
    // What a sanitizer says of a crash is no news here.
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(0);
    table_under_test = mutant.table;
    _exit(FindDifference(mutant.deciders, 7, kCases, nullptr).empty() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

// Name to reason: "NAME | REASON", a line each; the same name twice stands for two of that name.
std::multimap<std::string, std::string> Equivalents() {
  std::multimap<std::string, std::string> equivalents;
  std::ifstream file(EQUIVALENTS_FILE);
  EXPECT_TRUE(file.is_open()) << EQUIVALENTS_FILE;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(" | ", 1));
    EXPECT_FALSE(parts.second.empty()) << "without a reason: " << line;
    equivalents.insert(parts);
  }
  return equivalents;
}

TEST(Mutation, TheRealThingPasses) {
  table_under_test = &FindEventScopes;
  EXPECT_EQ(FindDifference(Deciders(), 7, kCases, nullptr), "");
}

TEST(Mutation, EveryOneIsNoticed) {
  std::multimap<std::string, std::string> equivalents = Equivalents();
  const size_t equivalent = equivalents.size();
  size_t noticed = 0;
  for (const auto part : {MutantsPart0(), MutantsPart1(), MutantsPart2(), MutantsPart3()}) {
    for (const Mutant& mutant : part) {
      if (IsNoticed(mutant)) {
        ++noticed;
        continue;
      }
      const auto known = equivalents.find(mutant.name);
      if (known == equivalents.end()) {
        ADD_FAILURE() << "not noticed: " << mutant.name;
      } else {
        equivalents.erase(known);
      }
    }
  }
  std::cout << noticed << " mutants noticed, " << equivalent << " equivalent\n";
  for (const auto& [name, reason] : equivalents) {
    ADD_FAILURE() << "listed as equivalent, but noticed or gone: " << name;
  }
  EXPECT_GT(noticed, 300u);
  EXPECT_LT(equivalent, noticed / 10);
}

}  // namespace
}  // namespace postern::permissions
