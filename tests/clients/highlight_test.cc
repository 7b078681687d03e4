// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/highlight.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

TEST(Highlight, LeavesLinesAloneWhereNobodyLooks) {
  const Terminal terminal(stdout, false);
  EXPECT_EQ(Highlight("a cake", {"cake"}, terminal), "a cake");
}

TEST(Highlight, PaintsEachWordWhateverItsCase) {
  const Terminal terminal(stdout, true);
  const auto painted = [&](const char* word) { return terminal.Paint(Style::kAttention, word); };
  EXPECT_EQ(Highlight("Cake, cake and 蛋糕", WordsOf(" cake  蛋糕 "), terminal),
            painted("Cake") + ", " + painted("cake") + " and " + painted("蛋糕"));
  EXPECT_EQ(Highlight("birthday", {"birth", "birthday"}, terminal), painted("birthday"));
}

TEST(Highlight, FindsNoWordInsideAColour) {
  const Terminal terminal(stdout, true);
  const std::string line = terminal.Paint(Style::kPerson, "Mum") + ": 1 m";
  EXPECT_EQ(Highlight(line, {"["}, terminal), line);
  EXPECT_EQ(Highlight(line, {"x"}, terminal), line);
}

}  // namespace
}  // namespace postern::cli
