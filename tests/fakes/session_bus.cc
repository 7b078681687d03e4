// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/session_bus.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "platform/status_macros.h"
#include "platform/unique_fd.h"

extern char** environ;

namespace postern::fakes {
namespace {

using platform::UniqueFd;

// A daemon that is not up by then, on a machine that builds at the same time, will not come up.
constexpr int kStartMilliseconds = 20'000;
constexpr char kDefaultPath[] = "/org/freedesktop/secrets/aliases/default";
constexpr char kPassword[] = "a keyring of no worth";
constexpr char kSecretsName[] = "org.freedesktop.secrets";

struct ErrorSlot {
  GError* error = nullptr;
  ~ErrorSlot() { g_clear_error(&error); }
  std::string text() const { return error == nullptr ? "no reason given" : error->message; }
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "no pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Starts a program that ends with this thread. 'input' and 'output' are its standard streams; -1 is
// /dev/null.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& command,
                            const std::map<std::string, std::string>& environment, int input,
                            int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (environment.find(text.substr(0, text.find('='))) == environment.end()) {
      variables.push_back(text);
    }
  }
  for (const auto& [name, value] : environment) {
    if (!value.empty()) variables.push_back(name + "=" + value);
  }
  std::vector<char*> pointers;
  for (const std::string& variable : variables) {
    pointers.push_back(const_cast<char*>(variable.c_str()));
  }
  pointers.push_back(nullptr);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "cannot fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    ::dup2(input >= 0 ? input : null.get(), STDIN_FILENO);
    ::dup2(output >= 0 ? output : null.get(), STDOUT_FILENO);
    // Their chatter ("couldn't set fd limit") would read like a test's failure.
    ::dup2(null.get(), STDERR_FILENO);
    ::execvpe(arguments[0], arguments.data(), pointers.data());
    ::_exit(127);
  }
  return child;
}

void Kill(pid_t& child) {
  if (child <= 0) return;
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  child = -1;
}

// Reads up to the first end of line.
absl::StatusOr<std::string> ReadLine(int fd) {
  std::string line;
  for (;;) {
    struct pollfd wait = {fd, POLLIN, 0};
    if (::poll(&wait, 1, kStartMilliseconds) <= 0)
      return absl::UnavailableError("no answer in time");
    char c;
    if (::read(fd, &c, 1) != 1) return absl::UnavailableError("ended before it answered");
    if (c == '\n') return line;
    line += c;
  }
}

// A connection of its own, so that nothing here shows in the process's shared one.
absl::StatusOr<GDBusConnection*> Connect(const std::string& address) {
  ErrorSlot slot;
  GDBusConnection* const connection = g_dbus_connection_new_for_address_sync(
      address.c_str(),
      static_cast<GDBusConnectionFlags>(G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                        G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION),
      nullptr, nullptr, &slot.error);
  if (connection == nullptr) return absl::UnavailableError("no bus: " + slot.text());
  g_dbus_connection_set_exit_on_close(connection, FALSE);
  return connection;
}

absl::StatusOr<GVariant*> Call(GDBusConnection* bus, const char* path, const char* interface,
                               const char* method, GVariant* arguments) {
  ErrorSlot slot;
  GVariant* const answer = g_dbus_connection_call_sync(
      bus, kSecretsName, path, interface, method, arguments, nullptr,
      G_DBUS_CALL_FLAGS_NO_AUTO_START, kStartMilliseconds, nullptr, &slot.error);
  if (answer == nullptr) return absl::UnavailableError(std::string(method) + ": " + slot.text());
  return answer;
}

// Waits until somebody owns the Secret Service's name.
absl::Status AwaitSecrets(const std::string& address) {
  GMainContext* const context = g_main_context_new();
  g_main_context_push_thread_default(context);
  absl::Status result = absl::OkStatus();
  if (auto bus = Connect(address); bus.ok()) {
    struct Wait {
      bool appeared = false;
      bool late = false;
    } wait;
    const guint watch = g_bus_watch_name_on_connection(
        *bus, kSecretsName, G_BUS_NAME_WATCHER_FLAGS_NONE,
        [](GDBusConnection*, const gchar*, const gchar*, gpointer data) {
          static_cast<Wait*>(data)->appeared = true;
        },
        nullptr, &wait, nullptr);
    GSource* const timer = g_timeout_source_new(kStartMilliseconds);
    g_source_set_callback(
        timer,
        [](gpointer data) -> gboolean {
          static_cast<Wait*>(data)->late = true;
          return G_SOURCE_REMOVE;
        },
        &wait, nullptr);
    g_source_attach(timer, context);
    while (!wait.appeared && !wait.late) g_main_context_iteration(context, TRUE);
    if (!wait.appeared) result = absl::UnavailableError("gnome-keyring did not come up");
    g_source_destroy(timer);
    g_source_unref(timer);
    g_bus_unwatch_name(watch);
    g_object_unref(*bus);
  } else {
    result = bus.status();
  }
  g_main_context_pop_thread_default(context);
  g_main_context_unref(context);
  return result;
}

