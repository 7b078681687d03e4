// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/problem_words.h"

#include "clients/owner/visible_text.h"
#include "clients/sdk/errors.h"
#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

std::string Message(const absl::Status& status) {
  return Tr(owner::VisibleText(std::string(status.message())).c_str());
}

// For CONSENT_UNAVAILABLE.
std::string WhyNotAsked(const absl::Status& status) {
  std::string why;
  if (const auto info = sdk::ErrorInfoOf(status); info.has_value()) {
    const auto cause = info->metadata().find("cause");
    if (cause != info->metadata().end()) why = cause->second;
  }
  if (why == "agent_failed") {
    return Tr(
        "Postern's question ended without an answer. Try again in some minutes; if it stays "
        "so, run “postern doctor”.");
  }
  if (why == "no_display") {
    return Tr(
        "Postern has nowhere to show its question. Start “posternd” in your desktop session, "
        "or run “postern consent --agent” in a terminal.");
  }
  if (why == "storage") {
    return Tr("Your answer could not be stored: the disk is full or read-only.");
  }
  return Tr("You cannot be asked now: unlock the screen and be at this session.");
}

}  // namespace

ProblemWords WhyNothingIsShown(const absl::Status& status) {
  const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
  if (reason == v1::ERROR_REASON_SHUTTING_DOWN ||
      (reason == v1::ERROR_REASON_UNSPECIFIED && absl::IsUnavailable(status))) {
    return {
        Tr("Postern is not running"),
        Tr("No app can see your chats while it is off. To start it, run “posternd”. This window "
           "looks again by itself.")};
  }
  if (reason == v1::ERROR_REASON_ENROLLMENT_REQUIRED) {
    return {Tr("Postern does not know this keyring"),
            Tr("It was started with another profile or session. Start “posternd” again in this "
               "session, or run “postern doctor”.")};
  }
  if (reason == v1::ERROR_REASON_UNSPECIFIED && absl::IsUnauthenticated(status)) {
    return {Tr("This is not the Postern you know"),
            Tr("Another program sits behind Postern's socket. Nothing was told to it. Run “postern "
               "doctor”; it names what is wrong.")};
  }
  if (reason == v1::ERROR_REASON_UNSPECIFIED && absl::IsFailedPrecondition(status)) {
    return {Tr("Your keys cannot be read"), Message(status)};
  }
  if (absl::IsDeadlineExceeded(status)) {
    return {Tr("Postern does not answer"),
            Tr("It runs, and took too long. This window tries again by itself.")};
  }
  if (reason == v1::ERROR_REASON_CONSENT_REFUSED) {
    return {Tr("Nothing is shown"), Tr("You said no, or did not answer.")};
  }
  if (reason == v1::ERROR_REASON_CONSENT_UNAVAILABLE) {
    return {Tr("You cannot be asked"), WhyNotAsked(status)};
  }
  if (reason == v1::ERROR_REASON_CONSENT_SILENCED) {
    return {Tr("Nothing is shown"), Tr("Too much was asked at once. Try again later.")};
  }
  return {Tr("Postern could not say"), Message(status)};
}

std::string WhyNotDone(const absl::Status& status) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_CONSENT_REFUSED:
      return Tr("You said no, or did not answer. Nothing was changed.");
    case v1::ERROR_REASON_CONSENT_UNAVAILABLE:
      return WhyNotAsked(status);
    case v1::ERROR_REASON_CONSENT_SILENCED:
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
      return Tr("Too much was asked at once. Try again later.");
    case v1::ERROR_REASON_NOT_FOUND:
      return Tr("It is gone already.");
    case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
      return Tr("The disk is full or read-only. Nothing was changed.");
    case v1::ERROR_REASON_UNSPECIFIED:
      if (absl::IsUnavailable(status)) return Tr("Postern is not running. Nothing was changed.");
      if (absl::IsDeadlineExceeded(status)) return Tr("Postern took too long to answer.");
      break;
    default:
      break;
  }
  return FillIn(Tr("That did not work: $0"), Message(status));
}

}  // namespace postern::settings
