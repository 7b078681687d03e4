// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/suggestion.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

TEST(NearestTo, KnowsWhatWasMeant) {
  const std::vector<std::string> words = {"status", "doctor", "grants", "seal", "unseal", "apps"};
  EXPECT_EQ(NearestTo("statsu", words), "status");
  EXPECT_EQ(NearestTo("grant", words), "grants");
  EXPECT_EQ(NearestTo("docter", words), "doctor");
  EXPECT_EQ(NearestTo("sael", words), "seal");
  EXPECT_EQ(NearestTo("app", words), "apps");
}

TEST(NearestTo, GuessesNothingWhereNothingIsNear) {
  const std::vector<std::string> words = {"list", "last", "status"};
  EXPECT_EQ(NearestTo("frobnicate", words), "");
  EXPECT_EQ(NearestTo("", words), "");
  EXPECT_EQ(NearestTo(std::string(10'000, 's'), words), "");
  // As near to one as to the other.
  EXPECT_EQ(NearestTo("lxst", words), "");
}

}  // namespace
}  // namespace postern::cli
