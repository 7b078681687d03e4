// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/typed_lines.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace postern::translator {
namespace {

// Longer than what a message may be.
constexpr size_t kLineBytesMax = 64 * 1024;

}  // namespace

TypedLines::TypedLines(std::function<void(const std::string&)> on_line)
    : on_line_(std::move(on_line)), wake_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { Read(); }) {}

TypedLines::~TypedLines() {
  ::eventfd_write(wake_, 1);
  thread_.join();
  ::close(wake_);
}

void TypedLines::Read() {
  std::string pending;
  for (;;) {
    pollfd both[2] = {{STDIN_FILENO, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(both, 2, -1) < 0) continue;
    if (both[1].revents != 0) return;
    char buffer[4096];
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count <= 0) return;
    pending.append(buffer, static_cast<size_t>(count));
    for (size_t end; (end = pending.find('\n')) != std::string::npos;) {
      on_line_(pending.substr(0, end));
      pending.erase(0, end + 1);
    }
    if (pending.size() > kLineBytesMax) pending.clear();
  }
}

}  // namespace postern::translator
