// SPDX-License-Identifier: Apache-2.0
// What every ConsentPrompt promises: the real one with a person at a terminal, and the one for
// tests.
#include <gtest/gtest.h>

#include <thread>

#include "broker/consent_prompt.h"
#include "tests/consent/asking.h"
#include "tests/fakes/scripted_consent_prompt.h"

namespace postern::consent_test {
namespace {

using broker::ConsentFace;
using broker::ConsentOutcome;
using fakes::ScriptedConsentPrompt;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using Kind = ConsentOutcome::Kind;

enum class Person { kAbsent, kSilent, kRefusing, kAllowing };
enum class Withdrawn { kNever, kBefore, kWhileAsking };

struct RealPrompt {
  static ConsentOutcome Ask(const ConsentQuestion& question, Person person, Withdrawn withdrawn) {
    fakes::ScriptedPerson terminal;
    // Without a display the window is not there, and it does not fall back to the terminal.
    const ConsentFace face =
        person == Person::kAbsent ? ConsentFace::kWindow : ConsentFace::kTerminal;
    AskingProcess asking(terminal, question, face,
                         withdrawn == Withdrawn::kBefore ? AskingProcess::Withdraw::kBefore
                                                         : AskingProcess::Withdraw::kOnSignal);
    if (withdrawn == Withdrawn::kBefore) return asking.Outcome();
    if (person == Person::kAllowing) EXPECT_TRUE(terminal.Answer({.scopes = "1-5"}));
    if (person == Person::kRefusing) EXPECT_TRUE(terminal.RefuseWithEnter());
    if (withdrawn == Withdrawn::kWhileAsking) {
      EXPECT_TRUE(terminal.Expect("Your name for it"));
      asking.WithdrawNow();
    }
    return asking.Outcome();
  }
};

struct FakePrompt {
  static ConsentOutcome Ask(const ConsentQuestion& question, Person person, Withdrawn withdrawn) {
    broker::ConsentCancellation cancellation;
    if (withdrawn == Withdrawn::kBefore) cancellation.Cancel();
    ScriptedConsentPrompt::Person script;
    if (person != Person::kAbsent) {
      script = [&](const ConsentQuestion& asked) -> std::optional<permissions::ConsentAnswer> {
        if (withdrawn == Withdrawn::kWhileAsking) cancellation.Cancel();
        if (person == Person::kSilent) return std::nullopt;
        return person == Person::kAllowing ? ScriptedConsentPrompt::AllowAll(asked)
                                           : ScriptedConsentPrompt::Refusal(asked);
      };
    }
    ScriptedConsentPrompt prompt(script);
    const ConsentOutcome outcome = prompt.Ask(question, platform::UniqueFd(), cancellation, {});
    EXPECT_EQ(prompt.asked().size(), 1u);
    return outcome;
  }
};

template <typename Prompt>
class ConsentPromptContract : public testing::Test {};
using Prompts = testing::Types<RealPrompt, FakePrompt>;
TYPED_TEST_SUITE(ConsentPromptContract, Prompts);

TYPED_TEST(ConsentPromptContract, NobodyToAskIsUnavailable) {
  EXPECT_EQ(TypeParam::Ask(TranslatorQuestion(), Person::kAbsent, Withdrawn::kNever).kind,
            Kind::kUnavailable);
}

TYPED_TEST(ConsentPromptContract, SilenceExpires) {
  ConsentQuestion question = TranslatorQuestion();
  question.timeout = absl::Seconds(1);
  EXPECT_EQ(TypeParam::Ask(question, Person::kSilent, Withdrawn::kNever).kind, Kind::kExpired);
}

TYPED_TEST(ConsentPromptContract, AWithdrawnQuestionIsNotAnswered) {
  for (const Withdrawn when : {Withdrawn::kBefore, Withdrawn::kWhileAsking}) {
    EXPECT_EQ(TypeParam::Ask(TranslatorQuestion(), Person::kSilent, when).kind, Kind::kCancelled);
  }
}

TYPED_TEST(ConsentPromptContract, ARefusalIsAnAnswerThatTakesNothing) {
  const ConsentOutcome outcome =
      TypeParam::Ask(TranslatorQuestion(), Person::kRefusing, Withdrawn::kNever);
  ASSERT_EQ(outcome.kind, Kind::kAnswered);
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kRefuse);
  EXPECT_TRUE(outcome.answer.scopes.empty());
}

TYPED_TEST(ConsentPromptContract, AYesBelongsToItsQuestion) {
  const ConsentQuestion question = TranslatorQuestion();
  const ConsentOutcome outcome = TypeParam::Ask(question, Person::kAllowing, Withdrawn::kNever);
  ASSERT_EQ(outcome.kind, Kind::kAnswered);
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kAllow);
  EXPECT_TRUE(permissions::CheckAnswer(question, outcome.answer, absl::Now()).ok());
  EXPECT_EQ(outcome.answer.scopes, question.required_scopes.Union(question.optional_scopes));
}

}  // namespace
}  // namespace postern::consent_test
