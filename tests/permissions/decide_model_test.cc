// SPDX-License-Identifier: Apache-2.0
// A million random (grants, call or event, time), and as many people and new chats of an account,
// against decide_model.h and account_model.h, which share nothing with what they check. That the
// cases would notice a fault: mutation_test.cc.
#include <absl/strings/match.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "tests/permissions/model_check.h"

namespace postern::permissions {
namespace {

void Print(const Tally& tally) {
  std::cout << tally.cases << " cases: " << 100.0 * tally.allowed / tally.cases << " % allowed, "
            << 100.0 * tally.reduced / tally.cases << " % reduced; " << tally.people << " people, "
            << tally.people_kept_out << " kept out, " << tally.new_chats
            << " new chats\ncases that a scope decided:\n";
  for (int scope = 1; scope <= kScopeCount; ++scope) {
    std::cout << std::setw(8) << tally.decisive[static_cast<size_t>(scope)] << "  "
              << ScopeName(static_cast<Scope>(scope)) << "\n";
  }
}

TEST(DecideModel, AgreesOnAMillionRandomCases) {
  constexpr int kCases = 1'000'000, kParts = 4;
  std::vector<Tally> tallies(kParts);
  std::vector<std::future<std::string>> parts;
  for (int i = 0; i < kParts; ++i) {
    Tally* tally = &tallies[static_cast<size_t>(i)];
    const uint64_t seed = 20'261'121 + static_cast<uint64_t>(i);
    parts.push_back(std::async(std::launch::async, [tally, seed] {
      return FindDifference(Deciders(), seed, kCases / kParts, tally);
    }));
  }
  Tally all;
  for (int i = 0; i < kParts; ++i) {
    EXPECT_EQ(parts[static_cast<size_t>(i)].get(), "") << "part " << i;
    const Tally& tally = tallies[static_cast<size_t>(i)];
    all.cases += tally.cases;
    all.allowed += tally.allowed;
    all.reduced += tally.reduced;
    all.people += tally.people;
    all.people_kept_out += tally.people_kept_out;
    all.new_chats += tally.new_chats;
    for (size_t scope = 0; scope < all.decisive.size(); ++scope) {
      all.decisive[scope] += tally.decisive[scope];
    }
  }
  ASSERT_EQ(all.cases, kCases);
  Print(all);
  // A model that is always asked the same teaches nothing.
  EXPECT_GE(all.allowed, kCases / 10 * 3);
  EXPECT_GE(all.reduced, kCases / 10);
  EXPECT_GE(all.people, kCases / 100);
  EXPECT_GE(all.people_kept_out, kCases / 100);
  EXPECT_GE(all.new_chats, kCases / 10);
  for (int scope = 1; scope <= kScopeCount; ++scope) {
    EXPECT_GE(all.decisive[static_cast<size_t>(scope)], 1000)
        << ScopeName(static_cast<Scope>(scope));
  }
}

TEST(DecideModel, IsShortAndIncludesNothingOfWhatItChecks) {
  constexpr int kLinesMax = 150;
  const std::pair<std::string, int> lines_min[] = {{"decide_model.h", 100},
                                                   {"account_model.h", 50}};
  for (const auto& [name, least] : lines_min) {
    std::ifstream file(std::string(MODEL_FOLDER) + "/" + name);
    ASSERT_TRUE(file.is_open()) << name;
    int lines = 0, includes = 0;
    for (std::string line; std::getline(file, line); ++lines) {
      if (!absl::StrContains(line, "#include")) continue;
      ++includes;
      // Of the standard library only; the second goes on from the first.
      const bool of_first = line == "#include \"tests/permissions/decide_model.h\"";
      EXPECT_TRUE((of_first && name == "account_model.h") ||
                  (absl::StartsWith(line, "#include <") && !absl::StrContains(line, "/")))
          << name << ": " << line;
    }
    EXPECT_GT(includes, 0) << name;
    EXPECT_GT(lines, least) << name;
    EXPECT_LE(lines, kLinesMax) << name;
  }
}

}  // namespace
}  // namespace postern::permissions
