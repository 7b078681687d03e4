// SPDX-License-Identifier: Apache-2.0
// A person as a function: for tests of what follows from an answer. Passes the same contract suite
// as the real prompt (tests/consent/consent_prompt_contract_test.cc).
#pragma once

#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "broker/consent_prompt.h"
#include "permissions/consent_question.h"
#include "platform/mutex.h"

namespace postern::fakes {

// What the real agent does first with every question: one that it could not read would end as if
// nobody could be asked, so here it fails the test.
inline void ExpectReadable(const permissions::ConsentQuestion& question) {
  const auto read = permissions::QuestionFromJson(permissions::ToJson(question));
  EXPECT_TRUE(read.ok()) << "the consent agent would refuse this question: " << read.status();
}

// Thread-safe.
class ScriptedConsentPrompt final : public broker::ConsentPrompt {
 public:
  // Returns the person's answer, or nothing: then nobody answers until the question's time has
  // passed or it is withdrawn.
  using Person =
      std::function<std::optional<permissions::ConsentAnswer>(const permissions::ConsentQuestion&)>;

  // Sees each question before it is answered, and may try drafts.
  using Watcher =
      std::function<void(const permissions::ConsentQuestion&, const broker::ConsentPreviewer&)>;

  // Without a person nobody can be asked.
  explicit ScriptedConsentPrompt(Person person = nullptr) : person_(std::move(person)) {}

  broker::ConsentOutcome Ask(const permissions::ConsentQuestion& question, platform::UniqueFd,
                             const broker::ConsentCancellation& cancellation,
                             const broker::ConsentPreviewer& preview) override {
    using Kind = broker::ConsentOutcome::Kind;
    ExpectReadable(question);
    Watcher watcher;
    {
      const platform::MutexLock lock(mutex_);
      asked_.push_back(question);
      watcher = watcher_;
    }
    if (watcher) watcher(question, preview);
    if (cancellation.cancelled()) return {Kind::kCancelled, {}};
    if (!person_) return {Kind::kUnavailable, {}};
    std::optional<permissions::ConsentAnswer> answer = person_(question);
    if (!answer.has_value()) {
      pollfd withdrawn{cancellation.fd(), POLLIN, 0};
      const int64_t wait_ms = absl::ToInt64Milliseconds(question.timeout);
      const bool cancelled = ::poll(&withdrawn, 1, static_cast<int>(wait_ms)) > 0;
      return {cancelled ? Kind::kCancelled : Kind::kExpired, {}};
    }
    if (cancellation.cancelled()) return {Kind::kCancelled, {}};
    if (!permissions::CheckAnswer(question, *answer, absl::Now()).ok()) return {Kind::kFailed, {}};
    return {Kind::kAnswered, *std::move(answer)};
  }

  void Watch(Watcher watcher) {
    const platform::MutexLock lock(mutex_);
    watcher_ = std::move(watcher);
  }

  // The questions that were put, in order.
  std::vector<permissions::ConsentQuestion> asked() const {
    const platform::MutexLock lock(mutex_);
    return asked_;
  }

  // Answers for 'person': each belongs to the question.
  static permissions::ConsentAnswer Refusal(const permissions::ConsentQuestion& question) {
    permissions::ConsentAnswer answer;
    answer.question_id = question.question_id;
    answer.question_sha256 = permissions::Sha256Of(question);
    answer.decision = permissions::ConsentDecision::kRefuse;
    return answer;
  }
  // Allows all that is asked, in all chats of all accounts, until revoked (an extension too).
  static permissions::ConsentAnswer AllowAll(const permissions::ConsentQuestion& question) {
    permissions::ConsentAnswer answer = Refusal(question);
    answer.decision = permissions::ConsentDecision::kAllow;
    answer.given_name = question.known_name.empty() ? question.claimed_name : question.known_name;
    if (!permissions::AsksForAccess(question.kind)) {
      const bool named = question.kind == permissions::QuestionKind::kEnrollGatekeeper;
      if (!named) answer.given_name.clear();
      return answer;
    }
    answer.scopes = question.required_scopes.Union(question.optional_scopes);
    if (question.accounts.empty()) return answer;
    answer.chat_choice = permissions::ChatChoice::kAllAndNew;
    for (uint32_t i = 0; i < question.accounts.size(); ++i) answer.accounts.push_back(i);
    return answer;
  }

 private:
  const Person person_;
  mutable platform::Mutex mutex_;
  Watcher watcher_ ABSL_GUARDED_BY(mutex_);
  std::vector<permissions::ConsentQuestion> asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::fakes
