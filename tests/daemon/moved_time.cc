// SPDX-License-Identifier: Apache-2.0
// Preloaded into the programs of moved_time tests: every clock of theirs runs ahead of the
// machine's by what a file says, which the test writes while they run or stand still. So minutes
// pass for the programs as they ship, their libraries' timers included. A wait ends when its time
// has passed by those clocks: it looks again every kSlice.
//
// MOVED_TIME_FILE names the file, a MovedTimePage; without one nothing is moved.
#include "tests/daemon/moved_time.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

#define MOVED_TIME_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using postern::daemon_test::MovedTimePage;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMillisecond = 1'000'000;
// How soon a wait sees that its time has passed.
constexpr int64_t kSlice = 10 * kMillisecond;

std::atomic<MovedTimePage*> the_page{nullptr};

__attribute__((constructor)) void MapPage() {
  const char* const path = ::getenv("MOVED_TIME_FILE");
  if (path == nullptr) return;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  void* const page =
      ::mmap(nullptr, sizeof(MovedTimePage), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  // The test would wait for a time that never comes.
  if (page == MAP_FAILED) std::abort();
  ::close(file);
  auto* const moved = static_cast<MovedTimePage*>(page);
  moved->programs.fetch_add(1);
  the_page.store(moved);
}

// How far ahead of the machine's clocks, in nanoseconds. No lock: a sanitizer asks for the time in
// the middle of its own work.
int64_t Ahead() {
  const MovedTimePage* const page = the_page.load();
  return page == nullptr ? 0 : page->ahead_ns.load();
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int RealClock(clockid_t clock, timespec* time) {
  static auto* const real = Real<int(clockid_t, timespec*)>("clock_gettime");
  return real(clock, time);
}
long RealSyscall(long number, const long (&words)[6]) {
  static auto* const real = Real<long(long, ...)>("syscall");
  return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

// Clocks of a thread or a process do not run while it stands still.
bool IsMoved(clockid_t clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
      return true;
    default:
      return false;
  }
}

int64_t Nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
timespec TimeOf(int64_t nanoseconds) {
  return {.tv_sec = nanoseconds / kSecond, .tv_nsec = nanoseconds % kSecond};
}
int64_t MachineTime(clockid_t clock) {
  timespec time{};
  RealClock(clock, &time);
  return Nanoseconds(time);
}
int64_t MovedTime(clockid_t clock) { return MachineTime(clock) + Ahead(); }

// When the machine's clock says that it is time to look again, in a wait until the moved 'time'.
timespec NextLook(clockid_t clock, int64_t time) {
  const int64_t look = std::min(time - Ahead(), MachineTime(clock) + kSlice);
  // One that is long past may be anything but negative.
  return TimeOf(std::max<int64_t>(look, 0));
}

// Waits by 'wait', which takes milliseconds, until there is something or 'timeout_ms' has passed.
template <typename Wait>
int WaitInSlices(int timeout_ms, Wait wait) {
  if (timeout_ms <= 0) return wait(timeout_ms);
  const int64_t end = MovedTime(CLOCK_MONOTONIC) + timeout_ms * kMillisecond;
  for (;;) {
    // Rounded up: none returns before its time.
    const int64_t left = (end - MovedTime(CLOCK_MONOTONIC) + kMillisecond - 1) / kMillisecond;
    const int found = wait(static_cast<int>(std::clamp<int64_t>(left, 0, kSlice / kMillisecond)));
    if (found != 0 || left <= 0) return found;
  }
}

}  // namespace

MOVED_TIME_EXPORT int clock_gettime(clockid_t clock, timespec* time) {
  const int result = RealClock(clock, time);
  if (result == 0 && IsMoved(clock)) *time = TimeOf(Nanoseconds(*time) + Ahead());
  return result;
}

MOVED_TIME_EXPORT time_t time(time_t* time) {
  const time_t now = MovedTime(CLOCK_REALTIME) / kSecond;
  if (time != nullptr) *time = now;
  return now;
}

MOVED_TIME_EXPORT int gettimeofday(timeval* time, void*) {
  const timespec now = TimeOf(MovedTime(CLOCK_REALTIME));
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

// Between two looks it wakes as if for nothing: to wait on here could miss a notification.
MOVED_TIME_EXPORT int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                                             clockid_t clock, const timespec* time) {
  static auto* const real =
      Real<int(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  const int64_t end = Nanoseconds(*time);
  const timespec look = NextLook(clock, end);
  const int result = real(condition, mutex, clock, &look);
  return result == ETIMEDOUT && MovedTime(clock) < end ? 0 : result;
}

MOVED_TIME_EXPORT int poll(pollfd* fds, nfds_t count, int timeout_ms) {
  static auto* const real = Real<int(pollfd*, nfds_t, int)>("poll");
  return WaitInSlices(timeout_ms, [&](int slice) { return real(fds, count, slice); });
}

MOVED_TIME_EXPORT int epoll_wait(int epoll, epoll_event* events, int max, int timeout_ms) {
  static auto* const real = Real<int(int, epoll_event*, int, int)>("epoll_wait");
  return WaitInSlices(timeout_ms, [&](int slice) { return real(epoll, events, max, slice); });
}

// Abseil, and with it gRPC, waits in the kernel by itself, until a time of the wall clock.
MOVED_TIME_EXPORT long syscall(long number, ...) {
  long words[6];
  va_list arguments;
  va_start(arguments, number);
  for (long& word : words) word = va_arg(arguments, long);
  va_end(arguments);
  const auto* const time = reinterpret_cast<const timespec*>(words[3]);
  const bool waits =
      number == SYS_futex && (words[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && time != nullptr;
  if (!waits) return RealSyscall(number, words);
  const clockid_t clock = (words[1] & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  const int64_t end = Nanoseconds(*time);
  for (;;) {
    const timespec look = NextLook(clock, end);
    words[3] = reinterpret_cast<long>(&look);
    const long result = RealSyscall(number, words);
    if (result == 0 || errno != ETIMEDOUT || MovedTime(clock) >= end) return result;
  }
}
