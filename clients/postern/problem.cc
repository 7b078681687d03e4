// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/problem.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "clients/owner/visible_text.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/silence.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

constexpr char kAskAgain[] = "To be asked anew: `postern enroll --new-key`.";
constexpr char kIdsOfMessages[] =
    "`postern messages list CHAT --json` shows the ids of messages, files and poll options.";
constexpr char kLookAtDoctor[] = "Run `postern doctor`; it names what is wrong.";

std::string MetadataOf(const absl::Status& status, const std::string& key) {
  const auto info = sdk::ErrorInfoOf(status);
  if (!info.has_value()) return "";
  const auto place = info->metadata().find(key);
  return place == info->metadata().end() ? "" : VisibleText(place->second);
}

std::string LaterText(const absl::Status& status) {
  const absl::Duration wait = sdk::RetryAfterOf(status);
  return wait > absl::ZeroDuration() ? absl::StrCat("Try again in ", sdk::WaitInWords(wait), ".")
                                     : "Try again later.";
}

struct Unasked {
  const char* what;
  const char* next;
};

// Why the person could not be asked, by the "cause" of CONSENT_UNAVAILABLE. Nothing is allowed
// then.
Unasked WhyUnasked(const std::string& cause) {
  if (cause == "locked") {
    return {"You cannot be asked now: the screen is locked.", "Unlock it and run this again."};
  }
  if (cause == "other_session") {
    return {"You cannot be asked now: another session is in front.",
            "Switch to the one that posternd belongs to and run this again."};
  }
  if (cause == "agent_failed") {
    return {"Postern's question ended without an answer, so nothing was allowed.",
            "Run this again in some minutes; if it stays so, `postern doctor` says more."};
  }
  if (cause == "storage") {
    return {"Your answer could not be stored, so nothing was allowed.",
            "Make room on the disk and run this again."};
  }
  return {"Nobody can be asked now: posternd has no display and no terminal.",
          "Run `postern consent --agent` in a terminal, which then shows the questions, or start "
          "posternd in your desktop session."};
}

// Advice for a field that holds ids, which a person cannot know by heart; else nothing.
std::string WhereIdsAre(const std::string& field, Caller caller) {
  const bool ids = absl::EndsWith(field, "message_id") || field == "attachment_id" ||
                   field == "attachment_ids" || field == "option_ids";
  return ids && caller == Caller::kApp ? kIdsOfMessages : "";
}

Problem WithoutReason(const absl::Status& status) {
  const std::string message = VisibleText(std::string(status.message()));
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {ExitCode::kNotRunning, "NOT_RUNNING", "posternd does not run, or does not answer.",
              "Start it with `posternd`; `postern doctor` says more."};
    case absl::StatusCode::kUnauthenticated:
      return {ExitCode::kNotAllowed, "UNAUTHENTICATED",
              "The program behind the socket is not the broker whose certificate is pinned.",
              kLookAtDoctor};
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return {ExitCode::kUsage, "INVALID_ARGUMENT", message, ""};
    case absl::StatusCode::kDeadlineExceeded:
      return {ExitCode::kFailed, "DEADLINE_EXCEEDED", "posternd took too long to answer.",
              kLookAtDoctor};
    default:
      return {ExitCode::kFailed, absl::StatusCodeToString(status.code()),
              message.empty() ? absl::StatusCodeToString(status.code()) : message, kLookAtDoctor};
  }
}

}  // namespace

