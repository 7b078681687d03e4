// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/journal.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace postern::demo {

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(const std::string& path) {
  auto journal = std::make_unique<Journal>();
  if (path.empty()) return journal;
  journal->fd_.Reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!journal->fd_.valid()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write the journal ", path));
  }
  return journal;
}

void Journal::Write(const std::string& lines) {
  if (!fd_.valid() || lines.empty()) return;
  while (::write(fd_.get(), lines.data(), lines.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace postern::demo
