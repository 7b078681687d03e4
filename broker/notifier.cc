// SPDX-License-Identifier: Apache-2.0
#include "broker/notifier.h"

#include <utility>

#include "broker/agent_process.h"
#include "permissions/desktop_notice.h"
#include "permissions/display_text.h"
#include "platform/linux/message_channel.h"
#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::broker {
namespace {

// A desktop that does not answer within these is taken for none.
constexpr absl::Duration kSendTimeout = absl::Seconds(5);
constexpr absl::Duration kShowTimeout = absl::Seconds(15);
// What a notification bubble shows of a text.
constexpr size_t kShownGraphemesMax = 400;

}  // namespace

absl::Status NotifierProcess::Notify(const std::string& text,
                                     const ConsentCancellation& cancellation) {
  if (cancellation.cancelled()) return absl::CancelledError("stopping");
  ASSIGN_OR_RETURN(auto ends, platform::MakeChannel());
  const platform::UniqueFd channel = std::move(ends.first);
  ASSIGN_OR_RETURN(AgentProcess agent,
                   AgentProcess::Spawn(agent_, {"--notify"}, std::move(ends.second)));
  const permissions::DesktopNotice notice{permissions::CleanText(text, kShownGraphemesMax)};
  RETURN_IF_ERROR(platform::SendOnChannel(channel.get(), permissions::ToJson(notice), -1,
                                          cancellation.fd(), kSendTimeout));
  // It says nothing, and closes its end when it is done; how it ends is the answer.
  const absl::Status closed =
      platform::ReceiveFromChannel(channel.get(), cancellation.fd(), kShowTimeout).status();
  if (!absl::IsUnavailable(closed)) {
    return absl::IsCancelled(closed) ? closed
                                     : absl::UnavailableError("the desktop does not answer");
  }
  if (agent.Finish() == 0) return absl::OkStatus();
  return absl::UnavailableError("there is no notification service");
}

}  // namespace postern::broker
