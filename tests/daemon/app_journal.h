// SPDX-License-Identifier: Apache-2.0
// The words of crash_app's journal, for the app that writes them and the tests that judge by them.
#pragma once

#include <string>

#include "postern/v1/event.pb.h"

namespace postern::daemon_test {

// How the line of an event begins; what it shows follows.
inline constexpr char kEventWord[] = "event ";
// All events of a frame have been noted above.
inline constexpr char kFrameLine[] = "frame";

// What a person answers so that the app sees all that it notes: messages:read and reactions:read,
// by their places in the agent's list.
inline constexpr char kAllItsScopes[] = "1 2";

// What the app notes of an event; empty when it notes nothing.
inline std::string ShownOf(const v1::Event& event) {
  if (event.has_message_created()) return event.message_created().message().text();
  if (event.has_message_edited()) return "edit " + event.message_edited().text();
  if (event.has_reaction_set()) return "reaction " + event.reaction_set().emoji();
  return {};
}

// How often 'text' is in 'bytes'.
inline size_t Count(const std::string& bytes, const std::string& text) {
  size_t count = 0;
  for (size_t at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace postern::daemon_test
