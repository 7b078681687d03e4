// SPDX-License-Identifier: Apache-2.0
#include "broker/notice_text.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

#include "broker/absl_text.h"

namespace postern::broker {
namespace {

// Longer texts are not the word, however much space is around it.
constexpr size_t kAnswerBytesMax = 64;

std::string SentenceOf(const AudienceApp& app, bool first) {
  const std::string sees =
      app.metadata_only ? "sees who writes in this chat and when" : "reads this chat for me";
  const std::string goes = app.leaves_device ? absl::StrCat(" and passes that on to ", app.service)
                                             : ", on my device only";
  return absl::StrCat(first ? "the" : "The", " app “", app.name, "” ", sees, goes, ".");
}

bool IsEndMark(char c) { return c == '.' || c == '!' || c == ',' || c == '"' || c == '\''; }

}  // namespace

std::string NoticeOf(const Audience& named) {
  std::string text = "Notice:";
  const size_t shown = std::min(named.size(), kNoticeAppsMax);
  for (size_t i = 0; i < shown; ++i) absl::StrAppend(&text, " ", SentenceOf(named[i], i == 0));
  if (named.size() > shown) {
    absl::StrAppend(&text, " So do ", named.size() - shown, " more apps.");
  }
  absl::StrAppend(&text, " Answer ", AbslText(kObjectionWord),
                  " if no app may pass on what you write.");
  return text;
}

std::string NoticeOfEnd(const Audience& left) {
  return left.empty() ? "Notice: no app reads this chat any more."
                      : "Notice: no app passes on what is written in this chat any more.";
}

std::string ObjectionTaken() {
  return absl::StrCat(
      "Understood: apps that pass text on no longer get what you write to me. Answer ",
      AbslText(kConsentWord), " to take that back.");
}

std::string ObjectionTakenBack() {
  return absl::StrCat("Understood: apps may get what you write to me again. Answer ",
                      AbslText(kObjectionWord), " if they may not.");
}

std::string ObjectionOverruled() {
  return absl::StrCat("Notice: I let apps get what you write to me again. Answer ",
                      AbslText(kObjectionWord), " if they may not.");
}

std::string AttributionOf(const AudienceApp& app) {
  return absl::StrCat("(sent by the app “", app.name, "”)");
}

ObjectionAnswer AnswerIn(std::string_view text) {
  if (text.size() > kAnswerBytesMax) return ObjectionAnswer::kNone;
  absl::string_view word = absl::StripAsciiWhitespace(AbslText(text));
  while (!word.empty() && IsEndMark(word.back())) word.remove_suffix(1);
  while (!word.empty() && IsEndMark(word.front())) word.remove_prefix(1);
  word = absl::StripAsciiWhitespace(word);
  if (absl::EqualsIgnoreCase(word, AbslText(kObjectionWord))) return ObjectionAnswer::kObject;
  if (absl::EqualsIgnoreCase(word, AbslText(kConsentWord))) return ObjectionAnswer::kTakeBack;
  return ObjectionAnswer::kNone;
}

}  // namespace postern::broker
