// SPDX-License-Identifier: Apache-2.0
// Where things are on disk, and the making of the two folders that must be the user's alone.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <string>

#include "platform/unique_fd.h"

namespace postern::platform {

// As sun_path holds 108 bytes with the final zero.
inline constexpr size_t kSocketPathBytesMax = 107;

using GetEnvironment = std::function<const char*(const char* name)>;

// The places of the XDG base directory specification, for one user. Empty is never one of them.
struct Paths {
  std::string runtime_dir;  // $XDG_RUNTIME_DIR/postern
  std::string socket;       // runtime_dir/postern.sock
  std::string data_dir;     // $XDG_DATA_HOME/postern
  std::string config_file;  // $XDG_CONFIG_HOME/postern/posternd.toml
  std::string clients_dir;  // $XDG_DATA_HOME/postern-clients
};

// FAILED_PRECONDITION, saying what to do, when XDG_RUNTIME_DIR is unset or not absolute, when HOME
// is missing and needed, or when the socket's path would be too long. Touches no file.
absl::StatusOr<Paths> FindPaths(const GetEnvironment& get_environment);
absl::StatusOr<Paths> FindPaths();  // from this process's environment

// FAILED_PRECONDITION when a socket cannot be bound at 'path' for its length or for not being
// absolute.
absl::Status CheckSocketPath(const std::string& path);

// Each creates its folder with mode 0700 if need be and returns it open. FAILED_PRECONDITION, in
// one line that says what to do, when it is a symbolic link, a file, another user's or open to
// others, or when a folder above it lets any user replace it. The folder is checked through the
// descriptor that is returned, so nothing can be swapped in between.
//
// The runtime folder's parent must exist: it is the session's to make.
absl::StatusOr<UniqueFd> PrepareRuntimeDirectory(const std::string& path);
// The data folder's parents are made too, with mode 0700.
absl::StatusOr<UniqueFd> PrepareDataDirectory(const std::string& path);

}  // namespace postern::platform
