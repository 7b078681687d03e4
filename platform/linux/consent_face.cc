// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/consent_face.h"

#include <absl/time/clock.h>

#include "platform/linux/message_channel.h"
#include "platform/status_macros.h"

namespace postern::platform {
namespace {

// The broker reads a draft at once or is gone.
constexpr absl::Duration kDraftWait = absl::Seconds(2);
// It looks through some hundred messages for a reply.
constexpr absl::Duration kPreviewWait = absl::Seconds(5);

}  // namespace

permissions::ConsentAnswer RefusalOf(const FaceInput& input) {
  permissions::ConsentAnswer answer;
  answer.question_id = input.question.question_id;
  answer.question_sha256 = permissions::Sha256Of(input.question);
  answer.decision = permissions::ConsentDecision::kRefuse;
  if (!input.evidence.executable.empty()) answer.executable = input.evidence.executable;
  const std::string origin = OriginOf(input.evidence);
  if (!origin.empty()) answer.origin = origin;
  return answer;
}

absl::Status SendDraft(const FaceInput& input, const Choices& choices) {
  permissions::ConsentAnswer draft = RefusalOf(input);
  Allow(input.question, choices, absl::Now(), permissions::ConsentDecision::kDraft, draft);
  return SendOnChannel(input.channel, permissions::ToJson(draft), -1, -1, kDraftWait);
}

absl::StatusOr<permissions::ConsentPreview> ReceivePreview(const FaceInput& input) {
  ASSIGN_OR_RETURN(const ChannelMessage message,
                   ReceiveFromChannel(input.channel, -1, kPreviewWait));
  return permissions::PreviewFromJson(message.bytes);
}

}  // namespace postern::platform
