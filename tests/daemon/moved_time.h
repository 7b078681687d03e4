// SPDX-License-Identifier: Apache-2.0
// Time that a test moves for real programs, running or standing still. They are the programs that
// ship: a preloaded library (moved_time.cc) puts their clocks ahead.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace postern::daemon_test {

// What the test and the programs share. All zero at the start.
struct MovedTimePage {
  // How far the programs' clocks are ahead of the machine's. Grows only.
  std::atomic<int64_t> ahead_ns;
  // How many programs go by it.
  std::atomic<int> programs;
};

// Outlives its programs. Thread-safe.
class MovedTime {
 public:
  // Makes the file at 'path'; its folder must be there.
  explicit MovedTime(std::string path) : path_(std::move(path)) {
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (::ftruncate(file, sizeof(MovedTimePage)) != 0) std::abort();
    void* const page =
        ::mmap(nullptr, sizeof(MovedTimePage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) std::abort();
    ::close(file);
    page_ = static_cast<MovedTimePage*>(page);
  }
  ~MovedTime() { ::munmap(page_, sizeof(MovedTimePage)); }
  MovedTime(const MovedTime&) = delete;
  MovedTime& operator=(const MovedTime&) = delete;

  // What a program is started with to go by this time.
  std::map<std::string, std::string> Environment() const {
    const char* const library = ::getenv("POSTERN_MOVED_TIME");
    if (library == nullptr) std::abort();  // run by ctest, which names the library
    return {{"LD_PRELOAD", library}, {"MOVED_TIME_FILE", path_}};
  }
  // All clocks of all programs go on by so much, at once.
  void Advance(std::chrono::nanoseconds by) { page_->ahead_ns.fetch_add(by.count()); }
  // How many programs have gone by it so far.
  int programs() const { return page_->programs.load(); }

 private:
  const std::string path_;
  MovedTimePage* page_ = nullptr;
};

}  // namespace postern::daemon_test
