// SPDX-License-Identifier: Apache-2.0
// Signals from the keyboard are off while a question stands: ^C then answers this question and does
// not also end the daemon and the shell script that share our process group.
#include "platform/linux/terminal.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace postern::platform {
namespace {

constexpr int kColumns = 80;
// The longest answer is a list of chat numbers; what is typed beyond it is not taken.
constexpr size_t kLineBytesMax = 1024;
// A lone Esc refuses; the bytes of an arrow key follow their Esc far sooner than this.
constexpr absl::Duration kEscapeSequenceGap = absl::Milliseconds(50);
// How often a background process looks whether it has come to the foreground; there is no event for
// it.
constexpr absl::Duration kForegroundPoll = absl::Milliseconds(200);

constexpr char kControlC = 0x03;
constexpr char kControlD = 0x04;
constexpr char kControlU = 0x15;
constexpr char kControlBackslash = 0x1C;
constexpr char kEscape = 0x1B;

bool IsPrintable(UChar32 character) {
  switch (u_charType(character)) {
    case U_CONTROL_CHAR:
    case U_FORMAT_CHAR:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
    case U_UNASSIGNED:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return false;
    default:
      return u_hasBinaryProperty(character, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) == 0;
  }
}

// Calls 'take' with each character, or with a negative one for a byte that is none, and its bytes.
template <typename Take>
void ForEachCharacter(absl::string_view text, Take take) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t at = 0; at < size;) {
    const int32_t start = at;
    UChar32 character = 0;
    U8_NEXT(bytes, at, size, character);
    take(character, text.substr(static_cast<size_t>(start), static_cast<size_t>(at - start)));
  }
}

int ColumnsOf(absl::string_view text) {
  int columns = 0;
  ForEachCharacter(text, [&](UChar32 character, absl::string_view) {
    if (u_getCombiningClass(character) != 0) return;
    const int width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
    columns += width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
  });
  return columns;
}

void WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(fd, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    // A terminal that cannot be written to shows nothing: reading from it will end the question.
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

}  // namespace

absl::Time TerminalNow() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::TimeFromTimespec(now);
}

std::string Printable(absl::string_view text) {
  std::string printable;
  ForEachCharacter(text, [&](UChar32 character, absl::string_view bytes) {
    if (character < 0) {
      for (const char byte : bytes) {
        absl::StrAppendFormat(&printable, "\\x%02X", static_cast<uint8_t>(byte));
      }
    } else if (IsPrintable(character)) {
      absl::StrAppend(&printable, bytes);
    } else if (character < 0x80) {
      absl::StrAppendFormat(&printable, "\\x%02X", static_cast<uint32_t>(character));
    } else {
      absl::StrAppendFormat(&printable, "\\u{%04X}", static_cast<uint32_t>(character));
    }
  });
  return printable;
}

absl::StatusOr<std::unique_ptr<Terminal>> Terminal::Open(UniqueFd lent, int channel,
                                                         absl::Time deadline) {
  const bool is_lent = lent.valid();
  UniqueFd tty = std::move(lent);
  if (!is_lent) tty.Reset(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!tty.valid() || !::isatty(tty.get())) return absl::UnavailableError("there is no terminal");
  // Taken as descriptors and not by handlers, so that the terminal is put back on every way out.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  // Without these a background process is stopped, and the question with it.
  std::signal(SIGTTIN, SIG_IGN);
  std::signal(SIGTTOU, SIG_IGN);
  UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signal_fd.valid()) return absl::UnavailableError("no signal descriptor");
  return std::unique_ptr<Terminal>(
      new Terminal(std::move(tty), is_lent, std::move(signal_fd), channel, deadline));
}

Terminal::Terminal(UniqueFd tty, bool lent, UniqueFd signals, int channel, absl::Time deadline)
    : tty_(std::move(tty)),
      lent_(lent),
      signals_(std::move(signals)),
      channel_(channel),
      deadline_(deadline) {}

Terminal::~Terminal() {
  if (!raw_) return;
  // What was typed for us must not reach the shell as a command.
  ::tcflush(tty_.get(), TCIFLUSH);
  ::tcsetattr(tty_.get(), TCSANOW, &before_);
}

bool Terminal::InForeground() const { return lent_ || ::tcgetpgrp(tty_.get()) == ::getpgrp(); }

void Terminal::SetRaw() {
  if (!raw_) ::tcgetattr(tty_.get(), &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | INLCR | IGNCR);
  raw.c_iflag |= ICRNL;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw_ = ::tcsetattr(tty_.get(), TCSANOW, &raw) == 0;
}

