// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/files.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::sdk {
namespace {

constexpr off_t kFileBytesMax = 64 * 1024;
constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;
constexpr mode_t kOthersMayAnything = S_IRWXG | S_IRWXO;

absl::Status Failed(absl::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(absl::StrCat(path, ": ", what));
}

std::string ErrorText() { return std::strerror(errno); }

// Root may own what is believed (a system-wide install); it could read and write all of it anyway.
bool IsOurs(const struct stat& info) { return info.st_uid == ::geteuid() || info.st_uid == 0; }

}  // namespace

absl::StatusOr<std::string> DefaultSocketPath() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime == nullptr || runtime[0] != '/') {
    return absl::FailedPreconditionError(
        "XDG_RUNTIME_DIR is not set: it names the folder with the broker's socket");
  }
  return absl::StrCat(runtime, "/postern/postern.sock");
}

absl::StatusOr<std::string> DataHome() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && data[0] == '/') {
    return std::string(data);
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    return absl::StrCat(home, "/.local/share");
  }
  return absl::FailedPreconditionError("neither XDG_DATA_HOME nor HOME is set");
}

absl::StatusOr<platform::SecretBytes> ReadTrustedFile(const std::string& path, FileTrust trust) {
  const platform::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) {
    if (errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
    return Failed(errno == ELOOP ? "is a symbolic link" : ErrorText(), path);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Failed(ErrorText(), path);
  if (!S_ISREG(info.st_mode)) return Failed("is not a regular file", path);
  if (!IsOurs(info)) return Failed("belongs to another user", path);
  const mode_t forbidden = trust == FileTrust::kPrivate ? kOthersMayAnything : kOthersMayWrite;
  if ((info.st_mode & forbidden) != 0) {
    return Failed(trust == FileTrust::kPrivate ? "others can read it; chmod 600"
                                               : "others can write it; chmod 600",
                  path);
  }
  if (info.st_size > kFileBytesMax) return Failed("is larger than 64 KiB", path);

  struct stat folder {};
  const std::string folder_path = std::filesystem::path(path).parent_path().string();
  if (::stat(folder_path.c_str(), &folder) != 0) return Failed(ErrorText(), folder_path);
  // Who can write the folder can put another file in the place of this one.
  if (!IsOurs(folder) || (folder.st_mode & kOthersMayWrite) != 0) {
    return Failed("others can write this folder; chmod 700", folder_path);
  }

  platform::SecretBytes bytes(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(fd.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Failed("cannot be read whole", path);
    done += static_cast<size_t>(count);
  }
  return bytes;
}

absl::Status MakePrivateDirectory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed(absl::StrCat("cannot be made: ", ErrorText()), path);
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Failed(ErrorText(), path);
  if (!S_ISDIR(info.st_mode)) return Failed("is not a folder", path);
  if (info.st_uid != ::geteuid()) return Failed("belongs to another user", path);
  if ((info.st_mode & kOthersMayAnything) != 0)
    return Failed("others can open it; chmod 700", path);
  return absl::OkStatus();
}

absl::Status WriteNewPrivateFile(const std::string& path, std::span<const uint8_t> bytes) {
  std::string temporary = path + ".XXXXXX";
  const platform::UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600
  if (!fd.valid()) return Failed(absl::StrCat("cannot be written: ", ErrorText()), path);
  absl::Status result = absl::OkStatus();
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    done += static_cast<size_t>(count);
  }
  if (done < bytes.size() || ::fsync(fd.get()) != 0) {
    result = absl::UnavailableError(absl::StrCat(path, ": cannot be written: ", ErrorText()));
  } else if (::link(temporary.c_str(), path.c_str()) != 0) {
    // link, not rename: of two that start at once, the second must not replace the first one's key.
    result = errno == EEXIST ? absl::AlreadyExistsError(path)
                             : absl::UnavailableError(absl::StrCat(path, ": ", ErrorText()));
  }
  ::unlink(temporary.c_str());
  return result;
}

}  // namespace postern::sdk
