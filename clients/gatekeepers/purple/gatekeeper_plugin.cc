// SPDX-License-Identifier: GPL-3.0-or-later
// postern-gatekeeper.so: the adapter as a libpurple plugin, for our host, finch, and any client of
// libpurple. It serves one XMPP account: the one that the pref /plugins/core/postern/account names,
// else the first.
//
// Loading opens the link's spool. Where that fails (a locked keyring, for one) the plugin does not
// load and says why, so that nothing is decrypted that could not be kept.
#include <absl/strings/str_cat.h>
#include <account.h>
#include <core.h>
#include <glib.h>
#include <gmodule.h>
#include <plugin.h>
#include <prefs.h>
#include <version.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "clients/gatekeepers/purple/account_adapter.h"
#include "clients/gatekeepers/purple/outlet.h"
#include "clients/sdk/gatekeeper_link.h"
#include "platform/secret_store.h"

namespace postern::purple {
namespace {

constexpr char kAppId[] = "org.postern.purple";
constexpr char kPrefsFolder[] = "/plugins/core/postern";
constexpr char kAccountPref[] = "/plugins/core/postern/account";
constexpr char kProtocol[] = "prpl-jabber";

class LinkOutlet : public Outlet {
 public:
  absl::Status Submit(const v1::Event& event, const std::string& command_id) override {
    return link->Submit(event, command_id).status();
  }
  absl::Status Answer(const v1::CommandResult& result, std::span<const v1::Event> events) override {
    return link->Answer(result, events);
  }
  absl::Status SendChunk(const v1::AttachmentChunk& chunk) override {
    return link->SendChunk(chunk, absl::ZeroDuration());
  }

