// SPDX-License-Identifier: Apache-2.0
#include "platform/instance_lock.h"

#include <absl/status/status.h>
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace postern::platform {

absl::StatusOr<InstanceLock> InstanceLock::Acquire(const UniqueFd& folder) {
  UniqueFd file(
      ::openat(folder.get(), "posternd.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) {
    if (errno == EROFS) {
      return absl::UnavailableError("the data folder's disk is read-only; make it writable");
    }
    if (errno == ENOSPC || errno == EDQUOT) {
      return absl::UnavailableError("the data folder's disk is full; make room on it");
    }
    return absl::ErrnoToStatus(errno, "cannot open the lock file");
  }
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::AlreadyExistsError("another posternd is running with this data folder");
    }
    return absl::ErrnoToStatus(errno, "cannot lock the data folder");
  }
  return InstanceLock(std::move(file));
}

}  // namespace postern::platform
