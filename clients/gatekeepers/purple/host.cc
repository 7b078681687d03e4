// SPDX-License-Identifier: GPL-3.0-or-later
// postern-purple-host: a messaging client without a window that serves one XMPP account to the
// broker.
#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "clients/gatekeepers/purple/headless.h"
#include "platform/unique_fd.h"

namespace {

constexpr int kExitUsage = 2;
constexpr int kExitLogin = 3;
constexpr int kExitPlugin = 4;
constexpr size_t kPasswordBytesMax = 1024;

constexpr char kExamples[] =
    "Examples:\n"
    "  postern-purple-host --account bob@example.org/postern --password-file "
    "~/.config/postern/bob.password\n"
    "  postern-purple-host --account bob@chat.test/postern --password-file bob.password \\\n"
    "      --server 127.0.0.1:15222 --trust-certificate server.crt --data-dir /tmp/try\n"
    "\n"
    "It holds the account's OMEMO keys in its data directory and asks to be enrolled as a "
    "gatekeeper.\n"
    "Exit codes: 0 ended by a signal, 2 wrong use, 3 the server refuses the login, 4 a plugin is "
    "missing\n"
    "or could not reach what it needs (a locked keyring, for one).\n";

// The password, or nothing and a line on stderr. Readable by others is an error: they have read it.
std::optional<std::string> ReadPassword(const std::string& path) {
  const postern::platform::UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status = {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    std::fprintf(stderr, "postern-purple-host: cannot read %s\n", path.c_str());
    return std::nullopt;
  }
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
    std::fprintf(stderr, "postern-purple-host: %s must be yours alone: chmod 600 %s\n",
                 path.c_str(), path.c_str());
    return std::nullopt;
  }
  std::string password(kPasswordBytesMax, '\0');
  const ssize_t size = read(file.get(), password.data(), password.size());
  password.resize(size < 0 ? 0 : static_cast<size_t>(size));
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r'))
    password.pop_back();
  if (!password.empty()) return password;
  std::fprintf(stderr, "postern-purple-host: %s is empty\n", path.c_str());
  return std::nullopt;
}

std::string DefaultDataDirectory() {
  return std::string(g_get_user_data_dir()) + "/postern-clients/org.postern.purple/purple";
}

// Beside the program when built, in the library folder when installed.
std::string DefaultPlugin() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path().parent_path() / "lib" / "postern" / "postern-gatekeeper.so")
      .string();
}

// One line each, and no libpurple debug lines: those may hold text.
void Log(const gchar*, GLogLevelFlags level, const gchar* message, gpointer) {
  if ((level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) != 0) return;
  std::fprintf(stderr, "postern-purple-host: %s\n", message);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("Serves an XMPP account with OMEMO to the broker, as a gatekeeper.");
  program.footer(kExamples);
  postern::purple::HostOptions options;
  options.data_directory = DefaultDataDirectory();
  options.plugin = DefaultPlugin();
  std::string password_file;
  std::string server;
  program.set_config("--config", "", "Read these options from a TOML file");
  program
      .add_option("--account", options.account, "Address with a resource: bob@example.org/postern")
      ->required();
  program.add_option("--password-file", password_file, "File with the password, mode 0600")
      ->required();
  program.add_option("--server", server,
                     "HOST:PORT to connect to (default: found from the address)");
  program
      .add_option("--data-dir", options.data_directory, "libpurple's folder, with the OMEMO keys")
      ->capture_default_str();
  program.add_option("--trust-certificate", options.trusted_certificate,
                     "PEM file of the one certificate to believe for the server");
  program.add_option("--plugin", options.plugin, "The adapter's shared object")
      ->capture_default_str();
  CLI11_PARSE(program, argc, argv);

  if (options.account.find('@') == std::string::npos) {
    std::fprintf(
        stderr,
        "postern-purple-host: --account needs an address such as bob@example.org/postern\n");
    return kExitUsage;
  }
  if (!server.empty()) {
    const size_t colon = server.rfind(':');
    options.server = server.substr(0, colon);
    if (colon != std::string::npos) options.port = std::atoi(server.c_str() + colon + 1);
    if (options.server.empty() || options.port < 1 || options.port > 65535) {
      std::fprintf(stderr, "postern-purple-host: --server needs HOST:PORT\n");
      return kExitUsage;
    }
  }
  std::optional<std::string> password = ReadPassword(password_file);
  if (!password) return kExitUsage;
  options.password = *std::move(password);
  g_log_set_default_handler(Log, nullptr);

  const absl::Status status = postern::purple::RunHeadless(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "postern-purple-host: %s\n", std::string(status.message()).c_str());
  return absl::IsPermissionDenied(status) ? kExitLogin : kExitPlugin;
}
