// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/pauses.h"

#include <absl/time/clock.h>

namespace postern::xmpp_bridge {

bool Pauses::For(absl::Duration pause) {
  absl::MutexLock lock(&mutex_);
  const absl::Time until = absl::Now() + pause;
  while (!ended_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
  return !ended_;
}

void Pauses::End() {
  absl::MutexLock lock(&mutex_);
  ended_ = true;
  changed_.SignalAll();
}

bool Pauses::ended() {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

}  // namespace postern::xmpp_bridge