Terminal::Typed Terminal::TakeKeyboard(absl::string_view notice) {
  bool told = false;
  while (!InForeground()) {
    if (!told) Print(notice);
    told = true;
    std::array<pollfd, 2> fds = {pollfd{signals_.get(), POLLIN, 0}, pollfd{channel_, POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(),
                             static_cast<int>(absl::ToInt64Milliseconds(kForegroundPoll)));
    if (ready > 0) return Typed::kEnded;
    if (TerminalNow() >= deadline_) return Typed::kExpired;
  }
  SetRaw();
  if (!raw_) return Typed::kEnded;
  return Discard(absl::ZeroDuration());
}

void Terminal::Print(absl::string_view text) {
  std::string safe;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!safe.empty() || line.data() != text.data()) safe.push_back('\n');
    absl::StrAppend(&safe, Printable(line));
  }
  WriteAll(tty_.get(), safe);
}

void Terminal::PrintWrapped(absl::string_view prefix, absl::string_view text) {
  const std::string printable = Printable(text);
  const int indent = ColumnsOf(prefix);
  std::string lines(prefix);
  int columns = indent;
  for (const absl::string_view word : absl::StrSplit(printable, ' ')) {
    const int width = ColumnsOf(word);
    if (columns > indent && columns + 1 + width > kColumns) {
      absl::StrAppend(&lines, "\n", std::string(static_cast<size_t>(indent), ' '));
      columns = indent;
    } else if (columns > indent) {
      lines.push_back(' ');
      ++columns;
    }
    absl::StrAppend(&lines, word);
    columns += width;
  }
  lines.push_back('\n');
  Print(lines);
}

Terminal::Byte Terminal::ReadByte(absl::Time until) {
  while (true) {
    const absl::Time end = std::min(until, deadline_);
    const absl::Duration left = end - TerminalNow();
    if (left <= absl::ZeroDuration()) {
      return {until < deadline_ ? Typed::kLine : Typed::kExpired, std::nullopt};
    }
    std::array<pollfd, 3> fds = {pollfd{tty_.get(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0},
                                 pollfd{channel_, POLLIN, 0}};
    const int64_t wait_ms = std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 3600 * 1000);
    const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(wait_ms));
    if (ready < 0 && errno != EINTR) return {Typed::kEnded, std::nullopt};
    if (ready <= 0) continue;
    // The broker says nothing after its question: what comes here is its closing.
    if (fds[1].revents != 0 || fds[2].revents != 0) return {Typed::kEnded, std::nullopt};
    char byte = 0;
    const ssize_t size = ::read(tty_.get(), &byte, 1);
    if (size == 1) return {Typed::kLine, byte};
    if (size < 0 && errno == EINTR) continue;
    return {Typed::kEnded, std::nullopt};
  }
}

Terminal::Typed Terminal::ReadLine(absl::string_view prompt, std::string& line) {
  Print(prompt);
  line.clear();
  while (true) {
    const Byte typed = ReadByte(absl::InfiniteFuture());
    if (typed.typed != Typed::kLine) return typed.typed;
    const char byte = *typed.byte;
    switch (byte) {
      case '\n':
        Print("\n");
        // A broken or invisible character is not what the person believes to have typed.
        if (Printable(line) != line) line.clear();
        return Typed::kLine;
      case kControlC:
      case kControlD:
      case kControlBackslash:
        Print("\n");
        return Typed::kRefused;
      case kEscape: {
        Byte next = ReadByte(TerminalNow() + kEscapeSequenceGap);
        if (next.typed != Typed::kLine) return next.typed;
        if (!next.byte.has_value()) {
          Print("\n");
          return Typed::kRefused;
        }
        // An arrow or function key: its bytes end with a letter or '~' and mean nothing here.
        for (next = ReadByte(TerminalNow() + kEscapeSequenceGap);
             next.byte.has_value() && (*next.byte < '@' || *next.byte > '~');
             next = ReadByte(TerminalNow() + kEscapeSequenceGap)) {
        }
        break;
      }
      case 0x7F:
      case '\b':
        if (line.empty()) break;
        while (!line.empty() && (static_cast<uint8_t>(line.back()) & 0xC0) == 0x80) line.pop_back();
        if (!line.empty()) line.pop_back();
        WriteAll(tty_.get(), "\b \b");
        break;
      case kControlU:
        WriteAll(tty_.get(), "\n");
        line.clear();
        Print(prompt);
        break;
      default:
        // A tab or any other control character is not part of an answer.
        if (static_cast<uint8_t>(byte) < 0x20 || line.size() >= kLineBytesMax) break;
        line.push_back(byte);
        // The bytes above ASCII come one by one and are whole characters only together.
        WriteAll(tty_.get(), absl::string_view(&byte, 1));
    }
  }
}

Terminal::Typed Terminal::Discard(absl::Duration period) {
  ::tcflush(tty_.get(), TCIFLUSH);
  const absl::Time until = TerminalNow() + period;
  while (TerminalNow() < until) {
    const Byte typed = ReadByte(until);
    if (typed.typed != Typed::kLine) return typed.typed;
    if (typed.byte == kControlC) return Typed::kRefused;
  }
  return Typed::kLine;
}

}  // namespace postern::platform
