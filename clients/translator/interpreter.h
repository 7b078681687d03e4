// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <set>
#include <string>
#include <utility>

#include "clients/sdk/client.h"
#include "clients/translator/answers.h"
#include "clients/translator/chat_names.h"
#include "clients/translator/config.h"
#include "clients/translator/engine.h"
#include "clients/translator/language_guess.h"
#include "clients/translator/loops.h"
#include "clients/translator/screen.h"
#include "clients/translator/skipped_chats.h"

namespace postern::translator {

// Follows the chats and puts what is written into other languages: on the screen for the user, and
// into the chats that it is looped into for everybody there.
//
// A message is acknowledged when that is done. Killed at any moment, it goes on with what was not;
// a line may then be shown twice, but is not posted twice.
class Interpreter {
 public:
  // What it works with; all must outlive it.
  struct Parts {
    sdk::Client& client;
    Engine& engine;
    LanguageGuess& guess;
    ChatNames& names;
    Loops& loops;
    Answers& answers;
    SkippedChats& skipped;
    Screen& screen;
    const Config& config;
  };
  explicit Interpreter(Parts parts) : parts_(parts) {}

  // Runs until the access ends, and returns why. A suspension (also by a locked screen) and a limit
  // are waited out: they pass by themselves.
  absl::Status Run();

 private:
  // A message or its new text.
  struct Passage {
    std::string message_id = {};
    std::string sender_id = {};
    std::string sender_name = {};
    std::string text = {};
    bool from_owner = false;
    bool from_app = false;
    bool edited = false;
  };
  // Until the stream ends.
  absl::Status Follow();
  void Handle(const v1::Event& event);
  // Takes in what chats are called, and remembers those that are skipped, before anything is done
  // with what is written there.
  void LearnNames(const v1::Event& event);
  void ReadNames();
  bool IsSkipped(const std::string& chat_id);
  void Put(const v1::Event& event, const Passage& passage);
  void Show(const v1::Event& event, const Passage& passage, const Language& from);
  void Post(const v1::Event& event, const Passage& passage, const Language& from);
  absl::StatusOr<std::string> Translate(const std::string& text, const Language& from,
                                        const Language& to);

  const Parts parts_;
  std::set<std::pair<Language, Language>> missing_;  // of which the user was told
  std::set<std::string> nameless_;                   // chats whose name could not be read
  // What is waited for, of which the user was told; UNSPECIFIED while it follows the chats.
  v1::ErrorReason waits_for_ = v1::ERROR_REASON_UNSPECIFIED;
};

}  // namespace postern::translator
