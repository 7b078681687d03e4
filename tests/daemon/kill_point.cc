// SPDX-License-Identifier: Apache-2.0
// Preloaded into posternd by crash_test: ends it with SIGKILL right after the n-th commit that
// appended events. At that moment they are durable and marked in the high-water file, and nobody
// has been told. n is in KILL_POINT_APPENDS; without it nothing happens.
#include <dlfcn.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

using PwriteFunction = ssize_t (*)(int, const void*, size_t, off_t);

// As broker/high_water_file.cc writes it: one slot in one pwrite.
constexpr size_t kSlotBytes = 80;
constexpr char kMagic[] = "POSTHW01";
constexpr size_t kSequenceOffset = 24;

std::atomic<long> appends_left{-1};
std::atomic<uint64_t> last_sequence{0};

__attribute__((constructor)) void ReadNumber() {
  const char* const number = ::getenv("KILL_POINT_APPENDS");
  if (number != nullptr) appends_left.store(std::strtol(number, nullptr, 10));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) ssize_t pwrite(int fd, const void* bytes,
                                                                 size_t size, off_t offset) {
  static const auto real = reinterpret_cast<PwriteFunction>(::dlsym(RTLD_NEXT, "pwrite"));
  const ssize_t written = real(fd, bytes, size, offset);
  if (written == static_cast<ssize_t>(kSlotBytes) &&
      std::memcmp(bytes, kMagic, sizeof(kMagic) - 1) == 0) {
    uint64_t sequence = 0;
    std::memcpy(&sequence, static_cast<const char*>(bytes) + kSequenceOffset, sizeof(sequence));
    // The first mark of a run only tells where it begins.
    const uint64_t before = last_sequence.exchange(sequence);
    if (before != 0 && sequence > before && appends_left.fetch_sub(1) == 1) {
      ::kill(::getpid(), SIGKILL);
    }
  }
  return written;
}
