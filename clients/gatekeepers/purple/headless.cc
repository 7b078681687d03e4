// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/headless.h"

#include <absl/strings/str_cat.h>
#include <account.h>
#include <blist.h>
#include <connection.h>
#include <core.h>
#include <debug.h>
#include <glib-unix.h>
#include <plugin.h>
#include <prefs.h>
#include <savedstatuses.h>
#include <sys/stat.h>
#include <util.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>

#include "clients/gatekeepers/purple/event_loop.h"

namespace postern::purple {
namespace {

constexpr char kUiName[] = "postern-purple-host";
constexpr char kProtocol[] = "prpl-jabber";
constexpr char kLurch[] = "core-riba-lurch";
constexpr char kCarbons[] = "core-riba-carbons";
// Debian ships libpurple's own plugins in one folder and purple-xmpp-carbons in the other.
constexpr const char* kPluginFolders[] = {PURPLE_PLUGIN_DIRECTORY, "/usr/lib/purple-2"};
// Prefs that libpurple would otherwise use to write decrypted chats to disk as HTML.
constexpr const char* kLoggingPrefs[] = {"/purple/logging/log_ims", "/purple/logging/log_chats",
                                         "/purple/logging/log_system"};
constexpr guint kReconnectSecondsMin = 1;
constexpr guint kReconnectSecondsMax = 60;

// libpurple is a singleton with C callbacks, so its program has one state too.
struct Host {
  GMainLoop* loop = nullptr;
  PurpleAccount* account = nullptr;
  guint reconnect_seconds = kReconnectSecondsMin;
  guint reconnect_timer = 0;
  bool stopping = false;
  absl::Status end;
};

gboolean OnEndSignal(gpointer data) {
  Host& host = *static_cast<Host*>(data);
  host.stopping = true;
  g_main_loop_quit(host.loop);
  return G_SOURCE_CONTINUE;
}

void OnSignedOn(PurpleConnection*, gpointer data) {
  static_cast<Host*>(data)->reconnect_seconds = kReconnectSecondsMin;
  g_message("signed on");
}

gboolean OnReconnect(gpointer data) {
  Host& host = *static_cast<Host*>(data);
  host.reconnect_timer = 0;
  purple_account_connect(host.account);
  return G_SOURCE_REMOVE;
}

void OnSignedOff(PurpleConnection*, gpointer data) {
  Host& host = *static_cast<Host*>(data);
  if (host.stopping || host.reconnect_timer != 0) return;
  g_message("signed off; trying again in %u s", host.reconnect_seconds);
  host.reconnect_timer = g_timeout_add_seconds(host.reconnect_seconds, OnReconnect, &host);
  host.reconnect_seconds = std::min(host.reconnect_seconds * 2, kReconnectSecondsMax);
}

void OnConnectionError(PurpleConnection*, PurpleConnectionError error, const char* description,
                       gpointer data) {
  Host& host = *static_cast<Host*>(data);
  g_message("connection failed: %s", description);
  if (!purple_connection_error_is_fatal(error)) return;
  host.stopping = true;
  host.end = absl::PermissionDeniedError(
      absl::StrCat("the server refused the connection for good: ", description));
  g_main_loop_quit(host.loop);
}

absl::Status LoadPlugin(PurplePlugin* plugin, const std::string& name) {
  if (plugin == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("plugin ", name, " is not installed"));
  }
  if (purple_plugin_is_loaded(plugin) || purple_plugin_load(plugin)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "plugin ", name,
      " did not load: ", plugin->error == nullptr ? "no reason given" : plugin->error));
}

// With a host to connect to, libpurple checks the certificate against that host's name, not the
// domain.
absl::Status TrustCertificate(const HostOptions& options) {
  if (options.trusted_certificate.empty()) return absl::OkStatus();
  const std::string domain = options.account.substr(
      options.account.find('@') + 1, options.account.find('/') - options.account.find('@') - 1);
  const std::filesystem::path folder =
      std::filesystem::path(options.data_directory) / "certificates" / "x509" / "tls_peers";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::copy_file(options.trusted_certificate,
                             folder / (options.server.empty() ? domain : options.server),
                             std::filesystem::copy_options::overwrite_existing, error);
  if (error)
    return absl::InvalidArgumentError(absl::StrCat("--trust-certificate: ", error.message()));
  return absl::OkStatus();
}

