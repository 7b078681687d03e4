// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/consent_face.h"

#include <absl/strings/ascii.h>

#include "permissions/display_text.h"
#include "platform/linux/consent_texts.h"

namespace postern::platform {

using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;

ConsentAnswer RefusalOf(const FaceInput& input) {
  ConsentAnswer answer;
  answer.question_id = input.question.question_id;
  answer.question_sha256 = permissions::Sha256Of(input.question);
  answer.decision = ConsentDecision::kRefuse;
  if (!input.evidence.executable.empty()) answer.executable = input.evidence.executable;
  const std::string origin = OriginOf(input.evidence);
  if (!origin.empty()) answer.origin = origin;
  return answer;
}

std::string NameFrom(const ConsentQuestion& question, absl::string_view typed) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(typed);
  if (!trimmed.empty()) return permissions::CleanName(std::string(trimmed));
  if (!question.known_name.empty()) return question.known_name;
  if (!question.looks_like.empty() || question.mixed_script) return "";
  return question.claimed_name;
}

permissions::Validity ValidityFrom(size_t choice, absl::Time now) {
  const texts::DurationChoice& chosen = texts::DurationChoices().at(choice);
  permissions::Validity validity;
  validity.kind = chosen.kind;
  if (chosen.kind == permissions::ValidityKind::kUntil) {
    // Whole seconds, as the answer is written.
    validity.expire_time = absl::FromUnixSeconds(absl::ToUnixSeconds(now + chosen.length));
  }
  return validity;
}

absl::Time HistoryStartFrom(size_t choice, absl::Time now) {
  const absl::Duration length = texts::HistoryChoices().at(choice).length;
  if (length == absl::InfiniteDuration()) return absl::InfinitePast();
  return absl::FromUnixSeconds(absl::ToUnixSeconds(now - length));
}

}  // namespace postern::platform
