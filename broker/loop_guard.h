// SPDX-License-Identifier: Apache-2.0
// Stops apps that send each other's messages round and round.
//
// The problem: two bridges that each pass on what they see echo every message for ever. Where an
// app names the event that caused its send, counting hops ends that. Where it names none, or a
// wrong one, only the texts are left to go by, here or at another program far away. The shape of
// the answer, for texts that resemble each other (text_signature.h):
//  - A send that names no cause, and has in it what another app just sent where this one can
//    read, is taken as caused by that: so hops count within this broker without the apps' help.
//  - A breaker for each app and chat opens when the app sends the same again and again there while
//    the same keeps coming back (kRules). It shuts that app out of that chat for a while, and no
//    other.
// What looks wrong and is not: an app that posts one text into a hundred chats trips nothing, since
// each chat sees it once; nor do people who say the same as a bridge does, since a machine's echo
// comes back within seconds, several times.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/functional/function_ref.h>
#include <absl/time/time.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "broker/text_signature.h"
#include "broker/trail.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

// Thread-safe. Keeps no text, and nothing across a restart.
class LoopGuard {
 public:
  explicit LoopGuard(const platform::Clock& clock);
  LoopGuard(const LoopGuard&) = delete;
  LoopGuard& operator=(const LoopGuard&) = delete;

  // A message that an app sent into a chat lately.
  struct Sent {
    permissions::ChatId chat;
    Trail trail;
  };
  // Returns a message that another app sent within kEchoSoon, into a chat that 'may_read' says this
  // app can read, and that 'text' resembles or holds: the one that has come furthest; nothing when
  // there is none.
  std::optional<Sent> FindCause(const permissions::Principal& app, std::string_view text,
                                absl::FunctionRef<bool(permissions::ChatId)> may_read);

  struct Entry {
    // Zero: go on. Otherwise the app is shut out of the chat for so long.
    absl::Duration wait;
    // This very send opened the breaker: tell the owner.
    bool opened = false;
    // For Withdraw.
    uint64_t number = 0;
  };
  // Notes that the app is about to send 'text', with 'trail', into the chat, or refuses.
  Entry Enter(const permissions::Principal& app, permissions::ChatId chat, std::string_view text,
              const Trail& trail);
  // Takes back an Enter whose message did not go out.
  void Withdraw(const permissions::Principal& app, uint64_t number);

  // Notes a message that another person wrote, on any account.
  void Arrived(std::string_view text);

 private:
  struct Line {
    uint64_t number = 0;
    absl::Duration time;
    permissions::ChatId chat;
    TextSignature signature;
    Trail trail;
    // The same has come back since: from a person, or sent by another app.
    bool echoed = false;
  };
  // Open until 'open_until'; then watched more closely until 'watched_until'.
  struct Breaker {
    absl::Duration open_until;
    absl::Duration watched_until;
    int times = 0;
  };
  struct App {
    // Oldest first, at most kRecentSendsMax, none older than kEchoLate.
    std::deque<Line> lines;
    absl::flat_hash_map<permissions::ChatId, Breaker> breakers;
  };

  void Forget(App& app, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsLoop(const App& app, permissions::ChatId chat, const TextSignature& signature,
              bool watched, absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const platform::Clock& clock_;
  const uint64_t key_;
  platform::Mutex mutex_;
  absl::flat_hash_map<permissions::Principal, App> apps_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  // When the latest line was noted: while nothing is recent, arrivals cost nothing.
  absl::Duration last_time_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace postern::broker
