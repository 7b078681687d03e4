// SPDX-License-Identifier: Apache-2.0
// How often the person may be asked, remembered across restarts, and the one summary of what was
// turned away. Three paces that do not disturb each other: programs that ask for access, apps whose
// messages the person confirms one by one, and the owner's own tools.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "broker/owner_notices.h"
#include "broker/store.h"
#include "permissions/consent_memory.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"

namespace postern::broker {

enum class QuestionClass : uint8_t { kAccess = 0, kSend = 1, kOwner = 2 };

// Thread-safe.
class QuestionPace {
 public:
  QuestionPace(Store& store, OwnerNotices& notices, const platform::Clock& clock);

  // Reads what was remembered. Call once, before the first question.
  absl::Status Load();
  // Writes it. What cannot be written is still held in memory: nothing is forgotten while the
  // daemon runs.
  void Save();

  // How long to wait before the person may be asked; zero or less: now. With an empty 'origin' only
  // what holds for the principal and for everybody.
  absl::Duration Wait(QuestionClass which, const permissions::Principal& principal,
                      std::string_view origin) const;
  // Notes that a question was turned away, and tells the owner of it, in one notice, once there are
  // many. Returns the refusal: RESOURCE_EXHAUSTED CONSENT_SILENCED with "retry_after_seconds".
  absl::Status TurnAway(absl::Duration wait);

  // As in permissions/consent_memory.h.
  void Asked(QuestionClass which, const permissions::Principal& principal);
  void TakeBackAsked(QuestionClass which, const permissions::Principal& principal);
  void Refused(QuestionClass which, std::string_view origin);
  void Unanswered(QuestionClass which, std::string_view origin);
  void Allowed(QuestionClass which, std::string_view origin);

 private:
  permissions::ConsentMemory& Of(QuestionClass which) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return memories_[static_cast<size_t>(which)];
  }

  Store& store_;
  OwnerNotices& notices_;
  const platform::Clock& clock_;

  mutable platform::Mutex mutex_;
  std::array<permissions::ConsentMemory, 3> memories_ ABSL_GUARDED_BY(mutex_);
  // Turned away since 'turned_away_since_', and not told yet.
  uint32_t turned_away_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration turned_away_since_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

// The refusal of a question that must wait.
absl::Status Silenced(absl::Duration wait);

}  // namespace postern::broker
