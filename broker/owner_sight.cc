// SPDX-License-Identifier: Apache-2.0
#include "broker/owner_sight.h"

#include <utility>

#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// How often a call that waits for another one's question looks whether its own caller is gone.
constexpr absl::Duration kCallerPoll = absl::Seconds(1);

}  // namespace

OwnerSight::OwnerSight(ConsentDesk& consent, const platform::Clock& clock)
    : consent_(consent), clock_(clock) {}

absl::Status OwnerSight::Admit(const Caller& owner, const std::string& app,
                               const ConsentDesk::Gone& gone) {
  uint64_t taken_back = 0;
  bool waited = false;
  while (true) {
    if (waited && gone && gone()) return absl::CancelledError("the caller is gone");
    platform::MutexLock lock(mutex_);
    const absl::Duration now = clock_.Elapsed();
    Sight& sight = sights_[owner.connection];
    if (sight.asking) {
      waited = true;
      changed_.WaitFor(mutex_, kCallerPoll);
      continue;
    }
    if (sight.until > now) return absl::OkStatus();
    // One answer for all that waited for it: a no is not followed by the same question.
    if (waited && !sight.answer.ok()) return sight.answer;
    sight.asking = true;
    taken_back = taken_back_;
    break;
  }
  absl::Status answer = consent_.AskToConfirm(permissions::QuestionKind::kView, app, owner, gone);
  platform::MutexLock lock(mutex_);
  if (answer.ok() && taken_back != taken_back_) {
    answer = absl::AbortedError("the screen was locked while you were asked; ask again");
  }
  const absl::Duration now = clock_.Elapsed();
  Sight& sight = sights_[owner.connection];
  sight.asking = false;
  sight.answer = answer;
  sight.until = answer.ok() ? now + kOwnerSight : -absl::InfiniteDuration();
  // What nobody waits for and no longer holds.
  std::erase_if(sights_, [&](const auto& entry) {
    return entry.first != owner.connection && !entry.second.asking && entry.second.until <= now;
  });
  changed_.NotifyAll();
  return answer;
}

void OwnerSight::TakeBack() {
  platform::MutexLock lock(mutex_);
  ++taken_back_;
  for (auto& [connection, sight] : sights_) sight.until = -absl::InfiniteDuration();
}

}  // namespace postern::broker
