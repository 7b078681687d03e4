// SPDX-License-Identifier: Apache-2.0
// Whether the person is at this computer, in this user's session: only then can they be asked.
// Behind an interface because desktops and service managers vary.
#pragma once

#include <cstdint>
#include <functional>

namespace postern::platform {

enum class SessionPresence : uint8_t {
  // Nobody here can tell. Taken as present: a machine without logind has no other word for it.
  kUnknown = 0,
  kPresent,
  // The screen is locked.
  kLocked,
  // Another user's session is in front, or this user is logged in nowhere.
  kElsewhere,
};

// Whether questions may be put before the person, and grants for unlocked sessions hold.
inline bool IsPresent(SessionPresence presence) {
  return presence == SessionPresence::kPresent || presence == SessionPresence::kUnknown;
}

// Thread-safe.
class SessionWatch {
 public:
  virtual ~SessionWatch() = default;

  // Never blocks.
  virtual SessionPresence presence() const = 0;

  // Calls 'changed' after each change of presence(), on a thread of the watch, without a lock. One
  // at a time: a new one replaces the one before, and none (nullptr) ends it; returns once the one
  // before is not running. Must not be called from 'changed'.
  virtual void Watch(std::function<void()> changed) = 0;
};

}  // namespace postern::platform
