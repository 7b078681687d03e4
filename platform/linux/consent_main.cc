// SPDX-License-Identifier: Apache-2.0
// postern-consent: asks one question and answers it on the descriptor it was started with.
//
// It is started by posternd alone, with a socket as descriptor 3. Nothing but a person's answer
// makes it say "allow": it has no option, variable or file that does, and every way out but an
// answer closes the socket without a word, which the broker takes as "no answer".
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <string>

#include "permissions/consent_question.h"
#include "permissions/desktop_notice.h"
#include "platform/linux/consent_face.h"
#include "platform/linux/message_channel.h"
#include "platform/linux/notification.h"
#include "platform/linux/peer_evidence.h"
#include "platform/linux/terminal.h"
#include "platform/linux/terminal_lender.h"
#include "platform/linux/translation.h"
#include "platform/runtime_dir.h"

namespace postern::platform {
namespace {

constexpr int kChannelFd = 3;
// With --lent-terminal.
constexpr int kTerminalFd = 4;
// The broker has the question ready when it starts us.
constexpr absl::Duration kQuestionWait = absl::Seconds(5);
constexpr absl::Duration kAnswerWait = absl::Seconds(5);

// Exit codes; the broker reads kExitUnavailable, people read the rest.
constexpr int kExitAnswered = 0;
constexpr int kExitEnded = 1;
constexpr int kExitUsage = 2;
constexpr int kExitUnavailable = 3;

bool HasDisplay() {
  for (const char* name : {"WAYLAND_DISPLAY", "DISPLAY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
}

FaceResult Ask(const std::string& face, const FaceInput& input, UniqueFd lent_terminal) {
  FaceResult result{FaceResult::Kind::kUnavailable, {}};
  if (face == "window" || (face == "auto" && HasDisplay())) result = AskInWindow(input);
  if (result.kind == FaceResult::Kind::kUnavailable && face != "window") {
    result = AskInTerminal(input, std::move(lent_terminal));
  }
  return result;
}

void Harden() {
  // As the daemon: no core file and no debugger of the same user may change what is answered.
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::umask(077);
  std::signal(SIGPIPE, SIG_IGN);
}

int Notify(const ChannelMessage& message) {
  const absl::StatusOr<permissions::DesktopNotice> notice =
      permissions::NoticeFromJson(message.bytes);
  if (!notice.ok()) return kExitEnded;
  return ShowNotification(notice->text).ok() ? kExitAnswered : kExitUnavailable;
}

int AskPerson(const std::string& face, const UniqueFd& channel, const ChannelMessage& message,
              UniqueFd lent_terminal) {
  const absl::StatusOr<permissions::ConsentQuestion> question =
      permissions::QuestionFromJson(message.bytes);
  if (!question.ok()) return kExitEnded;

  const absl::Time deadline = TerminalNow() + question->timeout;
  const PeerEvidence evidence = GatherEvidence(message.attached.get());
  const FaceResult result =
      Ask(face, {*question, evidence, channel.get(), deadline}, std::move(lent_terminal));
  if (result.kind == FaceResult::Kind::kUnavailable) return kExitUnavailable;
  if (result.kind != FaceResult::Kind::kAnswered) return kExitEnded;
  const absl::Status sent =
      SendOnChannel(channel.get(), permissions::ToJson(result.answer), -1, -1, kAnswerWait);
  return sent.ok() ? kExitAnswered : kExitEnded;
}

int Lend() {
  Harden();
  const absl::StatusOr<Paths> paths = FindPaths();
  const absl::Status ended =
      paths.ok() ? LendTerminal(TerminalSocketPath(paths->runtime_dir)) : paths.status();
  if (ended.ok()) return kExitAnswered;
  std::fprintf(stderr, "postern consent: %s\n", std::string(ended.message()).c_str());
  return kExitEnded;
}

int Run(const std::string& face, bool notify, bool lent_terminal) {
  Harden();
  struct stat facts {};
  if (::fstat(kChannelFd, &facts) != 0 || !S_ISSOCK(facts.st_mode)) {
    std::fputs("postern-consent is started by posternd; it does nothing on its own.\n", stderr);
    return kExitUsage;
  }
  const UniqueFd channel(kChannelFd);
  ::fcntl(channel.get(), F_SETFD, FD_CLOEXEC);
  const absl::StatusOr<ChannelMessage> message =
      ReceiveFromChannel(channel.get(), -1, kQuestionWait);
  if (!message.ok()) return kExitEnded;
  UniqueFd terminal(lent_terminal ? kTerminalFd : -1);
  return notify ? Notify(*message) : AskPerson(face, channel, *message, std::move(terminal));
}

}  // namespace
}  // namespace postern::platform

int main(int argc, char** argv) {
  postern::platform::UseTranslations();
  CLI::App app{
      "Asks the person at this computer whether a program may be allowed. Started by posternd."};
  std::string face = "auto";
  app.add_option("--face", face, "Where to ask: a window where there is a display, or the terminal")
      ->check(CLI::IsMember({"auto", "window", "terminal"}));
  bool notify = false;
  app.add_flag("--notify", notify, "Show the notice that posternd hands over; exit 3: nobody can");
  bool lend = false;
  app.add_flag("--lend-terminal", lend,
               "Wait in this terminal, and lend it to posternd for its questions "
               "(postern consent --agent)");
  bool lent_terminal = false;
  app.add_flag("--lent-terminal", lent_terminal, "Ask on the terminal that is descriptor 4");
  CLI11_PARSE(app, argc, argv);
  if (lend) return postern::platform::Lend();
  return postern::platform::Run(face, notify, lent_terminal);
}