Problem Explain(const absl::Status& status, Caller caller) {
  const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
  if (reason == v1::ERROR_REASON_UNSPECIFIED) return WithoutReason(status);

  Problem problem;
  problem.reason = std::string(absl::StripPrefix(v1::ErrorReason_Name(reason), "ERROR_REASON_"));
  const auto say = [&problem](ExitCode code, std::string what, std::string next) {
    problem.exit_code = code;
    problem.what = std::move(what);
    problem.next = std::move(next);
    return problem;
  };
  switch (reason) {
    case v1::ERROR_REASON_ENROLLMENT_REQUIRED:
      if (caller == Caller::kOwner) {
        return say(ExitCode::kNotAllowed, "posternd does not know the owner's key of this keyring.",
                   "Was posternd started with another profile or session bus? Restart it in this "
                   "session, or run `postern doctor`.");
      }
      return say(ExitCode::kNotAllowed, "This program is not enrolled.",
                 "Run `postern enroll`; you will be asked whether to allow it.");
    case v1::ERROR_REASON_CLIENT_CERTIFICATE_REQUIRED:
      return say(ExitCode::kNotAllowed, "posternd refused this program's certificate.", kAskAgain);
    case v1::ERROR_REASON_GRANT_REVOKED:
      return say(ExitCode::kNotAllowed,
                 "The access was taken back: nothing more is received or sent.", kAskAgain);
    case v1::ERROR_REASON_GRANT_SUSPENDED:
      return say(ExitCode::kNotAllowed, "The access is suspended for now.",
                 "`postern grants list` shows it, `postern grants resume` ends the pause.");
    case v1::ERROR_REASON_GRANT_EXPIRED:
      return say(ExitCode::kNotAllowed, "The time that was allowed has passed.", kAskAgain);
    case v1::ERROR_REASON_SCOPE_REQUIRED: {
      const std::string scope = MetadataOf(status, "scope");
      return say(ExitCode::kNotAllowed,
                 scope.empty() ? "This was not allowed when the question was answered."
                               : absl::StrCat("“", scope,
                                              "” was not allowed when the question was answered."),
                 kAskAgain);
    }
    case v1::ERROR_REASON_ROLE_REQUIRED:
      return say(ExitCode::kNotAllowed, "This kind of program may not do that.",
                 "Apps and gatekeepers are allowed apart: see `role` in the program's manifest.");
    case v1::ERROR_REASON_CONSENT_REFUSED:
      return say(ExitCode::kNotAllowed, "The question was answered with no, or not at all.",
                 "Nothing was allowed. Run the command again to be asked again.");
    case v1::ERROR_REASON_CONSENT_SILENCED:
      return say(ExitCode::kNotAllowed,
                 "You were asked a short while ago, or have said no to this program often.",
                 LaterText(status));
    case v1::ERROR_REASON_CONSENT_UNAVAILABLE: {
      const Unasked unasked = WhyUnasked(MetadataOf(status, "cause"));
      return say(ExitCode::kNotAllowed, unasked.what, unasked.next);
    }
    case v1::ERROR_REASON_INVALID_FIELD:
      // The broker's sentence names the field and says what is wrong with it.
      return say(
          ExitCode::kUsage,
          absl::StrCat("posternd refused this: ", VisibleText(std::string(status.message())), "."),
          WhereIdsAre(MetadataOf(status, "field"), caller));
    case v1::ERROR_REASON_INVALID_PAGE_TOKEN:
      return say(ExitCode::kUsage, "The page token is not valid here.", "Start the list anew.");
    case v1::ERROR_REASON_INVALID_CURSOR:
      return say(ExitCode::kUsage, "The cursor is not one of this program's.",
                 "Leave it out, or use a cursor that this program was sent.");
    case v1::ERROR_REASON_CURSOR_TOO_OLD:
      return say(ExitCode::kFailed, "What followed this cursor is no longer kept.",
                 "Start with --from-oldest.");
    case v1::ERROR_REASON_NOT_FOUND:
      return say(ExitCode::kUsage, "There is no such thing, or this program may not know of it.",
                 caller == Caller::kOwner
                     ? "`postern grants list`, `apps list` and `chats list` show what there is."
                     : "`postern chats list --granted` shows what this program may see, "
                       "`messages list CHAT --json` the ids in a chat.");
    case v1::ERROR_REASON_VERSION_MISMATCH:
      return say(ExitCode::kFailed,
                 "`postern` and posternd speak different versions of the contract.",
                 "Update both, then restart posternd.");
    case v1::ERROR_REASON_NOT_SUPPORTED_BY_CHAT:
      return say(ExitCode::kFailed, "The chat's network cannot do this.",
                 "`postern chats list --granted --json` shows what each chat can do.");
    case v1::ERROR_REASON_NOT_IMPLEMENTED_YET:
      return say(ExitCode::kFailed, "This version of posternd cannot do this yet.",
                 "Update posternd, then restart it.");
    case v1::ERROR_REASON_GATEKEEPER_OFFLINE:
      return say(ExitCode::kFailed, "No messaging client is attached for this account.",
                 "Start the account's client or adapter; `postern status` shows the accounts.");
    case v1::ERROR_REASON_ACCOUNT_ALREADY_SERVED:
      return say(ExitCode::kFailed, "Another adapter serves this account.", "Stop it first.");
    case v1::ERROR_REASON_LIMIT_EXCEEDED:
      return say(ExitCode::kFailed, "A limit was reached.", LaterText(status));
    case v1::ERROR_REASON_REQUEST_ID_CONFLICT:
      return say(ExitCode::kFailed,
                 "This request id was used for something else, or is still at work.",
                 "Use another --request-id, or wait for the first call.");
    case v1::ERROR_REASON_OUTCOME_UNKNOWN:
      return say(
          ExitCode::kFailed,
          "A crash cut this request: whether it took effect is not known. It was not repeated.",
          "Look into the chat before you send again.");
    case v1::ERROR_REASON_PAUSED:
      return say(ExitCode::kNotAllowed, "All apps are paused.", "`postern resume` ends the pause.");
    case v1::ERROR_REASON_SHUTTING_DOWN:
      return say(ExitCode::kNotRunning, "posternd is stopping.", "Start it again.");
    case v1::ERROR_REASON_LOG_DAMAGED:
      return say(ExitCode::kFailed, "The event log failed its checks and takes no more writes.",
                 kLookAtDoctor);
    case v1::ERROR_REASON_STORAGE_UNAVAILABLE:
      return say(ExitCode::kFailed, "The disk is full or read-only; nothing was lost.",
                 "Make room, then try again.");
    case v1::ERROR_REASON_SUBSCRIPTION_IN_USE:
      return say(ExitCode::kFailed, "A live stream already uses this subscription name.",
                 "Stop the other one, or choose another --subscription.");
    case v1::ERROR_REASON_GATEKEEPER_REFUSED:
      return say(ExitCode::kFailed, "The messaging client refused this for good.",
                 "Trying again changes nothing; do it in the client itself.");
    case v1::ERROR_REASON_GATEKEEPER_RETRY:
      return say(ExitCode::kFailed, "The messaging client could not do it now.",
                 "Try again with the same --request-id: it is never sent twice.");
    case v1::ERROR_REASON_READER_STALLED:
      return say(ExitCode::kFailed, "This program read too slowly and was disconnected.",
                 "Run it again; a named subscription goes on where it stopped.");
    case v1::ERROR_REASON_LOOP:
      return say(ExitCode::kFailed, "Apps repeat each other here, so this message was not sent on.",
                 LaterText(status));
    case v1::ERROR_REASON_ATTACHMENT_MISMATCH:
      return say(
          ExitCode::kFailed, "The file is not what was said of it, so it was thrown away.",
          "Try again; if it stays so, the sender's client names a wrong size, type or hash.");
    default:
      break;
  }
  const std::string id = MetadataOf(status, "id");
  return say(ExitCode::kFailed, VisibleText(std::string(status.message())),
             id.empty() ? kLookAtDoctor
                        : absl::StrCat("posternd's journal has the details under ", id, "."));
}

}  // namespace postern::cli
