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

// Asks in a child process whose controlling terminal is 'person's. The child plays posternd.
class AskingProcess {
 public:
  // Cancels the question as soon as the agent has printed its first prompt, when told so.
  enum class Withdraw { kNever, kOnSignal, kBefore };

  AskingProcess(fakes::ScriptedPerson& person, const permissions::ConsentQuestion& question,
                broker::ConsentFace face = broker::ConsentFace::kTerminal,
                Withdraw withdraw = Withdraw::kNever, const std::string& agent = AgentPath());

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
