// SPDX-License-Identifier: Apache-2.0
// Agents that crash, lie and babble. The broker believes none of them.
#include "broker/consent_process.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/consent/asking.h"
#include "tests/fakes/scoped_environment.h"
#include "tests/fakes/scripted_consent_prompt.h"

namespace postern::consent_test {
namespace {

using broker::ConsentCancellation;
using broker::ConsentFace;
using broker::ConsentOutcome;
using broker::ConsentProcess;
using fakes::ScriptedConsentPrompt;
using permissions::ConsentQuestion;
using Kind = ConsentOutcome::Kind;

// Runs 'script' (sh) as the agent.
ConsentOutcome AskAgent(const std::string& script, const ConsentQuestion& question) {
  const std::string path = absl::StrCat(testing::TempDir(), "postern_agent.", ::getpid(), ".sh");
  FILE* file = ::fopen(path.c_str(), "w");
  ::fputs(absl::StrCat("#!/bin/sh\n", script, "\n").c_str(), file);
  ::fclose(file);
  ::chmod(path.c_str(), 0700);
  const ConsentCancellation cancellation;
  const ConsentOutcome outcome = ConsentProcess(path, ConsentFace::kTerminal)
                                     .Ask(question, platform::UniqueFd(), cancellation, {});
  ::unlink(path.c_str());
  return outcome;
}

// Takes the question (a header packet and one more), then says 'message'.
std::string Saying(const std::string& message) {
  return absl::StrCat("dd bs=65536 count=2 <&3 >/dev/null 2>&1; printf '%s' 'postern 1 ",
                      message.size(), "' >&3; printf '%s' '", message, "' >&3");
}

TEST(ConsentProcess, GrantsNothingWhenTheAgentIsMissing) {
  const ConsentCancellation cancellation;
  EXPECT_EQ(ConsentProcess("/nonexistent/postern-consent", ConsentFace::kAuto)
                .Ask(TranslatorQuestion(), platform::UniqueFd(), cancellation, {})
                .kind,
            Kind::kUnavailable);
}

TEST(ConsentProcess, GrantsNothingWhenTheAgentSaysNothing) {
  for (const char* script : {"exit 0", "exit 1", "kill -9 $$", "exec 3>&-; exit 0"}) {
    EXPECT_EQ(AskAgent(script, TranslatorQuestion()).kind, Kind::kFailed) << script;
  }
}

TEST(ConsentProcess, GrantsNothingWhenTheAgentBabbles) {
  for (const std::string& script :
       {std::string("echo allow >&3"), Saying("allow"), Saying("{\"decision\":1}"),
        std::string("printf 'postern 1 100' >&3; printf '{' >&3")}) {
    EXPECT_EQ(AskAgent(script, TranslatorQuestion()).kind, Kind::kFailed) << script;
  }
}

TEST(ConsentProcess, GrantsNothingOnAnAnswerToAnotherQuestion) {
  const ConsentQuestion question = TranslatorQuestion();
  ConsentQuestion swapped = question;
  swapped.optional_scopes.Add(permissions::Scope::kExport);
  for (const ConsentQuestion& other : {TranslatorQuestion(), swapped}) {
    const std::string answer = permissions::ToJson(ScriptedConsentPrompt::AllowAll(other));
    EXPECT_EQ(AskAgent(Saying(answer), question).kind, Kind::kFailed);
  }
  // The very same words do count when they answer this question: so the refusals above are not
  // luck.
  const std::string answer = permissions::ToJson(ScriptedConsentPrompt::AllowAll(question));
  EXPECT_EQ(AskAgent(Saying(answer), question).kind, Kind::kAnswered);
}

TEST(ConsentProcess, GrantsNothingThatWasNotAsked) {
  const ConsentQuestion question = TranslatorQuestion();
  permissions::ConsentAnswer answer = ScriptedConsentPrompt::AllowAll(question);
  answer.scopes.Add(permissions::Scope::kExport);
  EXPECT_EQ(AskAgent(Saying(permissions::ToJson(answer)), question).kind, Kind::kFailed);
}

TEST(ConsentProcess, GivesTheAgentNoOtherDescriptorOfTheBroker) {
  // Not close-on-exec: even a descriptor that somebody forgot must not get across.
  const platform::UniqueFd secret(::fcntl(STDERR_FILENO, F_DUPFD, 100));
  ASSERT_TRUE(secret.valid());
  const ConsentQuestion question = TranslatorQuestion();
  const std::string answer = permissions::ToJson(ScriptedConsentPrompt::Refusal(question));
  const std::string script =
      absl::StrCat("[ -e /proc/$$/fd/", secret.get(), " ] || { ", Saying(answer), "; }");
  EXPECT_EQ(AskAgent(script, question).kind, Kind::kAnswered);
}

TEST(ConsentProcess, GivesTheAgentNoVariableThatLoadsCodeAndThoseThatAWindowNeeds) {
  const std::vector<std::string> kept_back = {
      "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT",          "GTK_MODULES",     "GTK_PATH",
      "GTK_DEBUG",  "GIO_MODULE_DIR",  "GIO_EXTRA_MODULES", "POSTERN_ANYTHING"};
  const std::vector<std::string> passed = {"GDK_BACKEND", "GDK_DEBUG", "GDK_DISABLE",
                                           "GSK_RENDERER", "LC_TIME"};
  std::map<std::string, std::string> variables;
  std::string script = "{ [ -z \"";
  // A list of nothing, which does no harm where it is looked at; but set.
  for (const std::string& name : kept_back) {
    variables[name] = ":";
    absl::StrAppend(&script, "${", name, "+x}");
  }
  absl::StrAppend(&script, "\" ]");
  for (const std::string& name : passed) {
    variables[name] = "C";
    absl::StrAppend(&script, " && [ \"$", name, "\" = C ]");
  }
  const ConsentQuestion question = TranslatorQuestion();
  const std::string answer = permissions::ToJson(ScriptedConsentPrompt::Refusal(question));
  absl::StrAppend(&script, "; } && { ", Saying(answer), "; }");
  const fakes::ScopedEnvironment environment(variables);
  EXPECT_EQ(AskAgent(script, question).kind, Kind::kAnswered) << script;
}

TEST(ConsentProcess, HasNoOptionThatAnswers) {
  for (const char* option : {"--allow", "--yes", "--face=allow", "--answer=allow"}) {
    fakes::ScriptedPerson person;
    person.Run(std::vector<std::string>{AgentPath(), option});
    EXPECT_NE(person.Wait(), 0) << option;
  }
  fakes::ScriptedPerson person;
  person.Run(std::vector<std::string>{AgentPath()});
  EXPECT_EQ(person.Wait(), 2) << "it asks nobody who was not sent by the broker";
}

}  // namespace
}  // namespace postern::consent_test
