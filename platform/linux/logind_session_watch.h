// SPDX-License-Identifier: Apache-2.0
// Whether the person is here, as logind says it (org.freedesktop.login1 on the system bus), and as
// the screen saver says it (org.gnome.ScreenSaver, org.freedesktop.ScreenSaver on the session bus):
// some lockers tell only one of them.
//
// All sessions of the user count, not only the one posternd was started in: that may be gone, or
// none (a user service has none). Sessions at a seat are asked first; a session without one (ssh)
// counts only where there is no other, since a dialog would show at the seat.
#pragma once

#include <memory>

#include "platform/session_watch.h"

namespace postern::platform {

// Starts to watch, on a thread of its own, and waits a moment for the first word. Never fails:
// without logind presence() is kUnknown. A word of logind's stays until the next one; while logind
// is being restarted it is the last.
std::unique_ptr<SessionWatch> WatchLogind();

}  // namespace postern::platform
