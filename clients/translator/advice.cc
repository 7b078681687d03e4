// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/advice.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "clients/sdk/errors.h"
#include "clients/sdk/silence.h"

namespace postern::translator {
namespace {

std::string Later(const absl::Status& status) {
  const absl::Duration wait = sdk::RetryAfterOf(status);
  if (wait == absl::ZeroDuration()) return "Try again later.";
  return absl::StrCat("Try again in ", sdk::WaitInWords(wait), ".");
}

std::string Sentence(std::string words) {
  words.front() = absl::ascii_toupper(static_cast<unsigned char>(words.front()));
  return words + ".";
}

std::string AskAgain(const std::string& folder) {
  if (folder.empty()) return "";
  return absl::StrCat(" To be asked anew, remove the folder ", folder, " and start it again.");
}

}  // namespace

Advice AdviceFor(const absl::Status& status, const std::string& folder) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_GRANT_REVOKED:
      return {kNotAllowed, absl::StrCat("The access was taken back.", AskAgain(folder))};
    case v1::ERROR_REASON_GRANT_EXPIRED:
      return {kNotAllowed, absl::StrCat("The time that you allowed has passed.", AskAgain(folder))};
    case v1::ERROR_REASON_GRANT_SUSPENDED:
      return {kFailed, "The access is suspended. `postern grants resume` ends that."};
    case v1::ERROR_REASON_SCOPE_REQUIRED: {
      const auto info = sdk::ErrorInfoOf(status);
      const auto scope = info->metadata().find("scope");
      const std::string name = scope == info->metadata().end() ? "this" : scope->second;
      if (name == "messages:send.ask" || name == "messages:send") {
        return {kNotAllowed,
                "Answers are not allowed. `postern-translator allow-answers` asks you."};
      }
      return {kNotAllowed, absl::StrCat("“", name, "” is not allowed.", AskAgain(folder))};
    }
    case v1::ERROR_REASON_CONSENT_REFUSED:
      return {
          kNotAllowed,
          "The question was answered with no, or not at all. Start it again to be asked again."};
    case v1::ERROR_REASON_CONSENT_SILENCED:
      return {kFailed, Sentence(sdk::SilenceInWords(status))};
    case v1::ERROR_REASON_CONSENT_UNAVAILABLE:
      return {kFailed,
              "Nobody can be asked now. Unlock the screen, or run `postern consent --agent` in a "
              "terminal, and start it again."};
    case v1::ERROR_REASON_SUBSCRIPTION_IN_USE:
      return {kFailed,
              "Another postern-translator is running already. Stop that one first (`systemctl "
              "--user stop postern-translator`)."};
    case v1::ERROR_REASON_PAUSED:
      return {kFailed, "All apps are paused. `postern resume` ends that."};
    case v1::ERROR_REASON_GATEKEEPER_OFFLINE:
      return {kFailed, "The messaging client of this chat is not running. Start it."};
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
      return {kFailed, absl::StrCat("A limit of what you allowed is reached. ", Later(status))};
    case v1::ERROR_REASON_LOOP:
      return {kFailed,
              absl::StrCat("Apps answer each other in this chat, so it was held. ", Later(status))};
    case v1::ERROR_REASON_NOT_FOUND:
      return {kFailed, "The chat or message is not open to this program any more."};
    case v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT:
      return {kFailed, "The chat's network does not carry this."};
    case v1::ERROR_REASON_GATEKEEPER_REFUSED:
      return {kFailed, "The messaging client refused it. Look into the chat there."};
    case v1::ERROR_REASON_OUTCOME_UNKNOWN:
      return {kFailed,
              "Whether it was sent is not known. Look into the chat before you send again."};
    case v1::ERROR_REASON_VERSION_MISMATCH:
      return {kFailed, "posternd speaks another version. Update both."};
    default:
      break;
  }
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {kNotRunning,
              "posternd does not run, or does not answer. Start it with `posternd`; `postern "
              "doctor` says more."};
    case absl::StatusCode::kUnauthenticated:
      return {kNotAllowed,
              "The program behind the socket is not your posternd. Run `postern doctor`."};
    case absl::StatusCode::kPermissionDenied:
      return {kNotAllowed, absl::StrCat(message, AskAgain(folder))};
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return {kUsage, message};
    default:
      return {kFailed, message.empty() ? "It did not work. Run `postern doctor`." : message};
  }
}

}  // namespace postern::translator
