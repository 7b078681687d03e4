// SPDX-License-Identifier: Apache-2.0
#include "broker/consent_process.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/agent_process.h"
#include "broker/lent_terminal.h"
#include "platform/linux/message_channel.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using platform::UniqueFd;

// Written to a process that starts: the agent reads at once or is broken.
constexpr absl::Duration kSendTimeout = absl::Seconds(10);
// The agent ends the question itself, at its time; this is for one that hangs.
constexpr absl::Duration kAnswerGrace = absl::Seconds(10);

const char* FaceName(ConsentFace face) {
  switch (face) {
    case ConsentFace::kWindow:
      return "window";
    case ConsentFace::kTerminal:
      return "terminal";
    case ConsentFace::kAuto:
      break;
  }
  return "auto";
}

// Whether there is no window to ask in.
bool AsksInTerminal(ConsentFace face) {
  if (face != ConsentFace::kAuto) return face == ConsentFace::kTerminal;
  for (const char* name : {"WAYLAND_DISPLAY", "DISPLAY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return false;
  }
  return true;
}

ConsentOutcome NoAnswer(ConsentOutcome::Kind kind) { return {kind, {}}; }

// Reads until the answer comes, and answers drafts until then. Errors as ReceiveFromChannel, and
// INVALID_ARGUMENT when what came is no answer.
absl::StatusOr<permissions::ConsentAnswer> Listen(int channel,
                                                  const permissions::ConsentQuestion& question,
                                                  const ConsentCancellation& cancellation,
                                                  const ConsentPreviewer& preview) {
  const absl::Time deadline = platform::ChannelNow() + question.timeout + kAnswerGrace;
  for (int drafts = 0; drafts <= kPreviewDraftsMax; ++drafts) {
    ASSIGN_OR_RETURN(const platform::ChannelMessage message,
                     platform::ReceiveFromChannel(channel, cancellation.fd(),
                                                  deadline - platform::ChannelNow()));
    ASSIGN_OR_RETURN(permissions::ConsentAnswer answer, permissions::AnswerFromJson(message.bytes));
    if (answer.decision != permissions::ConsentDecision::kDraft) return answer;
    permissions::ConsentPreview shown;
    if (preview) shown = preview(answer);
    RETURN_IF_ERROR(platform::SendOnChannel(channel, permissions::ToJson(shown), -1,
                                            cancellation.fd(), kSendTimeout));
  }
  return absl::InvalidArgumentError("more drafts than a person makes");
}

}  // namespace

ConsentCancellation::ConsentCancellation() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void ConsentCancellation::Cancel() {
  const uint64_t one = 1;
  // It can only fail when the counter is full, and then it is cancelled already.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof(one));
}

bool ConsentCancellation::cancelled() const {
  pollfd state{event_.get(), POLLIN, 0};
  return ::poll(&state, 1, 0) > 0;
}

ConsentOutcome ConsentProcess::Ask(const permissions::ConsentQuestion& question, UniqueFd pidfd,
                                   const ConsentCancellation& cancellation,
                                   const ConsentPreviewer& preview) {
  using Kind = ConsentOutcome::Kind;
  if (cancellation.cancelled()) return NoAnswer(Kind::kCancelled);
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = platform::MakeChannel();
  if (!ends.ok()) return NoAnswer(Kind::kFailed);
  const UniqueFd channel = std::move(ends->first);
  std::vector<std::string> arguments = {absl::StrCat("--face=", FaceName(face_))};
  // Held until the question is over: the lender waits for that.
  absl::StatusOr<LentTerminal> lent = absl::UnavailableError("none is needed");
  if (!terminal_socket_.empty() && AsksInTerminal(face_)) {
    lent = BorrowTerminal(terminal_socket_, cancellation.fd(), question.timeout);
    if (absl::IsCancelled(lent.status())) return NoAnswer(Kind::kCancelled);
    if (absl::IsDeadlineExceeded(lent.status())) return NoAnswer(Kind::kExpired);
  }
  if (lent.ok()) arguments = {"--face=terminal", "--lent-terminal"};
  absl::StatusOr<AgentProcess> agent =
      AgentProcess::Spawn(agent_, std::move(arguments), std::move(ends->second),
                          lent.ok() ? std::move(lent->terminal) : UniqueFd());
  if (!agent.ok()) return NoAnswer(Kind::kUnavailable);

  const absl::Status sent = platform::SendOnChannel(channel.get(), permissions::ToJson(question),
                                                    pidfd.get(), cancellation.fd(), kSendTimeout);
  if (absl::IsCancelled(sent)) return NoAnswer(Kind::kCancelled);
  if (!sent.ok()) return NoAnswer(Kind::kFailed);
  // Ours was only for the agent; held longer it would keep nothing useful.
  pidfd.Reset();

  const absl::StatusOr<permissions::ConsentAnswer> answer =
      Listen(channel.get(), question, cancellation, preview);
  if (absl::IsCancelled(answer.status())) return NoAnswer(Kind::kCancelled);
  if (absl::IsDeadlineExceeded(answer.status())) return NoAnswer(Kind::kExpired);
  if (absl::IsUnavailable(answer.status())) {
    return NoAnswer(agent->Finish() == kAgentExitUnavailable ? Kind::kUnavailable : Kind::kFailed);
  }
  // The agent is ours, and yet not believed: its answer must fit this very question.
  if (!answer.ok() || !permissions::CheckAnswer(question, *answer, absl::Now()).ok()) {
    return NoAnswer(Kind::kFailed);
  }
  agent->Finish();
  if (cancellation.cancelled()) return NoAnswer(Kind::kCancelled);
  const bool expired = answer->decision == permissions::ConsentDecision::kExpired;
  return {expired ? Kind::kExpired : Kind::kAnswered, *answer};
}

}  // namespace postern::broker
