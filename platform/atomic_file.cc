// SPDX-License-Identifier: Apache-2.0
#include "platform/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::platform {
namespace {

// The folder that 'path' is in and the name there.
struct Place {
  std::string folder;
  std::string name;
};

absl::StatusOr<Place> Split(const std::string& path) {
  const size_t slash = path.rfind('/');
  Place place;
  place.folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  place.name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (place.name.empty() || place.name == "." || place.name == "..") {
    return absl::InvalidArgumentError("not a file's name");
  }
  return place;
}

std::string RandomName(const std::string& name) {
  std::array<uint8_t, 8> random;
  FillRandom(random);
  std::string result = "." + name + ".";
  for (const uint8_t byte : random) {
    result += "0123456789abcdef"[byte >> 4];
    result += "0123456789abcdef"[byte & 15];
  }
  return result;
}

absl::Status WriteAll(int fd, std::span<const uint8_t> content) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::ErrnoToStatus(errno, "cannot write a file");
    content = content.subspan(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return absl::ErrnoToStatus(errno, "cannot bring a file to disk");
  return absl::OkStatus();
}

// Opens and checks in that order, so that what was checked is what is read.
absl::StatusOr<UniqueFd> OpenChecked(const std::string& path, mode_t forbidden, size_t size_max,
                                     size_t* size) {
  // O_NONBLOCK: a named pipe in the file's place must not hang the open.
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) {
    if (errno == ENOENT) return absl::NotFoundError("there is no such file");
    if (errno == ELOOP) return absl::FailedPreconditionError("the file is a symbolic link");
    return absl::ErrnoToStatus(errno, "cannot open a file");
  }
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return absl::ErrnoToStatus(errno, "cannot look at a file");
  if (!S_ISREG(status.st_mode)) return absl::FailedPreconditionError("it is not a regular file");
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return absl::FailedPreconditionError("the file belongs to another user");
  }
  if ((status.st_mode & forbidden) != 0) {
    return absl::FailedPreconditionError("other users can reach the file; chmod it to 0600");
  }
  if (static_cast<uint64_t>(status.st_size) > size_max) {
    return absl::ResourceExhaustedError("the file is larger than it can be");
  }
  *size = static_cast<size_t>(status.st_size);
  return file;
}

absl::Status ReadAll(int fd, std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::read(fd, out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, "cannot read a file");
    if (got == 0) return absl::AbortedError("the file changed while it was read");
    out = out.subspan(static_cast<size_t>(got));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> content) {
  ASSIGN_OR_RETURN(const Place place, Split(path));
  const UniqueFd folder(::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return absl::ErrnoToStatus(errno, "cannot open a file's folder");
  const std::string draft = RandomName(place.name);
  UniqueFd file(::openat(folder.get(), draft.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return absl::ErrnoToStatus(errno, "cannot create a file");
  absl::Status written = WriteAll(file.get(), content);
  if (written.ok() &&
      ::renameat(folder.get(), draft.c_str(), folder.get(), place.name.c_str()) != 0) {
    written = absl::ErrnoToStatus(errno, "cannot put a file in its place");
  }
  if (!written.ok()) {
    ::unlinkat(folder.get(), draft.c_str(), 0);
    return written;
  }
  if (::fsync(folder.get()) != 0)
    return absl::ErrnoToStatus(errno, "cannot bring a folder to disk");
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, const std::string& content) {
  return WriteFileAtomically(
      path, std::span(reinterpret_cast<const uint8_t*>(content.data()), content.size()));
}

absl::StatusOr<SecretBytes> ReadSecretFile(const std::string& path, size_t size_max) {
  size_t size = 0;
  ASSIGN_OR_RETURN(const UniqueFd file, OpenChecked(path, 0077, size_max, &size));
  SecretBytes content(size);
  RETURN_IF_ERROR(ReadAll(file.get(), {content.data(), content.size()}));
  return content;
}

absl::StatusOr<std::string> ReadTrustedFile(const std::string& path, size_t size_max) {
  size_t size = 0;
  ASSIGN_OR_RETURN(const UniqueFd file, OpenChecked(path, 0022, size_max, &size));
  std::string content(size, '\0');
  RETURN_IF_ERROR(
      ReadAll(file.get(), {reinterpret_cast<uint8_t*>(content.data()), content.size()}));
  return content;
}

}  // namespace postern::platform
