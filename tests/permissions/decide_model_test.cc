// SPDX-License-Identifier: Apache-2.0
// A million random (grants, call or event, time) against decide_model.h, which shares nothing with
// what it checks. That the cases would notice a fault: mutation_test.cc.
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

constexpr Deciders kReal = {
    .decide = &Decide,
    .decide_send = &DecideSend,
    .limits_for = &LimitsFor,
    .view_of = &ViewOf,
    .next_expiry = &NextExpiry,
    .lapse_time = &LapseTime,
    .is_broker_only = &IsBrokerOnly,
};

void Print(const Tally& tally) {
  std::cout << tally.cases << " cases: " << 100.0 * tally.allowed / tally.cases << " % allowed, "
            << 100.0 * tally.reduced / tally.cases << " % reduced\ncases that a scope decided:\n";
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
    Tally& tally = tallies[static_cast<size_t>(i)];
    const uint64_t seed = 20'261'121 + static_cast<uint64_t>(i);
    parts.push_back(std::async(std::launch::async, [&tally, seed] {
      return FindDifference(kReal, seed, kCases / kParts, tally);
    }));
  }
  Tally all;
  for (int i = 0; i < kParts; ++i) {
    EXPECT_EQ(parts[static_cast<size_t>(i)].get(), "") << "part " << i;
    const Tally& tally = tallies[static_cast<size_t>(i)];
    all.cases += tally.cases;
    all.allowed += tally.allowed;
    all.reduced += tally.reduced;
    for (size_t scope = 0; scope < all.decisive.size(); ++scope) {
      all.decisive[scope] += tally.decisive[scope];
    }
  }
  ASSERT_EQ(all.cases, kCases);
  Print(all);
  // A model that is always asked the same teaches nothing.
  EXPECT_GE(all.allowed, kCases / 10 * 3);
  EXPECT_GE(all.reduced, kCases / 10);
  for (int scope = 1; scope <= kScopeCount; ++scope) {
    EXPECT_GE(all.decisive[static_cast<size_t>(scope)], 1000)
        << ScopeName(static_cast<Scope>(scope));
  }
}

TEST(DecideModel, IsShortAndIncludesNothingOfWhatItChecks) {
  constexpr int kLinesMax = 150;
  std::ifstream file(MODEL_FILE);
  ASSERT_TRUE(file.is_open()) << MODEL_FILE;
  int lines = 0, includes = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    if (!absl::StrContains(line, "#include")) continue;
    ++includes;
    // Of the standard library only.
    EXPECT_TRUE(absl::StartsWith(line, "#include <") && !absl::StrContains(line, "/")) << line;
  }
  EXPECT_GT(includes, 0);
  EXPECT_GT(lines, 100);
  EXPECT_LE(lines, kLinesMax);
}

}  // namespace
}  // namespace postern::permissions
