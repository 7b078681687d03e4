// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace postern::broker {

// Why posternd did not run: one code a reason, for scripts and service managers.
enum class ExitCode : int {
  kOk = 0,
  kInternal = 1,
  kUsage = 2,
  kConfig = 3,
  kFolder = 4,
  kAlreadyRunning = 5,
  kSecrets = 6,
  kStorageRefused = 7,
  kStorageDamaged = 8,
  kStorageUnavailable = 9,
};

inline std::string ExitCodeTable() {
  return "  0  stopped as it was told\n"
         "  1  a fault of posternd itself\n"
         "  2  unknown options\n"
         "  3  the configuration is wrong\n"
         "  4  a folder is missing, not yours, open to others, or its path is too long\n"
         "  5  another posternd runs\n"
         "  6  the secret store cannot be reached\n"
         "  7  the database does not open: its key is gone or another, or it is newer or not "
         "encrypted\n"
         "  8  the database is damaged, or something of it is missing\n"
         "  9  the disk is full or read-only\n";
}

}  // namespace postern::broker
