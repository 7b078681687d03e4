// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/pick.h"

#include <gtest/gtest.h>

namespace postern::cli {
namespace {

const std::vector<Candidate> kChats = {
    {"aaaa1111", {"Family"}}, {"aaaa2222", {"Family trip"}}, {"bbbb3333", {"Bob"}},
    {"cccc4444", {"Work"}},   {"dddd5555", {"Work"}},
};

absl::StatusCode CodeOf(const std::string& text) {
  return Pick(kChats, text, "chat").status().code();
}

TEST(Pick, RefusesWhatFitsSeveral) {
  EXPECT_EQ(CodeOf("Work"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("aaaa"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf("o"), absl::StatusCode::kInvalidArgument);
}

TEST(Pick, RefusesWhatFitsNothing) {
  EXPECT_EQ(CodeOf("Carol"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(""), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Pick({}, "x", "chat").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Pick, RefusesAStartThatIsTooShort) {
  EXPECT_EQ(CodeOf("bbb"), absl::StatusCode::kInvalidArgument);
}

TEST(Pick, PrefersAWholeNameToAPart) { EXPECT_EQ(*Pick(kChats, "family", "chat"), 0u); }

TEST(Pick, FindsByIdByItsStartAndByAPartOfTheName) {
  EXPECT_EQ(*Pick(kChats, "dddd5555", "chat"), 4u);
  EXPECT_EQ(*Pick(kChats, "bbbb", "chat"), 2u);
  EXPECT_EQ(*Pick(kChats, "trip", "chat"), 1u);
}

TEST(Pick, PrefersWhatStillIsToWhatIsNoMore) {
  const std::vector<Candidate> apps = {{"aaaa1111", {"Reader"}, true},
                                       {"bbbb2222", {"Reader"}},
                                       {"cccc3333", {"Writer"}, true},
                                       {"dddd4444", {"Writer"}, true}};
  EXPECT_EQ(*Pick(apps, "Reader", "app"), 1u);
  EXPECT_EQ(*Pick(apps, "aaaa", "app"), 0u);
  EXPECT_EQ(Pick(apps, "Writer", "app").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Pick, ShowsNoEscapeSequencesOfNames) {
  const std::vector<Candidate> chats = {{"aaaa1111", {"\x1b[31mred"}}};
  const absl::Status status = Pick(chats, "other", "chat").status();
  EXPECT_EQ(std::string(status.message()).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace postern::cli
