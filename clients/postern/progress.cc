// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/progress.h"

#include <absl/strings/str_format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace postern::cli {
namespace {

constexpr uint64_t kCells = 30;

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), seen_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (!shown_.empty()) std::fprintf(stderr, "\r\033[K");
}

std::string Progress::Bar(const std::string& what, uint64_t done, uint64_t total) {
  if (total == 0) return what + " ...";
  const uint64_t part = std::min(done, total);
  const uint64_t cells = part * kCells / total;
  return absl::StrFormat("%s [%s%s] %3d %%", what, std::string(cells, '#'),
                         std::string(kCells - cells, '-'), part * 100 / total);
}

void Progress::Show(uint64_t done, uint64_t total) {
  if (!seen_) return;
  std::string line = Bar(what_, done, total);
  if (line == shown_) return;
  shown_ = std::move(line);
  std::fprintf(stderr, "\r%s\033[K", shown_.c_str());
  std::fflush(stderr);
}

}  // namespace postern::cli