  std::unique_ptr<sdk::GatekeeperLink> link;
};

// Order matters: the adapter uses the outlet until it is gone.
struct Plugin {
  LinkOutlet outlet;
  std::unique_ptr<AccountAdapter> adapter;
};

// Set and read on libpurple's thread only, like everything here that is not said to be otherwise.
std::unique_ptr<Plugin> g_plugin;
// Written on the link's threads.
std::atomic<bool> g_attached_before{false};

using Call = std::function<void(AccountAdapter&)>;

gboolean RunCall(gpointer data) {
  const std::unique_ptr<Call> call(static_cast<Call*>(data));
  if (g_plugin != nullptr && g_plugin->adapter != nullptr) (*call)(*g_plugin->adapter);
  return G_SOURCE_REMOVE;
}

// On any thread: libpurple may be touched on its own only. Calls are run there in the order they
// were asked for, so that an upload's bytes, at most kFileBytesMax, do not overtake their command.
void OnPurplesThread(Call call) { g_idle_add(RunCall, new Call(std::move(call))); }

// On the link's threads. g_message may be called on any.
void TellState(sdk::LinkState state, const absl::Status& status) {
  switch (state) {
    case sdk::LinkState::kConnecting:
      g_message("broker: connecting");
      return;
    case sdk::LinkState::kEnrolling:
      g_message("broker: the owner is asked to allow this gatekeeper");
      return;
    case sdk::LinkState::kAttached:
      g_message("broker: attached");
      if (g_attached_before.exchange(true)) {
        OnPurplesThread([](AccountAdapter& adapter) { adapter.AttachedAgain(); });
      }
      return;
    case sdk::LinkState::kEnded:
      g_warning("broker: ended for good (%s)", absl::StatusCodeToString(status.code()).c_str());
      return;
  }
}

void TellRefusal(const v1::RefusedEvent& refused) {
  g_warning("broker: refused the event at position %s (%s)",
            absl::StrCat(refused.position()).c_str(),
            v1::ErrorReason_Name(refused.reason()).c_str());
}

PurpleAccount* ServedAccount() {
  const char* wanted = purple_prefs_get_string(kAccountPref);
  for (GList* item = purple_accounts_get_all(); item != nullptr; item = item->next) {
    PurpleAccount* account = static_cast<PurpleAccount*>(item->data);
    if (std::strcmp(purple_account_get_protocol_id(account), kProtocol) != 0) continue;
    if (wanted == nullptr || *wanted == '\0' ||
        BareJid(purple_account_get_username(account)) == BareJid(wanted)) {
      return account;
    }
  }
  return nullptr;
}

v1::Manifest MakeManifest() {
  v1::Manifest manifest;
  manifest.set_app_id(kAppId);
  manifest.set_display_name("XMPP (libpurple)");
  manifest.set_purpose("Brings the messages of an XMPP account, OMEMO included, to the broker.");
  manifest.set_role(v1::ROLE_GATEKEEPER);
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  manifest.add_networks(kNetwork);
  manifest.set_software_version(POSTERN_VERSION);
  return manifest;
}

absl::Status Start() {
  PurpleAccount* account = ServedAccount();
  if (account == nullptr) {
    return absl::FailedPreconditionError("add an XMPP account first, then load this plugin");
  }
  const EventMaker maker(BareJid(purple_account_get_username(account)));
  v1::AttachHello hello;
  *hello.mutable_account() = maker.Account();
  *hello.mutable_default_capabilities() = CapabilitiesOf({});
  hello.set_software_version(absl::StrCat("libpurple ", purple_core_get_version()));
  const std::string profile = absl::StrCat(g_get_user_data_dir(), "/postern-clients/", kAppId);
  const std::unique_ptr<platform::SecretStore> secrets = platform::MakeSecretServiceStore(profile);
  sdk::GatekeeperOptions options;
  options.secret_store = secrets.get();
  sdk::GatekeeperCallbacks callbacks;
  callbacks.on_command = [](const v1::Command& command) {
    OnPurplesThread([command](AccountAdapter& adapter) { adapter.Execute(command); });
  };
  callbacks.on_chunk = [](const v1::AttachmentChunk& chunk) {
    OnPurplesThread([chunk](AccountAdapter& adapter) { adapter.files().TakeChunk(chunk); });
  };
  callbacks.on_room = [](const std::string& id) {
    OnPurplesThread([id](AccountAdapter& adapter) { adapter.files().RoomAgain(id); });
  };
  callbacks.on_transfer_ended = [](const std::string& id) {
    OnPurplesThread([id](AccountAdapter& adapter) { adapter.files().TransferEnded(id); });
  };
  callbacks.on_state = TellState;
  callbacks.on_refused = TellRefusal;
  auto plugin = std::make_unique<Plugin>();
  absl::StatusOr<std::unique_ptr<sdk::GatekeeperLink>> link =
      sdk::GatekeeperLink::Open(MakeManifest(), std::move(hello), options, std::move(callbacks));
  if (!link.ok()) return link.status();
  plugin->outlet.link = *std::move(link);
  plugin->adapter = std::make_unique<AccountAdapter>(account, plugin->outlet);
  g_plugin = std::move(plugin);
  return absl::OkStatus();
}

gboolean OnLoad(PurplePlugin* plugin) {
  // gRPC's threads outlive any plugin: its code must stay where it is.
  g_module_make_resident(static_cast<GModule*>(plugin->handle));
  purple_prefs_add_none("/plugins/core");
  purple_prefs_add_none(kPrefsFolder);
  purple_prefs_add_string(kAccountPref, "");
  const absl::Status status = Start();
  if (status.ok()) return TRUE;
  g_free(plugin->error);
  plugin->error = g_strdup(std::string(status.message()).c_str());
  return FALSE;
}

gboolean OnUnload(PurplePlugin*) {
  g_plugin.reset();
  return TRUE;
}

PurplePluginInfo MakeInfo() {
  PurplePluginInfo info = {};
  info.magic = PURPLE_PLUGIN_MAGIC;
  info.major_version = PURPLE_MAJOR_VERSION;
  info.minor_version = PURPLE_MINOR_VERSION;
  info.type = PURPLE_PLUGIN_STANDARD;
  info.priority = PURPLE_PRIORITY_DEFAULT;
  info.id = const_cast<char*>("core-postern-gatekeeper");
  info.name = const_cast<char*>("Postern");
  info.version = const_cast<char*>(POSTERN_VERSION);
  info.summary = const_cast<char*>("Offers this account's messages to the apps that you allow");
  info.description =
      const_cast<char*>("Connects an XMPP account to the Postern broker on this device.");
  info.load = OnLoad;
  info.unload = OnUnload;
  return info;
}

}  // namespace
}  // namespace postern::purple

// libpurple keeps the pointer and writes to what it points to.
extern "C" G_MODULE_EXPORT gboolean purple_init_plugin(PurplePlugin* plugin) {
  static PurplePluginInfo info = postern::purple::MakeInfo();
  plugin->info = &info;
  return purple_plugin_register(plugin);
}
