// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/language_guess.h"

// CLD2's header uses these without including them.
#include <cstdio>
#include <string>

#include <cld2/public/compact_lang_det.h>

#include <algorithm>

namespace postern::translator {
namespace {

std::optional<Language> MostOf(const std::map<Language, int>& counts) {
  const auto most = std::max_element(counts.begin(), counts.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::nullopt : std::optional(most->first);
}

}  // namespace

std::optional<Language> DetectLanguage(const std::string& text) {
  bool reliable = false;
  const CLD2::Language found = CLD2::DetectLanguage(text.data(), static_cast<int>(text.size()),
                                                    /*is_plain_text=*/true, &reliable);
  if (!reliable) return std::nullopt;
  return FindLanguage(CLD2::LanguageCode(found));
}

std::optional<Language> LanguageGuess::Of(const std::string& chat_id,
                                          const std::string& sender_contact_id,
                                          const std::string& text) {
  const auto detected = DetectLanguage(text);
  std::lock_guard lock(mutex_);
  if (detected.has_value()) {
    ++chats_[chat_id].by_sender[sender_contact_id][*detected];
    return detected;
  }
  return MostOf(WithHistory(chat_id).by_sender[sender_contact_id]);
}

std::optional<Language> LanguageGuess::UsualIn(const std::string& chat_id,
                                               const std::vector<Language>& except) {
  std::lock_guard lock(mutex_);
  Counts all;
  for (const auto& [sender, counts] : WithHistory(chat_id).by_sender) {
    for (const auto& [language, count] : counts) all[language] += count;
  }
  for (const Language& language : except) all.erase(language);
  return MostOf(all);
}

void LanguageGuess::Forget() {
  std::lock_guard lock(mutex_);
  chats_.clear();
}

LanguageGuess::Chat& LanguageGuess::WithHistory(const std::string& chat_id) {
  Chat& chat = chats_[chat_id];
  if (chat.history_read) return chat;
  chat.history_read = true;
  for (const v1::Message& message : history_(chat_id)) {
    if (const auto language = DetectLanguage(message.text()); language.has_value()) {
      ++chat.by_sender[message.sender_contact_id()][*language];
    }
  }
  return chat;
}

}  // namespace postern::translator
