// SPDX-License-Identifier: Apache-2.0
// Text that other people wrote, made safe for a terminal.
//
// A message, a chat's name or an app's name may hold escape sequences that move the cursor, retitle
// the window or paste into the shell, and bidirectional controls that make a line read as another.
// Whatever does not come from this program goes through VisibleText before it is printed.
#pragma once

#include <string>
#include <string_view>

namespace postern::owner {

// Returns 'text' on one line, in valid UTF-8, with everything that would steer a terminal written
// out: ESC as "\x1b", U+202E as "\u{202e}", a byte that is not UTF-8 as "\xff", line ends as " ⏎ ".
std::string VisibleText(std::string_view text);

// Returns how many columns 'text' takes on a terminal. 'text' comes from VisibleText.
int DisplayWidth(std::string_view text);

// Returns VisibleText('text'), cut to at most 'columns' with an ellipsis.
std::string Shortened(std::string_view text, int columns);

}  // namespace postern::owner
