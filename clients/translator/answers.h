// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "clients/sdk/client.h"
#include "clients/translator/engine.h"
#include "clients/translator/screen.h"

namespace postern::translator {

// What the user writes back: translated, shown, and sent when the user says so. Mostly it is
// Postern that asks (messages:send.ask); where this program was allowed to write unasked, because
// it is looped into the chat, it asks by itself. Thread-safe.
class Answers {
 public:
  // Whom an answer goes to, and in which language.
  struct To {
    std::string chat_id;
    std::string message_id;  // may be empty
    Language language;
  };

  Answers(sdk::Client& client, Engine& engine, const Language& own, Screen& screen)
      : client_(client), engine_(engine), own_(own), screen_(screen) {}

  // Gives a message that is shown the number by which it can be answered.
  int Number(To to);

  // A line that the user typed: "3 See you there", or "y" to what was asked.
  void Typed(const std::string& line);

  // Translates and offers to send. True when it is on its way (sent, or put before the user), false
  // when the user has to say "y" first.
  absl::StatusOr<bool> Offer(const To& to, const std::string& text);

  // Tells how an offer ended, if the event says so.
  void Ended(const v1::Event& event);
  // Whether something was put before the user of which the end is not known.
  bool waiting();

 private:
  absl::Status Send(const v1::SendMessageRequest& request);

  sdk::Client& client_;
  Engine& engine_;
  const Language own_;
  Screen& screen_;

  std::mutex mutex_;
  // All below are guarded by mutex_.
  int last_number_ = 0;
  std::deque<To> numbered_;
  std::optional<v1::SendMessageRequest> unconfirmed_;
  std::set<std::string> open_;  // request ids that were put before the user
};

}  // namespace postern::translator
