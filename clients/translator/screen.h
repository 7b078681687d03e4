// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace postern::translator {

// Text of other people as it may stand on a terminal: without control characters and those that
// turn the direction of writing, so that nobody can move the cursor or forge a line. A line end
// becomes a space.
std::string Printable(std::string_view text);

// What is shown: translations on standard output, everything else on standard error. Thread-safe.
class Screen {
 public:
  // What belongs to people's messages. Dropped where nobody is to see it (`run`: the journal must
  // hold no message).
  void Message(const std::string& line);
  // What this program has to say of itself. Never a message's text.
  void Note(const std::string& line);

  void HideMessages() { hidden_ = true; }
  bool hides_messages() const { return hidden_; }

 private:
  bool hidden_ = false;
  std::mutex mutex_;
};

}  // namespace postern::translator
