// SPDX-License-Identifier: Apache-2.0
// `postern-settings`: the owner's window.
#include <adwaita.h>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "clients/owner/paths.h"
#include "clients/settings/translation.h"
#include "clients/settings/window.h"

namespace {

constexpr char kFooter[] =
    "Shows which apps can see your chats, what they read and sent, and takes access back. It "
    "looks,\n"
    "narrows, pauses and revokes; it cannot grant. What widens an access is asked in Postern's "
    "own\n"
    "question. Everything here is also in `postern`.\n"
    "\n"
    "A second start brings the window that is open to the front.\n"
    "\n"
    "Environment:\n"
    "  XDG_RUNTIME_DIR, XDG_DATA_HOME, XDG_CONFIG_HOME  where posternd and its keys are\n"
    "  LANGUAGE                                         the language, e.g. de\n"
    "\n"
    "Examples:\n"
    "  postern-settings\n"
    "  postern-settings --page activity\n"
    "\n"
    "See also: postern --help, posternd --help";

struct Running {
  std::string page = "apps";
  std::unique_ptr<postern::settings::SettingsWindow> window;
};

void OnActivate(GtkApplication* application, Running* running) {
  if (running->window == nullptr) {
    postern::settings::SetUpTranslation();
    running->window = std::make_unique<postern::settings::SettingsWindow>(
        application, postern::owner::Paths::FromEnvironment(), running->page);
  }
  running->window->Present();
}

}  // namespace

int main(int argc, char** argv) {
  Running running;
  CLI::App line("Postern's settings: who has access to your chats.", "postern-settings");
  line.set_version_flag("--version", POSTERN_VERSION);
  line.add_option("--page", running.page, "The page to begin with")
      ->check(CLI::IsMember({"apps", "chats", "activity", "history"}))
      ->capture_default_str();
  line.footer(kFooter);
  CLI11_PARSE(line, argc, argv);

  g_set_prgname("postern-settings");
  AdwApplication* application =
      adw_application_new("org.postern.Settings", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect(application, "activate", G_CALLBACK(OnActivate), &running);
  const int code = g_application_run(G_APPLICATION(application), 0, nullptr);
  // Before the window's widgets: its pages end calls that wait for an answer.
  running.window.reset();
  g_object_unref(application);
  return code;
}
