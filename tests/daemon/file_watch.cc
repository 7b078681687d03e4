// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/file_watch.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>

#include "tests/daemon/process.h"

namespace postern::daemon_test {

FileWatch::FileWatch(std::string path)
    : path_(std::move(path)), changes_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (::inotify_add_watch(changes_.get(), folder.c_str(), IN_MODIFY | IN_CREATE) < 0) std::abort();
}

bool FileWatch::Await(const std::function<bool(const std::string& bytes)>& holds, size_t from,
                      std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!holds(ReadFile(path_, from))) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd state{changes_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&state, 1, static_cast<int>(left.count())) <= 0) return false;
    std::array<char, 16 * 1024> events;
    while (::read(changes_.get(), events.data(), events.size()) > 0) {
    }
  }
  return true;
}

}  // namespace postern::daemon_test
