// SPDX-License-Identifier: Apache-2.0
#include "platform/runtime_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "platform/status_macros.h"

namespace postern::platform {
namespace {

constexpr mode_t kOwnerOnly = 0700;
// What the kernel shows for users that do not exist in this user namespace: the owner of "/" in
// many a container.
constexpr uid_t kOverflowUid = 65534;

enum class Parents { kMustExist, kMayBeMade };

absl::Status Refuse(const std::string& path, const std::string& what) {
  return absl::FailedPreconditionError(path + " " + what);
}

// Nobody but root and us may be able to put something else in the place of what is below.
absl::Status CheckAbove(int fd, const std::string& path) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return absl::ErrnoToStatus(errno, "cannot look at a folder");
  if (status.st_uid != 0 && status.st_uid != ::geteuid() && status.st_uid != kOverflowUid) {
    return Refuse(path, "belongs to another user; choose a folder under one of yours");
  }
  if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    return Refuse(path, "is writable by every user; chmod o-w it, or choose another folder");
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> OpenBelow(int parent, const std::string& name, const std::string& path) {
  UniqueFd folder(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder.valid()) return folder;
  switch (errno) {
    case ENOENT:
      return absl::NotFoundError(path + " does not exist");
    case ELOOP:
    case ENOTDIR: {
      struct stat status;
      const bool link = ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISLNK(status.st_mode);
      return Refuse(path, link ? "is a symbolic link; remove it" : "is not a folder; remove it");
    }
    case EACCES:
      return Refuse(path, "cannot be opened by this user; chmod it to 0700 or remove it");
    default:
      return absl::ErrnoToStatus(errno, "cannot open " + path);
  }
}

// Walks from "/" so that each folder above is checked through the descriptor that the next is
// opened from. The links above are the administrator's (/home -> /srv/home), and resolved first: a
// link put in afterwards is refused by the walk.
absl::StatusOr<UniqueFd> OpenParent(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) {
    return Refuse(path, "cannot be reached; create it with mode 0700, or correct the setting");
  }
  const std::string real(resolved);
  ::free(resolved);
  UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.valid()) return absl::ErrnoToStatus(errno, "cannot open /");
  RETURN_IF_ERROR(CheckAbove(folder.get(), "/"));
  for (size_t start = 1; start < real.size();) {
    const size_t end = std::min(real.find('/', start), real.size());
    // O_PATH: a folder above may be one that we may pass and not list.
    UniqueFd next(::openat(folder.get(), real.substr(start, end - start).c_str(),
                           O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) return absl::ErrnoToStatus(errno, "cannot open " + real.substr(0, end));
    folder = std::move(next);
    RETURN_IF_ERROR(CheckAbove(folder.get(), real.substr(0, end)));
    start = end + 1;
  }
  return folder;
}

// Like mkdir -p with mode 0700; what exists is left as it is.
absl::Status MakeParents(const std::string& path) {
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    if (::mkdir(path.substr(0, end).c_str(), kOwnerOnly) != 0 && errno != EEXIST &&
        errno != EROFS && errno != EACCES) {
      return absl::ErrnoToStatus(errno, "cannot create " + path.substr(0, end));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> Prepare(const std::string& path, Parents parents) {
  const size_t slash = path.rfind('/');
  if (path.empty() || path[0] != '/' || slash + 1 == path.size() || slash == 0) {
    return absl::FailedPreconditionError("a folder of ours needs an absolute path below another");
  }
  if (parents == Parents::kMayBeMade) RETURN_IF_ERROR(MakeParents(path));
  ASSIGN_OR_RETURN(const UniqueFd parent, OpenParent(path.substr(0, slash)));
  const std::string name = path.substr(slash + 1);
  if (name == "." || name == "..") return Refuse(path, "is not a folder's name");
  if (::mkdirat(parent.get(), name.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return Refuse(path, "cannot be created; make the folder above it writable to you");
  }
  ASSIGN_OR_RETURN(UniqueFd folder, OpenBelow(parent.get(), name, path));
  struct stat status;
  if (::fstat(folder.get(), &status) != 0)
    return absl::ErrnoToStatus(errno, "cannot look at a folder");
  if (status.st_uid != ::geteuid()) return Refuse(path, "belongs to another user; remove it");
  if ((status.st_mode & 07777) != kOwnerOnly) {
    return Refuse(path, "must be yours alone; look who could use it, then chmod it to 0700");
  }
  return folder;
}

// The specification: a relative path in these variables is invalid and to be ignored.
std::string AbsoluteOr(const char* value, const std::string& fallback) {
  return value != nullptr && value[0] == '/' ? std::string(value) : fallback;
}

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::Status CheckSocketPath(const std::string& path) {
  if (path.empty() || path[0] != '/') {
    return absl::FailedPreconditionError("the socket needs an absolute path");
  }
  if (path.size() > kSocketPathBytesMax || path.find('\0') != std::string::npos) {
    return absl::FailedPreconditionError(
        "the socket's path is longer than 107 bytes; set XDG_RUNTIME_DIR to a shorter one");
  }
  return absl::OkStatus();
}

absl::StatusOr<Paths> FindPaths(const GetEnvironment& get_environment) {
  const std::string runtime = WithoutSlashes(AbsoluteOr(get_environment("XDG_RUNTIME_DIR"), ""));
  if (runtime.empty()) {
    return absl::FailedPreconditionError(
        "XDG_RUNTIME_DIR is not set; log in to a session, or set it to a folder of yours with mode "
        "0700");
  }
  const std::string home = WithoutSlashes(AbsoluteOr(get_environment("HOME"), ""));
  const std::string data = WithoutSlashes(
      AbsoluteOr(get_environment("XDG_DATA_HOME"), home.empty() ? "" : home + "/.local/share"));
  const std::string config = WithoutSlashes(
      AbsoluteOr(get_environment("XDG_CONFIG_HOME"), home.empty() ? "" : home + "/.config"));
  if (data.empty() || config.empty()) {
    return absl::FailedPreconditionError(
        "HOME is not set; set it, or both XDG_DATA_HOME and XDG_CONFIG_HOME");
  }
  Paths paths;
  paths.runtime_dir = runtime + "/postern";
  paths.socket = paths.runtime_dir + "/postern.sock";
  paths.data_dir = data + "/postern";
  paths.config_file = config + "/postern/posternd.toml";
  paths.clients_dir = data + "/postern-clients";
  RETURN_IF_ERROR(CheckSocketPath(paths.socket));
  return paths;
}

absl::StatusOr<Paths> FindPaths() {
  return FindPaths([](const char* name) -> const char* { return std::getenv(name); });
}

absl::StatusOr<UniqueFd> PrepareRuntimeDirectory(const std::string& path) {
  return Prepare(path, Parents::kMustExist);
}

absl::StatusOr<UniqueFd> PrepareDataDirectory(const std::string& path) {
  return Prepare(path, Parents::kMayBeMade);
}

}  // namespace postern::platform
