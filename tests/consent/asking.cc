// SPDX-License-Identifier: Apache-2.0
#include "tests/consent/asking.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace postern::consent_test {

using broker::ConsentOutcome;
using permissions::ConsentQuestion;
using permissions::Scope;
using platform::UniqueFd;

std::string AgentPath() {
  const char* bin = std::getenv("POSTERN_BIN");
  return absl::StrCat(bin == nullptr ? "bin" : bin, "/postern-consent");
}

ConsentQuestion TranslatorQuestion() {
  ConsentQuestion question;
  question.question_id = permissions::NewQuestionId();
  question.principal.sha256.fill(0xAB);
  question.claimed_name = "AliceTrans";
  question.purpose = "Shows your messages in your language";
  question.app_id = "org.example.translator";
  question.software_version = "1.2";
  question.required_scopes = {Scope::kChatsRead, Scope::kMessagesRead};
  question.optional_scopes = {Scope::kMessagesHistory, Scope::kMessagesSend,
                              Scope::kReactionsWrite};
  question.destination = {permissions::DestinationKind::kLeavesDevice, "translate.example"};
  permissions::AccountId account;
  permissions::ChatId chat;
  for (const char* network : {"xmpp", "alicechat"}) {
    ++account.bytes[0];
    question.accounts.push_back({account, "alice", network});
  }
  uint32_t place = 0;
  for (const char* name : {"Family", "Bob", "Work"}) {
    ++chat.bytes[0];
    question.chats.push_back({chat, place++ == 0 ? 0u : 1u, name, permissions::ChatType::kGroup});
  }
  question.timeout = absl::Seconds(30);
  return question;
}

ConsentQuestion GatekeeperQuestion() {
  ConsentQuestion question;
  question.question_id = permissions::NewQuestionId();
  question.kind = permissions::QuestionKind::kEnrollGatekeeper;
  question.principal.sha256.fill(0xCD);
  question.claimed_name = "AliceChat";
  question.purpose = "Connects AliceChat";
  question.app_id = "org.example.alicechat";
  question.role = permissions::Role::kGatekeeper;
  question.destination = {permissions::DestinationKind::kStaysOnDevice, ""};
  question.networks = {"alicechat"};
  question.timeout = absl::Seconds(30);
  return question;
}

ConsentQuestion ExtendQuestion() {
  ConsentQuestion question = TranslatorQuestion();
  question.kind = permissions::QuestionKind::kExtendGrant;
  question.known_name = "My translator";
  question.held_scopes = question.required_scopes;
  question.required_scopes = {};
  question.optional_scopes = {};
  question.accounts.clear();
  question.chats.clear();
  question.subject = "Family, Work";
  question.held_until = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now())) + absl::Hours(24);
  return question;
}

ConsentQuestion SendQuestion() {
  ConsentQuestion question = ExtendQuestion();
  question.kind = permissions::QuestionKind::kSendMessage;
  question.held_scopes = {};
  question.held_until = absl::InfiniteFuture();
  question.subject = "Bob";
  question.message_text = "See you at eight.\nBring salad \u202E!";
  return question;
}

ConsentQuestion ConfirmQuestion(permissions::QuestionKind kind, const std::string& subject) {
  ConsentQuestion question;
  question.question_id = permissions::NewQuestionId();
  question.kind = kind;
  question.principal.sha256.fill(0xEF);
  question.role = permissions::Role::kOwner;
  question.subject = subject;
  question.destination = {permissions::DestinationKind::kStaysOnDevice, ""};
  question.timeout = absl::Seconds(30);
  return question;
}

permissions::ConsentPreview PreviewOfDraft(const permissions::ConsentAnswer& draft) {
  permissions::ConsentPreview preview;
  preview.known = draft.decision == permissions::ConsentDecision::kDraft;
  preview.chats = static_cast<uint32_t>(draft.chats.size());
  preview.messages = 1;
  std::string names;
  for (const Scope scope : draft.scopes.ToVector()) {
    absl::StrAppend(&names, " ", std::string(permissions::ScopeName(scope)));
  }
  preview.lines.push_back({"Family", "Alice", absl::StrCat("draft of", names),
                           absl::FromUnixSeconds(1'790'000'000), permissions::View::kWhole});
  return preview;
}

AskingProcess::AskingProcess(fakes::ScriptedPerson& person, const ConsentQuestion& question,
                             broker::ConsentFace face, Withdraw withdraw, const std::string& agent,
                             const broker::ConsentPreviewer& preview)
    : person_(person) {
  std::array<int, 2> outcome{};
  std::array<int, 2> signal{};
  if (::pipe2(outcome.data(), O_CLOEXEC) != 0 || ::pipe2(signal.data(), O_CLOEXEC) != 0) abort();
  outcome_.Reset(outcome[0]);
  withdraw_.Reset(signal[1]);
  const UniqueFd outcome_end(outcome[1]);
  const UniqueFd withdraw_end(signal[0]);
  // The process that asks for access: this test.
  const int self = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  const UniqueFd pidfd(self);
  pid_ = person_.Run([&] {
    broker::ConsentCancellation cancellation;
    if (withdraw == Withdraw::kBefore) cancellation.Cancel();
    const UniqueFd over(::eventfd(0, EFD_CLOEXEC));
    std::thread canceller([&] {
      std::array<pollfd, 2> states{pollfd{over.get(), POLLIN, 0},
                                   pollfd{withdraw_end.get(), POLLIN, 0}};
      if (::poll(states.data(), withdraw == Withdraw::kOnSignal ? 2 : 1, -1) > 0 &&
          states[1].revents != 0) {
        cancellation.Cancel();
      }
    });
    broker::ConsentProcess prompt(agent, face);
    const ConsentOutcome result =
        prompt.Ask(question, UniqueFd(::dup(pidfd.get())), cancellation, preview);
    ::eventfd_write(over.get(), 1);
    canceller.join();
    const std::string text =
        absl::StrCat(static_cast<int>(result.kind), permissions::ToJson(result.answer));
    const bool written =
        ::write(outcome_end.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    return written ? 0 : 1;
  });
}

pid_t AskingProcess::AgentPid() const {
  // Any thread of it may have started the agent; the main one does.
  std::ifstream children(absl::StrCat("/proc/", pid_, "/task/", pid_, "/children"));
  pid_t agent = 0;
  children >> agent;
  return agent;
}

void AskingProcess::WithdrawNow() const {
  [[maybe_unused]] const ssize_t written = ::write(withdraw_.get(), "x", 1);
}

ConsentOutcome AskingProcess::Outcome() {
  ConsentOutcome outcome;
  if (person_.Wait(std::chrono::seconds(30)) != 0) return outcome;
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t size = 0; (size = ::read(outcome_.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(size));
  }
  if (text.empty()) return outcome;
  outcome.kind = static_cast<ConsentOutcome::Kind>(text.front() - '0');
  // An outcome without an answer has the empty one, which is not valid JSON of a question's answer.
  const auto answer = permissions::AnswerFromJson(text.substr(1));
  if (answer.ok()) outcome.answer = *answer;
  return outcome;
}

}  // namespace postern::consent_test
