// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/answers.h"

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "clients/sdk/errors.h"
#include "clients/translator/access.h"
#include "clients/translator/advice.h"
#include "clients/translator/language_guess.h"

namespace postern::translator {
namespace {

// Older messages can no longer be answered by their number.
constexpr size_t kNumberedMax = 1000;
constexpr char kHowTo[] =
    "To answer, type the number of a message, a space, and your answer in your own language.";

// What the user is told of an answer that failed. Without a reason nobody knows what became of it.
std::string Failed(const absl::Status& status) {
  const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
  const bool cut = reason == v1::ERROR_REASON_UNSPECIFIED &&
                   (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status));
  const std::string line = AdviceFor(status).line;
  if (cut) return absl::StrCat(line, " Look into the chat before you send again.");
  return reason == v1::ERROR_REASON_OUTCOME_UNKNOWN ? line : absl::StrCat("Not sent. ", line);
}

}  // namespace

int Answers::Number(To to) {
  std::lock_guard lock(mutex_);
  numbered_.push_back(std::move(to));
  if (numbered_.size() > kNumberedMax) numbered_.pop_front();
  return ++last_number_;
}

void Answers::Typed(const std::string& line) {
  const std::string text(absl::StripAsciiWhitespace(line));
  std::optional<v1::SendMessageRequest> confirmed;
  std::optional<To> to;
  const size_t space = text.find(' ');
  int number = 0;
  {
    std::lock_guard lock(mutex_);
    if (text == "y" || text == "yes") confirmed = unconfirmed_;
    unconfirmed_.reset();
    if (space != std::string::npos && absl::SimpleAtoi(text.substr(0, space), &number)) {
      const int oldest = last_number_ - static_cast<int>(numbered_.size()) + 1;
      if (number >= oldest && number <= last_number_) {
        to = numbered_[static_cast<size_t>(number - oldest)];
      }
    }
  }
  if (confirmed.has_value()) {
    if (const auto status = Send(*confirmed); !status.ok()) {
      screen_.Note(Failed(status));
    }
  } else if (to.has_value()) {
    if (const auto offered = Offer(*to, text.substr(space + 1)); !offered.ok()) {
      screen_.Note(Failed(offered.status()));
    }
  } else if (text == "n" || text == "no") {
    screen_.Note("Not sent.");
  } else if (!text.empty()) {
    screen_.Note(kHowTo);
  }
}

absl::StatusOr<bool> Answers::Offer(const To& to, const std::string& text) {
  // Somebody may answer in the other's language, or in a third one.
  const Language from = DetectLanguage(text).value_or(own_);
  absl::StatusOr<std::string> translated = text;
  if (from != to.language) translated = engine_.Translate(text, from, to.language);
  // UNAVAILABLE would be taken for posternd's.
  if (!translated.ok()) return absl::FailedPreconditionError(translated.status().message());
  screen_.Message(absl::StrCat("    ", NameOf(to.language), ": ", Printable(*translated)));

  v1::SendMessageRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_chat_id(to.chat_id);
  request.set_reply_to_message_id(to.message_id);
  request.set_text(*translated);
  const auto unasked = MayWriteUnasked(client_, to.chat_id);
  if (!unasked.ok()) return unasked.status();
  if (*unasked) {
    screen_.Note("Send this? Type y to send it, anything else not to.");
    std::lock_guard lock(mutex_);
    unconfirmed_ = std::move(request);
    return false;
  }
  if (const absl::Status status = Send(request); !status.ok()) return status;
  return true;
}

absl::Status Answers::Send(const v1::SendMessageRequest& request) {
  {
    // Before the call: the end may be told before the call is over.
    std::lock_guard lock(mutex_);
    open_.insert(request.request_id());
  }
  const auto sent = client_.SendMessage(request);
  const bool pending = sent.ok() && sent->state() == v1::SEND_STATE_PENDING;
  if (!pending) {
    std::lock_guard lock(mutex_);
    open_.erase(request.request_id());
  }
  if (!sent.ok()) return sent.status();
  screen_.Note(pending ? "Postern shows it to you now and asks whether to send it." : "Sent.");
  return absl::OkStatus();
}

bool Answers::waiting() {
  std::lock_guard lock(mutex_);
  return !open_.empty();
}

void Answers::Ended(const v1::Event& event) {
  if (!event.has_request_completed()) return;
  const v1::RequestCompleted& end = event.request_completed();
  {
    std::lock_guard lock(mutex_);
    if (open_.erase(end.request_id()) == 0) return;
  }
  switch (end.outcome()) {
    case v1::RequestCompleted::OUTCOME_DONE:
      screen_.Note("Sent.");
      break;
    case v1::RequestCompleted::OUTCOME_REFUSED:
      screen_.Note("Not sent: you said no, or did not answer.");
      break;
    case v1::RequestCompleted::OUTCOME_UNKNOWN:
      screen_.Note("Whether it was sent is not known. Look into the chat before you send again.");
      break;
    default:
      screen_.Note("Not sent: the messaging client refused. Look into the chat there.");
      break;
  }
}

}  // namespace postern::translator
