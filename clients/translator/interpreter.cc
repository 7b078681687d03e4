// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/interpreter.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>

#include "clients/sdk/grants.h"
#include "clients/translator/advice.h"
#include "clients/translator/patience.h"

namespace postern::translator {
namespace {

constexpr char kSubscription[] = "translator";
// How often idle programs are looked for, at most.
constexpr absl::Duration kRestEvery = absl::Seconds(15);
// Until the stream is up.
constexpr absl::Duration kLookEvery = absl::Milliseconds(100);

bool Has(const auto& list, const auto& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

absl::Status Interpreter::Run() {
  for (;;) {
    const absl::Status ended = Follow();
    if (!sdk::AccessRests(ended)) return ended;
    const v1::ErrorReason reason = sdk::ErrorReasonOf(ended);
    if (std::exchange(waits_for_, reason) != reason) {
      parts_.screen.Note(absl::StrCat(AdviceFor(ended).line, " Waiting; it goes on by itself."));
    }
    absl::SleepFor(sdk::RestOf(ended));
  }
}

absl::Status Interpreter::Follow() {
  const auto events = parts_.client.Subscribe({
      .name = kSubscription,
      .cursor = {},
      // No text is kept anywhere, so what must be forgotten is: in memory there are counts, and the
      // names that LearnNames lets go of; on disk which chats are skipped.
      .on_erase = [](const v1::Event&) { return absl::OkStatus(); },
      .on_erase_everything =
          [this] {
            parts_.guess.Forget();
            parts_.skipped.Forget();
            return absl::OkStatus();
          },
  });
  const absl::Duration rest_every = std::min(parts_.config.apertium.idle, kRestEvery);
  std::string kept;
  bool told = false;
  for (;;) {
    const auto event = events->Next(told ? rest_every : kLookEvery);
    // Only once the broker has said yes.
    if (!told && !events->cursor().empty()) {
      parts_.screen.Note("Following your chats. Ctrl-C ends it.");
      told = true;
      waits_for_ = v1::ERROR_REASON_UNSPECIFIED;
    }
    parts_.engine.Rest();
    if (told) parts_.loops.AskAgain();
    if (absl::IsDeadlineExceeded(event.status()) &&
        sdk::ErrorReasonOf(event.status()) == v1::ERROR_REASON_UNSPECIFIED) {
      continue;
    }
    if (!event.ok()) return event.status();
    Handle(*event);
    // Once a frame, which is what the broker keeps.
    if (std::string cursor = events->cursor(); cursor != kept) {
      kept = std::move(cursor);
      const absl::Status status =
          Patiently("Acknowledging", parts_.screen, [&] { return events->Acknowledge(); });
      if (!status.ok()) return status;
    }
  }
}

void Interpreter::Handle(const v1::Event& event) {
  LearnNames(event);
  parts_.answers.Ended(event);
  if (event.has_gap()) {
    parts_.screen.Note(
        "Some messages were lost before they came here: they are in your messenger.");
  } else if (event.has_message_created()) {
    const v1::Message& message = event.message_created().message();
    Put(event, {.message_id = message.id(),
                .sender_id = message.sender_contact_id(),
                .sender_name = message.sender_display_name(),
                .text = message.text(),
                .from_owner = message.from_owner(),
                .from_app = message.has_origin()});
  } else if (event.has_message_edited()) {
    const v1::MessageEdited& edit = event.message_edited();
    Put(event, {.message_id = edit.message_id(),
                .sender_id = edit.sender_contact_id(),
                .text = edit.text(),
                .from_app = edit.has_origin(),
                .edited = true});
  }
}

// A chat that the user opens to this program while it runs is not announced by name: the first that
// is heard of it may be a message. What was lost may have been a name, too.
void Interpreter::LearnNames(const v1::Event& event) {
  parts_.names.Learn(event);
  const std::string& chat_id = event.chat_id();
  const bool is_there = !chat_id.empty() && !event.has_chat_removed() && !event.has_erase_asked();
  bool read = event.has_gap() || event.has_grant_changed();
  if (is_there && !parts_.names.Knows(chat_id)) {
    // Once, and when the user has changed who can see it: not for each message.
    read |= nameless_.insert(chat_id).second || event.has_disclosure_changed();
  }
  if (read) ReadNames();
  if (parts_.names.Knows(chat_id)) {
    nameless_.erase(chat_id);
    parts_.skipped.Has(chat_id, parts_.names.NameOf(chat_id));
  } else if (read && is_there && !parts_.config.skip.empty()) {
    parts_.screen.Note(
        "skip: a chat whose name cannot be read is left alone. “chats:read” for it would help.");
  }
}

void Interpreter::ReadNames() {
  const absl::Status status = Patiently("Reading the chats", parts_.screen,
                                        [&] { return parts_.names.Load(parts_.client); });
  if (!status.ok()) parts_.screen.Note(AdviceFor(status).line);
  for (const auto& [id, name] : parts_.names.All()) parts_.skipped.Has(id, name);
}

// It would be worse to translate what was to be skipped, with a server above all: what may have one
// of the names is skipped.
bool Interpreter::IsSkipped(const std::string& chat_id) {
  if (parts_.skipped.Has(chat_id, parts_.names.NameOf(chat_id))) return true;
  return !parts_.config.skip.empty() && !parts_.names.Knows(chat_id);
}

void Interpreter::Put(const v1::Event& event, const Passage& passage) {
  if (passage.text.empty()) return;
  if (IsSkipped(event.chat_id())) return;
  const auto from = parts_.guess.Of(event.chat_id(), passage.sender_id, passage.text);
  if (!from.has_value()) return;
  Post(event, passage, *from);
  if (!passage.from_owner && !passage.from_app) Show(event, passage, *from);
}

void Interpreter::Show(const v1::Event& event, const Passage& passage, const Language& from) {
  if (parts_.screen.hides_messages() || Has(parts_.config.languages, from)) return;
  const auto translated = Translate(passage.text, from, parts_.config.languages.front());
  // An "ok" among friends is the same everywhere.
  if (translated.ok() && *translated == passage.text) return;
  const int number = parts_.answers.Number({event.chat_id(), passage.message_id, from});
  const std::string chat = parts_.names.NameOf(event.chat_id());
  const std::string sender = passage.edited ? "edited" : Printable(passage.sender_name);
  parts_.screen.Message(absl::StrCat("[", number, "] ", chat,
                                     sender.empty() || sender == chat ? "" : ", " + sender, " (",
                                     NameOf(from), "): ", Printable(passage.text)));
  if (translated.ok()) parts_.screen.Message(absl::StrCat("    → ", Printable(*translated)));
}

void Interpreter::Post(const v1::Event& event, const Passage& passage, const Language& from) {
  // What another app wrote is not translated again: two translators would never end.
  if (passage.from_app || passage.edited) return;
  std::string text;
  for (const Language& to : parts_.loops.Wanted(event.chat_id(), from)) {
    const auto translated = Translate(passage.text, from, to);
    if (!translated.ok() || *translated == passage.text) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", NameOf(to), ": ", *translated);
  }
  if (!text.empty()) parts_.loops.Post(event, passage.message_id, text);
}

absl::StatusOr<std::string> Interpreter::Translate(const std::string& text, const Language& from,
                                                   const Language& to) {
  absl::StatusOr<std::string> translated;
  const absl::Status status = Patiently("Translating", parts_.screen, [&] {
    translated = parts_.engine.Translate(text, from, to);
    return translated.status();
  });
  if (status.ok()) return translated;
  // A pair that is missing is said once, everything else each time.
  if (!absl::IsNotFound(status) || missing_.insert({from, to}).second) {
    parts_.screen.Note(AdviceFor(status).line);
  }
  return status;
}

}  // namespace postern::translator
