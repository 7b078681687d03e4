// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/problem.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/silence.h"

namespace postern::assistant {
namespace {

std::string Metadata(const absl::Status& status, const std::string& key) {
  const auto info = sdk::ErrorInfoOf(status);
  if (!info.has_value()) return "";
  const auto found = info->metadata().find(key);
  return found == info->metadata().end() ? "" : found->second;
}

std::string When(const absl::Status& status) {
  const absl::Duration wait = sdk::RetryAfterOf(status);
  return wait > absl::ZeroDuration() ? absl::StrCat("Try again in ", sdk::WaitInWords(wait), ".")
                                     : "Try again later.";
}

std::string WithoutReason(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "posternd does not run, or does not answer. Start it; `postern doctor` says more.";
    case absl::StatusCode::kDeadlineExceeded:
      return "posternd took too long to answer. Try again; `postern doctor` says more.";
    default:
      return MessageOf(status);
  }
}

}  // namespace

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

bool IsNo(const absl::Status& status) {
  return sdk::ErrorReasonOf(status) == v1::ERROR_REASON_CONSENT_REFUSED ||
         sdk::AccessIsOver(status);
}

std::string Problem(const absl::Status& status) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_UNSPECIFIED:
      return WithoutReason(status);
    case v1::ERROR_REASON_INVALID_FIELD:
      // An id of nothing and an id of what is closed are the same to a model.
      if (!absl::EndsWith(Metadata(status, "field"), "_id")) return MessageOf(status);
      [[fallthrough]];
    case v1::ERROR_REASON_NOT_FOUND:
      return "There is no such thing, or the user has not opened it to this assistant. list_chats "
             "and list_messages show what is open, and its ids.";
    case v1::ERROR_REASON_SCOPE_REQUIRED:
      return absl::StrCat("The user has not allowed this assistant '", Metadata(status, "scope"),
                          "'. They can, by running `postern-assistant --allow`.");
    case v1::ERROR_REASON_GRANT_REVOKED:
      return "The user took the access back. If they want it again: `postern-assistant --allow`, "
             "then start the assistant anew.";
    case v1::ERROR_REASON_GRANT_EXPIRED:
      return "The time that the user allowed has passed. If they want more: `postern-assistant "
             "--allow`.";
    case v1::ERROR_REASON_GRANT_SUSPENDED:
      return "The user suspended this assistant for now, or has locked the screen. Try again "
             "later.";
    case v1::ERROR_REASON_PAUSED:
      return "The user paused all apps. `postern resume` ends that.";
    case v1::ERROR_REASON_CONSENT_REFUSED:
      return "The user did not allow this assistant. If they change their mind: `postern-assistant "
             "--allow`, then start the assistant anew.";
    case v1::ERROR_REASON_CONSENT_SILENCED:
      return absl::StrCat("The user cannot be asked just now: ", sdk::SilenceInWords(status), ".");
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
      return absl::StrCat("A limit is used up: that was too often, or too much. ", When(status));
    case v1::ERROR_REASON_CONSENT_UNAVAILABLE:
      return "The user cannot be asked now: the screen is locked, or posternd has no display and "
             "no terminal (`postern consent --agent` opens one). Try again later.";
    case v1::ERROR_REASON_INVALID_PAGE_TOKEN:
      return "page_token: not one of this list's. Leave it out to begin with the first page.";
    case v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT:
      return absl::StrCat("This chat's network cannot do that (", Metadata(status, "capability"),
                          ").");
    case v1::ERROR_REASON_GATEKEEPER_OFFLINE:
    case v1::ERROR_REASON_GATEKEEPER_RETRY:
      return "The messaging client is not connected now. Try again later, with the same "
             "request_id.";
    case v1::ERROR_REASON_REQUEST_ID_CONFLICT:
      return "request_id: its first send still runs, or it was used for something else. Take "
             "another one only for another message.";
    case v1::ERROR_REASON_OUTCOME_UNKNOWN:
      return "A crash cut the send, and whether it went out is not known. list_messages shows it "
             "if it "
             "did; do not send it again before the user has looked.";
    case v1::ERROR_REASON_ATTACHMENT_MISMATCH:
      return "The file that came is not the one that was announced, so it is not given out.";
    case v1::ERROR_REASON_LOOP:
      return "This text goes round in circles between apps and was stopped.";
    default:
      return MessageOf(status);
  }
}

}  // namespace postern::assistant
