// SPDX-License-Identifier: Apache-2.0
#include "broker/question_pace.h"

#include <absl/strings/str_cat.h>

#include <string>
#include <utility>

#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ConsentMemory;
using permissions::ConsentPace;
using permissions::Principal;

constexpr std::array<const char*, 3> kMemoryKeys = {"consent_memory", "consent_memory_sends",
                                                    "consent_memory_owner"};

// The user allowed this app to ask about messages, so nothing waits between two of them; but one
// who says no three times in a row has had enough for an hour.
constexpr ConsentPace kSendPace = {.interval = absl::ZeroDuration(),
                                   .refusals_max = 3,
                                   .silence = absl::Hours(1),
                                   .questions_per_hour = 30};
// Any program on the session bus can read the owner's key, so that even the owner's tools do not
// ask without end.
constexpr ConsentPace kOwnerPace = {.interval = absl::ZeroDuration(),
                                    .refusals_max = 3,
                                    .silence = absl::Minutes(10),
                                    .questions_per_hour = 30};

// Kept in this order (QuestionClass).
constexpr std::array<ConsentPace, 3> kPaces = {ConsentPace{}, kSendPace, kOwnerPace};

}  // namespace

absl::Status Silenced(absl::Duration wait) {
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_CONSENT_SILENCED,
                      absl::StrCat("the user was asked a short while ago, or has refused this "
                                   "program often; ask again in ",
                                   seconds, " s"),
                      {{"retry_after_seconds", absl::StrCat(seconds)}});
}

QuestionPace::QuestionPace(Store& store, OwnerNotices& notices, const platform::Clock& clock)
    : store_(store),
      notices_(notices),
      clock_(clock),
      memories_{ConsentMemory(kPaces[0]), ConsentMemory(kPaces[1]), ConsentMemory(kPaces[2])} {}

absl::Status QuestionPace::Load() {
  std::array<std::string, 3> texts;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    for (size_t i = 0; i < texts.size(); ++i) {
      ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
      row.BindAll(kMemoryKeys[i]);
      ASSIGN_OR_RETURN(const bool found, row.Step());
      if (found) texts[i] = std::string(row.Bytes(0));
    }
    return absl::OkStatus();
  }));
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    ASSIGN_OR_RETURN(ConsentMemory memory, ConsentMemory::FromJson(texts[i], kPaces[i]));
    platform::MutexLock lock(mutex_);
    memories_[i] = std::move(memory);
  }
  return absl::OkStatus();
}

void QuestionPace::Save() {
  std::array<std::string, 3> texts;
  {
    platform::MutexLock lock(mutex_);
    for (size_t i = 0; i < texts.size(); ++i) texts[i] = memories_[i].ToJson();
  }
  store_
      .Write([&](Database& database) -> absl::Status {
        for (size_t i = 0; i < texts.size(); ++i) {
          RETURN_IF_ERROR(database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)",
                                       kMemoryKeys[i], Blob{texts[i]}));
        }
        return absl::OkStatus();
      })
      .IgnoreError();
}

absl::Duration QuestionPace::Wait(QuestionClass which, const Principal& principal,
                                  std::string_view origin) const {
  const absl::Time now = clock_.Now();
  platform::MutexLock lock(mutex_);
  return memories_[static_cast<size_t>(which)].MayAskFrom(principal, origin, now) - now;
}

absl::Status QuestionPace::TurnAway(absl::Duration wait) {
  uint32_t told = 0;
  {
    platform::MutexLock lock(mutex_);
    const absl::Duration elapsed = clock_.Elapsed();
    // An honest app that comes a little early now and then is no storm.
    if (elapsed - turned_away_since_ > kTurnedAwayMemory) {
      turned_away_ = 0;
      turned_away_since_ = elapsed;
    }
    ++turned_away_;
    if (turned_away_ == kTurnedAwayBeforeNotice) told = turned_away_;
    if (turned_away_ > kTurnedAwayBeforeNotice) told = 1;
  }
  if (told > 0) {
    notices_.Tell(v1::OwnerNotice::KIND_QUESTIONS_SILENCED,
                  "Programs asked you for access more often than you want to be asked. They were "
                  "turned away, and nothing was allowed.",
                  {}, {}, told);
  }
  return Silenced(wait);
}

void QuestionPace::Asked(QuestionClass which, const Principal& principal) {
  platform::MutexLock lock(mutex_);
  Of(which).RecordAsked(principal, clock_.Now());
}

void QuestionPace::TakeBackAsked(QuestionClass which, const Principal& principal) {
  platform::MutexLock lock(mutex_);
  Of(which).TakeBackAsked(principal);
}

void QuestionPace::Refused(QuestionClass which, std::string_view origin) {
  platform::MutexLock lock(mutex_);
  Of(which).RecordRefused(origin, clock_.Now());
}

void QuestionPace::Unanswered(QuestionClass which, std::string_view origin) {
  platform::MutexLock lock(mutex_);
  Of(which).RecordUnanswered(origin, clock_.Now());
}

void QuestionPace::Allowed(QuestionClass which, std::string_view origin) {
  platform::MutexLock lock(mutex_);
  Of(which).RecordAllowed(origin);
}

}  // namespace postern::broker