absl::Status StartPurple(const HostOptions& options) {
  umask(077);
  std::error_code error;
  std::filesystem::create_directories(options.data_directory, error);
  if (error || chmod(options.data_directory.c_str(), 0700) != 0) {
    return absl::InvalidArgumentError("the data directory cannot be made ours alone");
  }
  if (absl::Status status = TrustCertificate(options); !status.ok()) return status;
  // libpurple's debug output holds decrypted stanzas.
  purple_debug_set_enabled(FALSE);
  purple_util_set_user_dir(options.data_directory.c_str());
  static PurpleCoreUiOps core_operations = {};
  purple_core_set_ui_ops(&core_operations);
  purple_eventloop_set_ui_ops(GlibEventLoop());
  for (const char* folder : kPluginFolders) purple_plugins_add_search_path(folder);
  if (!purple_core_init(kUiName)) return absl::InternalError("libpurple did not start");
  // libpurple 2 leaves it to its program to make the list of people.
  purple_set_blist(purple_blist_new());
  purple_blist_load();
  for (const char* pref : kLoggingPrefs) purple_prefs_set_bool(pref, FALSE);
  purple_plugins_probe(G_MODULE_SUFFIX);
  if (purple_find_prpl(kProtocol) == nullptr) {
    return absl::FailedPreconditionError("libpurple has no XMPP here: is libpurple0 whole?");
  }
  return absl::OkStatus();
}

PurpleAccount* PutAccount(const HostOptions& options) {
  PurpleAccount* account = purple_accounts_find(options.account.c_str(), kProtocol);
  if (account == nullptr) {
    account = purple_account_new(options.account.c_str(), kProtocol);
    purple_accounts_add(account);
  }
  purple_account_set_remember_password(account, FALSE);
  purple_account_set_password(account, options.password.c_str());
  purple_account_set_string(account, "connection_security", "require_tls");
  purple_account_set_string(account, "connect_server", options.server.c_str());
  purple_account_set_int(account, "port", options.port);
  return account;
}

absl::Status Run(const HostOptions& options, Host& host) {
  if (absl::Status status = StartPurple(options); !status.ok()) return status;
  host.account = PutAccount(options);
  // Off until everything that keeps its messages stands.
  purple_account_set_enabled(host.account, kUiName, FALSE);
  if (PurplePlugin* carbons = purple_plugins_find_with_id(kCarbons); carbons != nullptr) {
    if (absl::Status status = LoadPlugin(carbons, "purple-xmpp-carbons"); !status.ok())
      return status;
  } else {
    g_message(
        "purple-xmpp-carbons is not installed: what you write on other devices is not seen here");
  }
  const std::pair<PurplePlugin*, std::string> plugins[] = {
      {purple_plugins_find_with_id(kLurch), "purple-lurch"},
      {purple_plugin_probe(options.plugin.c_str()), options.plugin},
  };
  for (const auto& [plugin, name] : plugins) {
    if (absl::Status status = LoadPlugin(plugin, name); !status.ok()) return status;
  }
  void* connections = purple_connections_get_handle();
  purple_signal_connect(connections, "signed-on", &host, PURPLE_CALLBACK(OnSignedOn), &host);
  purple_signal_connect(connections, "signed-off", &host, PURPLE_CALLBACK(OnSignedOff), &host);
  purple_signal_connect(connections, "connection-error", &host, PURPLE_CALLBACK(OnConnectionError),
                        &host);
  host.loop = g_main_loop_new(nullptr, FALSE);
  g_unix_signal_add(SIGTERM, OnEndSignal, &host);
  g_unix_signal_add(SIGINT, OnEndSignal, &host);
  purple_savedstatus_activate(purple_savedstatus_new(nullptr, PURPLE_STATUS_AVAILABLE));
  purple_account_set_enabled(host.account, kUiName, TRUE);
  g_main_loop_run(host.loop);
  // Otherwise signed off again when the plugins have gone, and not said to the broker.
  if (purple_account_get_connection(host.account) != nullptr)
    purple_account_disconnect(host.account);
  return host.end;
}

}  // namespace

absl::Status RunHeadless(const HostOptions& options) {
  Host host;
  const absl::Status status = Run(options, host);
  host.stopping = true;
  if (purple_get_core() != nullptr) {
    purple_signals_disconnect_by_handle(&host);
    purple_core_quit();
  }
  if (host.loop != nullptr) g_main_loop_unref(host.loop);
  return status;
}

}  // namespace postern::purple
