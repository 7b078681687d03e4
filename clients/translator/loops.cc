// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/loops.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "clients/sdk/errors.h"
#include "clients/sdk/silence.h"
#include "clients/translator/access.h"
#include "clients/translator/advice.h"
#include "clients/translator/patience.h"

namespace postern::translator {
namespace {

// When a chat in which it could not be looped is tried again, at the earliest.
constexpr absl::Duration kTryAgainAfter = absl::Minutes(1);

// Whether the user may still be asked, or asked anew, without doing anything here.
bool IsWorthAnotherTry(const absl::Status& status) {
  return sdk::CanBeAskedLater(status) || PassesByItself(status);
}

std::string WhyNotYet(const absl::Status& status) {
  switch (sdk::ErrorReasonOf(status)) {
    case v1::ERROR_REASON_CONSENT_SILENCED:
      return "You were asked something a short while ago.";
    case v1::ERROR_REASON_CONSENT_UNAVAILABLE:
      return "Nobody can be asked now: unlock the screen, or run `postern consent --agent` in a "
             "terminal.";
    default:
      return AdviceFor(status).line;
  }
}

}  // namespace

void Loops::Begin(const Config& config) {
  for (const auto& [name, languages] : config.loops) Try(name, languages);
}

void Loops::AskAgain() {
  if (unasked_.empty() || std::chrono::steady_clock::now() < ask_again_) return;
  for (const auto& [name, languages] : std::exchange(unasked_, {})) Try(name, languages);
}

void Loops::Try(const std::string& name, const std::vector<Language>& languages) {
  const absl::Status status = Enter(name, languages);
  if (status.ok()) {
    screen_.Note(absl::StrCat(Printable(name), ": looped in; translations are posted there."));
  } else if (IsWorthAnotherTry(status)) {
    const absl::Duration wait =
        std::max(kTryAgainAfter, absl::Ceil(sdk::RetryAfterOf(status), absl::Seconds(1)));
    unasked_[name] = languages;
    ask_again_ = std::chrono::steady_clock::now() + absl::ToChronoSeconds(wait);
    screen_.Note(absl::StrCat(Printable(name), ": not looped in yet. ", WhyNotYet(status),
                              " It asks about this in ", sdk::WaitInWords(wait), "."));
  } else {
    screen_.Note(absl::StrCat(Printable(name), ": not looped in. ", AdviceFor(status).line));
  }
}

absl::Status Loops::Enter(const std::string& name, const std::vector<Language>& languages) {
  const auto id = names_.IdOf(name);
  if (!id.ok()) return id.status();
  const auto may = MayWriteUnasked(client_, *id);
  if (!may.ok()) return may.status();
  if (!*may) {
    // The narrowest right that will do: in this chat, and only while others write there.
    const absl::Status status =
        AskFor(client_, v1::SCOPE_MESSAGES_REPLY, *id,
               "Posts translations into this chat, in your name, for everybody in it.", screen_);
    if (!status.ok()) return status;
    // The user may have chosen other chats.
    const auto now = MayWriteUnasked(client_, *id);
    if (!now.ok()) return now.status();
    if (!*now) return absl::NotFoundError("You allowed other chats than this one.");
  }
  chats_[*id] = languages;
  return absl::OkStatus();
}

std::vector<Language> Loops::Wanted(const std::string& chat_id, const Language& from) const {
  const auto place = chats_.find(chat_id);
  if (place == chats_.end()) return {};
  std::vector<Language> others = place->second;
  const auto removed = std::remove(others.begin(), others.end(), from);
  // A language that is none of the chat's is not meant.
  if (removed == others.end()) return {};
  others.erase(removed, others.end());
  return others;
}

void Loops::Post(const v1::Event& event, const std::string& message_id, const std::string& text) {
  v1::SendMessageRequest request;
  request.set_request_id(absl::StrCat("loop-", event.id()));
  request.set_chat_id(event.chat_id());
  request.set_text(text);
  request.set_reply_to_message_id(message_id);
  request.set_caused_by_event_id(event.id());
  const absl::Status status =
      Patiently(absl::StrCat("Posting in ", names_.NameOf(event.chat_id())), screen_,
                [&] { return client_.SendMessage(request).status(); });
  // It was posted before a restart, in other words: Apertium was brought up to date meanwhile, say.
  if (status.ok() || absl::IsAborted(status)) return;
  screen_.Note(absl::StrCat(names_.NameOf(event.chat_id()), ": a translation was not posted. ",
                            AdviceFor(status).line));
}

}  // namespace postern::translator
