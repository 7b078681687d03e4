// SPDX-License-Identifier: GPL-3.0-or-later
// libpurple's event loop on GLib's, as libpurple asks its program to bring one.
#pragma once

#include <eventloop.h>

namespace postern::purple {

PurpleEventLoopUiOps* GlibEventLoop();

}  // namespace postern::purple
