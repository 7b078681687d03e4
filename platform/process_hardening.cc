// SPDX-License-Identifier: Apache-2.0
#include "platform/process_hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

namespace postern::platform {
namespace {

// The leak checker stops its own process with ptrace at exit, which an undumpable one refuses.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLeakCheckerNeedsPtrace = true;
#elif defined(__has_feature)
constexpr bool kLeakCheckerNeedsPtrace = __has_feature(address_sanitizer);
#else
constexpr bool kLeakCheckerNeedsPtrace = false;
#endif

constexpr const char* kDangerousVariables[] = {
    "SSLKEYLOGFILE",  // TLS keys to a file
    "GRPC_TRACE",
    "GRPC_VERBOSITY",                    // message bytes to standard error
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",  // somebody's roots
    "GRPC_EXPERIMENTS",                  // another event engine than the one that was tested
    "GRPC_BINARY_LOG_FILTER",            // calls to a file
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "OPENSSL_ENGINES",  // code into OpenSSL
    "GIO_EXTRA_MODULES",
    "GIO_MODULE_DIR",  // code into GIO
    "GTK_MODULES",
    "GTK_PATH",  // code into the consent window
    "G_MESSAGES_DEBUG",
    "G_DBUS_DEBUG",  // D-Bus payloads, which hold secrets, to standard output
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",       // already had their effect here; not for children
    "SQLITE_TMPDIR",  // temporary files stay in memory
};

}  // namespace

absl::Status HardenProcess() {
  if (!kLeakCheckerNeedsPtrace && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "cannot close the process to ptrace");
  }
  const struct rlimit none = {0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) {
    return absl::ErrnoToStatus(errno, "cannot turn core files off");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return absl::ErrnoToStatus(errno, "cannot give up new privileges");
  }
  ::umask(077);
  for (const char* variable : kDangerousVariables) {
    if (::unsetenv(variable) != 0)
      return absl::ErrnoToStatus(errno, "cannot clean the environment");
  }
  return absl::OkStatus();
}

}  // namespace postern::platform
