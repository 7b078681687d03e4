// SPDX-License-Identifier: Apache-2.0
// Harness: a broker process that asks one question through the real agent, on a terminal or
// without.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "broker/consent_process.h"
#include "permissions/consent_question.h"
#include "platform/unique_fd.h"
#include "tests/fakes/scripted_person.h"

namespace postern::consent_test {

// The agent of this build.
std::string AgentPath();

// A question of a translator with five scopes, two accounts and three chats.
permissions::ConsentQuestion TranslatorQuestion();
permissions::ConsentQuestion GatekeeperQuestion();
// To let the translator's grant of two scopes last longer than for another day.
permissions::ConsentQuestion ExtendQuestion();
// To send "See you at eight" to Bob for the translator.
permissions::ConsentQuestion SendQuestion();
// For kUnseal, kExport, kPurge and kView: asked by the owner's tools, about 'subject'.
permissions::ConsentQuestion ConfirmQuestion(permissions::QuestionKind kind,
                                             const std::string& subject);

// Says of every draft that the app would have seen one message, and which scopes were ticked.
permissions::ConsentPreview PreviewOfDraft(const permissions::ConsentAnswer& draft);

// Asks in a child process whose controlling terminal is 'person's. The child plays posternd.
class AskingProcess {
 public:
  // Cancels the question as soon as the agent has printed its first prompt, when told so.
  enum class Withdraw { kNever, kOnSignal, kBefore };

  AskingProcess(fakes::ScriptedPerson& person, const permissions::ConsentQuestion& question,
                broker::ConsentFace face = broker::ConsentFace::kTerminal,
                Withdraw withdraw = Withdraw::kNever, const std::string& agent = AgentPath(),
                const broker::ConsentPreviewer& preview = {});

  // The pid of the running agent, or 0.
  pid_t AgentPid() const;
  // Has the broker withdraw the question (kOnSignal).
  void WithdrawNow() const;
  // Waits for the outcome.
  broker::ConsentOutcome Outcome();

 private:
  fakes::ScriptedPerson& person_;
  platform::UniqueFd outcome_;
  platform::UniqueFd withdraw_;
  pid_t pid_ = 0;
};

}  // namespace postern::consent_test
