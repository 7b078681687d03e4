// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/new_file.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "clients/owner/visible_text.h"
#include "clients/postern/grant_text.h"

namespace postern::cli {

using owner::VisibleText;

absl::StatusOr<NewFile> NewFile::Make(const std::string& path) {
  if (::access(path.c_str(), F_OK) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("“", VisibleText(path), "” is there already. Name another file."));
  }
  const std::string part = path + ".part";
  ::unlink(part.c_str());
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::FILE* stream = fd < 0 ? nullptr : ::fdopen(fd, "w");
  if (stream == nullptr) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    return absl::InvalidArgumentError(
        absl::StrCat("“", VisibleText(path), "” cannot be made: ", std::strerror(error), "."));
  }
  return NewFile(path, part, stream);
}

NewFile::NewFile(std::string path, std::string part, std::FILE* stream)
    : path_(std::move(path)), part_(std::move(part)), stream_(stream) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      part_(std::move(other.part_)),
      stream_(std::exchange(other.stream_, nullptr)) {}

NewFile::~NewFile() {
  if (stream_ == nullptr) return;
  std::fclose(stream_);
  ::unlink(part_.c_str());
}

void NewFile::Write(std::string_view bytes) { std::fwrite(bytes.data(), 1, bytes.size(), stream_); }

absl::Status NewFile::Finish() {
  const bool written = std::fflush(stream_) == 0 && std::ferror(stream_) == 0 &&
                       ::fsync(::fileno(stream_)) == 0 &&
                       ::rename(part_.c_str(), path_.c_str()) == 0;
  const int error = errno;
  std::fclose(std::exchange(stream_, nullptr));
  if (written) return absl::OkStatus();
  ::unlink(part_.c_str());
  return absl::FailedPreconditionError(
      absl::StrCat("“", VisibleText(path_), "” was not written: ", std::strerror(error), "."));
}

std::string WrittenText(uint64_t count, const std::string& noun, const std::string& path) {
  return absl::StrCat(Counted(count, noun), count == 1 ? " is" : " are", " in “", VisibleText(path),
                      "”.");
}

absl::Status FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("The output was not written: ", std::strerror(errno), "."));
}

}  // namespace postern::cli
