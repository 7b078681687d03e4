// SPDX-License-Identifier: Apache-2.0
// `postern consent --agent`: lends this terminal to posternd for its questions. Nothing here
// answers one; posternd asks through an agent that it starts itself.
#include <unistd.h>

#include <climits>
#include <string>

#include "clients/postern/commands.h"

// The build says where it is installed; a build tree has it beside this program.
#ifndef POSTERN_LIBEXEC_DIR
#define POSTERN_LIBEXEC_DIR "/usr/libexec/postern"
#endif

namespace postern::cli {
namespace {

std::string AgentPath() {
  std::string self(PATH_MAX, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  if (size > 0) {
    self.resize(static_cast<size_t>(size));
    const std::string beside = self.substr(0, self.rfind('/')) + "/postern-consent";
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return POSTERN_LIBEXEC_DIR "/postern-consent";
}

ExitCode RunConsent(Context& context) {
  const std::string agent = AgentPath();
  // In place of this program: it is in the foreground, and ^C reaches it alone.
  ::execl(agent.c_str(), "postern-consent", "--lend-terminal", nullptr);
  context.err.Line("postern: postern-consent does not start; is it installed?");
  return ExitCode::kFailed;
}

}  // namespace

void AddConsent(CommandLine& line) {
  CLI::App* command = line.AddCommand(
      line.root(),
      {.name = "consent",
       .summary = "Answer posternd's questions in this terminal",
       .more =
           "For machines without a display: waits, and shows each question here as it comes. It "
           "cannot answer one for you.",
       .examples = {"postern consent --agent"}},
      RunConsent);
  command->add_flag("--agent", "Wait in this terminal until ^C")->required();
}

}  // namespace postern::cli
