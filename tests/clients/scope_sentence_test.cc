// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "clients/postern/grant_text.h"
#include "permissions/scope.h"

namespace postern::cli {
namespace {

TEST(ScopeSentence, SaysWhatTheConsentQuestionSays) {
  for (int number = 1; number <= permissions::kScopeCount; ++number) {
    EXPECT_EQ(ScopeSentence(static_cast<v1::Scope>(number)),
              permissions::ScopeSentence(static_cast<permissions::Scope>(number)));
  }
}

}  // namespace
}  // namespace postern::cli
