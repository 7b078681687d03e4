// SPDX-License-Identifier: Apache-2.0
// One event of a view, as words on a card.
#pragma once

#include <string>

#include "postern/v1/event.pb.h"

namespace postern::settings {

struct EventWords {
  // Who, for messages; else what kind of thing it was.
  std::string title;
  // What was said or done; may have lines. Empty where nothing more is seen.
  std::string body;
  // What is left out of it, or empty: "Only its size: 120 bytes".
  std::string hidden;
};

// Every kind of event has words, also kinds that a newer broker may send.
EventWords WordsOf(const v1::Event& event);

}  // namespace postern::settings