// Waits until the default collection is there and open: the service's name comes a moment before.
absl::Status AwaitOpen(const std::string& address) {
  ASSIGN_OR_RETURN(GDBusConnection* const bus, Connect(address));
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kStartMilliseconds);
  bool open = false;
  while (!open && std::chrono::steady_clock::now() < deadline) {
    auto answer = Call(bus, kDefaultPath, "org.freedesktop.DBus.Properties", "Get",
                       g_variant_new("(ss)", "org.freedesktop.Secret.Collection", "Locked"));
    if (!answer.ok()) continue;
    GVariant* locked = nullptr;
    g_variant_get(*answer, "(v)", &locked);
    open = !g_variant_get_boolean(locked);
    g_variant_unref(locked);
    g_variant_unref(*answer);
  }
  g_object_unref(bus);
  return open ? absl::OkStatus() : absl::UnavailableError("gnome-keyring opened no keyring");
}

constexpr char kConfiguration[] = R"(<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=@HOME@/run/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
)";

}  // namespace

absl::StatusOr<std::unique_ptr<SessionBus>> SessionBus::Start() {
  auto session = std::unique_ptr<SessionBus>(new SessionBus());
  // /tmp and not TMPDIR: a socket's path has 107 bytes.
  char home[] = "/tmp/postern-session-XXXXXX";
  if (::mkdtemp(home) == nullptr) return absl::ErrnoToStatus(errno, "no throw-away home");
  session->home_ = home;
  for (const char* folder : {"/run", "/data", "/config", "/cache"}) {
    if (::mkdir((session->home_ + folder).c_str(), 0700) != 0) {
      return absl::ErrnoToStatus(errno, "no throw-away folder");
    }
  }
  session->environment_ = {
      {"HOME", session->home_},
      {"XDG_RUNTIME_DIR", session->home_ + "/run"},
      {"XDG_DATA_HOME", session->home_ + "/data"},
      {"XDG_CONFIG_HOME", session->home_ + "/config"},
      {"XDG_CACHE_HOME", session->home_ + "/cache"},
      {"DBUS_SESSION_BUS_ADDRESS", "unix:path=" + session->home_ + "/run/bus"},
      {"GNOME_KEYRING_CONTROL", ""},
      {"DISPLAY", ""},
      {"WAYLAND_DISPLAY", ""},
  };
  RETURN_IF_ERROR(session->StartBus());
  RETURN_IF_ERROR(session->StartKeyring());
  return session;
}

SessionBus::~SessionBus() {
  KillKeyring();
  KillBus();
  std::error_code ignored;
  if (!home_.empty()) std::filesystem::remove_all(home_, ignored);
}

absl::Status SessionBus::StartBus() {
  std::string configuration = kConfiguration;
  configuration.replace(configuration.find("@HOME@"), std::strlen("@HOME@"), home_);
  std::ofstream(home_ + "/bus.conf") << configuration;
  ASSIGN_OR_RETURN(Pipe address, MakePipe());
  ASSIGN_OR_RETURN(bus_, Spawn({"dbus-daemon", "--config-file=" + home_ + "/bus.conf", "--nofork",
                                "--nopidfile", "--nosyslog", "--print-address=1"},
                               environment_, -1, address.write.get()));
  address.write.Reset();
  auto line = ReadLine(address.read.get());
  if (!line.ok())
    return absl::UnavailableError("dbus-daemon " + std::string(line.status().message()));
  return absl::OkStatus();
}

absl::Status SessionBus::StartKeyring() {
  ASSIGN_OR_RETURN(Pipe password, MakePipe());
  ASSIGN_OR_RETURN(
      keyring_, Spawn({"gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground",
                       "--control-directory=" + home_ + "/run/keyring"},
                      environment_, password.read.get(), -1));
  password.read.Reset();
  const ssize_t size = sizeof(kPassword) - 1;  // no end of line: it would be part of the password
  if (::write(password.write.get(), kPassword, static_cast<size_t>(size)) != size) {
    return absl::UnavailableError("gnome-keyring takes no password");
  }
  password.write.Reset();
  RETURN_IF_ERROR(AwaitSecrets(environment_.at("DBUS_SESSION_BUS_ADDRESS")));
  return AwaitOpen(environment_.at("DBUS_SESSION_BUS_ADDRESS"));
}

absl::Status SessionBus::Lock() {
  ASSIGN_OR_RETURN(GDBusConnection* const bus,
                   Connect(environment_.at("DBUS_SESSION_BUS_ADDRESS")));
  const char* const paths[] = {kDefaultPath, nullptr};
  auto answer = Call(bus, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service", "Lock",
                     g_variant_new("(^ao)", paths));
  if (answer.ok()) g_variant_unref(*answer);
  g_object_unref(bus);
  return answer.status();
}

absl::Status SessionBus::Unlock() {
  // Only the keyring's own prompt can unlock over D-Bus; a new log-in does it without one.
  KillKeyring();
  return StartKeyring();
}

void SessionBus::KillKeyring() { Kill(keyring_); }

void SessionBus::KillBus() { Kill(bus_); }

}  // namespace postern::fakes
