// SPDX-License-Identifier: Apache-2.0
// What `postern doctor` looks at: each check is a function that returns findings and changes
// nothing.
#pragma once

#include <string>
#include <vector>

#include "clients/owner/paths.h"

namespace postern::cli {

enum class Outcome { kOk, kWarning, kFailed };

struct Finding {
  // A stable name for scripts, e.g. "runtime_directory".
  std::string name;
  Outcome outcome = Outcome::kOk;
  // What was seen.
  std::string seen;
  // What to do; empty when all is well.
  std::string next;
};

// $XDG_RUNTIME_DIR/postern: there, a folder of this user, 0700.
Finding CheckRuntimeDirectory(const owner::Paths& paths);
// The socket: there, a socket, this user's.
Finding CheckSocket(const owner::Paths& paths);
// Where keys rest: open, and holding the owner's key.
Finding CheckSecretStore(const owner::Paths& paths);
// The broker's certificate: there, and nobody else could have written it.
Finding CheckBrokerCertificate(const owner::Paths& paths);
// Everything in the data directory and this program's key directory is the user's alone.
std::vector<Finding> CheckPermissions(const owner::Paths& paths);
// The broker answers the owner's key: its versions, and each of its warnings.
std::vector<Finding> CheckBroker(const owner::Paths& paths);

}  // namespace postern::cli
