// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include "tests/daemon/process.h"

namespace postern::daemon_test {

// Names, modes and bytes of all that is in a folder: equal pictures mean that nothing was changed.
using FolderPicture = std::map<std::string, std::tuple<mode_t, std::string>>;

inline FolderPicture TakePicture(const std::string& folder) {
  FolderPicture picture;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat status {};
    ::lstat(entry.path().c_str(), &status);
    picture[entry.path().string()] = {
        status.st_mode, S_ISREG(status.st_mode) ? ReadFile(entry.path().string()) : ""};
  }
  return picture;
}

}  // namespace postern::daemon_test
