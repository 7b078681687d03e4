// SPDX-License-Identifier: Apache-2.0
// The controlling terminal as a place to ask: nothing typed before the question counts, and nothing
// printed can steer the terminal.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <termios.h>

#include <absl/strings/string_view.h>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "platform/unique_fd.h"

namespace postern::platform {

// Returns 'text' with everything that is not a printable character (controls, bidi and invisible
// characters, private use, broken UTF-8) written as \x1B or \u{202E}.
std::string Printable(absl::string_view text);

// One thread.
class Terminal {
 public:
  enum class Typed : uint8_t {
    kLine = 1,
    // Esc, ^C, ^D or ^\.
    kRefused,
    kExpired,
    // The terminal or the broker went away, or a signal asks us to end.
    kEnded,
  };

  // Takes 'lent', a terminal that a person lent us, or without one /dev/tty: never standard input,
  // which anybody may have set. 'channel' is watched: when it can be read or its other end closes,
  // the question is over. UNAVAILABLE when there is no terminal.
  static absl::StatusOr<std::unique_ptr<Terminal>> Open(UniqueFd lent, int channel,
                                                        absl::Time deadline);
  // Puts the terminal back as it was.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Waits until our process group is in the foreground (a daemon started with '&' is not; 'notice'
  // is then printed once), and takes the keyboard. kLine when it has it.
  Typed TakeKeyboard(absl::string_view notice);

  // Prints 'text', of which only line feeds act on the terminal.
  void Print(absl::string_view text);
  // Prints 'prefix' and 'text', wrapped at 80 columns; further lines begin below the end of
  // 'prefix'.
  void PrintWrapped(absl::string_view prefix, absl::string_view text);

  // Prints 'prompt' and reads one line into 'line', without its end. Only printable characters
  // count.
  Typed ReadLine(absl::string_view prompt, std::string& line);

  // Throws away all that was typed until now, and all that is typed during 'period'.
  Typed Discard(absl::Duration period);

 private:
  Terminal(UniqueFd tty, bool lent, UniqueFd signals, int channel, absl::Time deadline);
  // Reads one byte. Empty when 'until' passed.
  struct Byte {
    Typed typed = Typed::kLine;
    std::optional<char> byte;
  };
  Byte ReadByte(absl::Time until);
  bool InForeground() const;
  void SetRaw();

  const UniqueFd tty_;
  // Not our controlling terminal: it has no foreground for us, whoever lent it waits meanwhile.
  const bool lent_;
  const UniqueFd signals_;
  const int channel_;
  // On the boot clock (Elapsed in the .cc).
  const absl::Time deadline_;
  termios before_{};
  bool raw_ = false;
};

// The boot clock: does not jump, counts suspend. Deadlines of this file are points on it.
absl::Time TerminalNow();

}  // namespace postern::platform
