// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "clients/translator/language.h"
#include "postern/v1/message.pb.h"

namespace postern::translator {

// What CLD2 says of a text, where it is sure; nothing for "lol ok".
std::optional<Language> DetectLanguage(const std::string& text);

// Which language a message is written in. Where the text alone does not tell, it goes by what the
// same person wrote in the same chat before: what passed by, or, the first time a chat needs it,
// the chat's history. Keeps counts only, in memory. Thread-safe.
class LanguageGuess {
 public:
  // The latest messages of a chat, in any order; empty where history is not open to this app.
  using History = std::function<std::vector<v1::Message>(const std::string& chat_id)>;
  explicit LanguageGuess(History history) : history_(std::move(history)) {}

  // Guesses, and learns from the text where that is sure.
  std::optional<Language> Of(const std::string& chat_id, const std::string& sender_contact_id,
                             const std::string& text);

  // What people mostly write in a chat, of languages other than 'except'; nothing when nobody did.
  std::optional<Language> UsualIn(const std::string& chat_id, const std::vector<Language>& except);

  void Forget();

 private:
  using Counts = std::map<Language, int>;
  struct Chat {
    bool history_read = false;
    std::map<std::string, Counts> by_sender;
  };
  Chat& WithHistory(const std::string& chat_id);

  const History history_;
  std::mutex mutex_;
  std::map<std::string, Chat> chats_;  // guarded by mutex_
};

}  // namespace postern::translator
