// SPDX-License-Identifier: Apache-2.0
// Postern's settings: the window and the way from page to page.
#pragma once

#include <adwaita.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/settings/activity_page.h"
#include "clients/settings/app_page.h"
#include "clients/settings/apps_page.h"
#include "clients/settings/around.h"
#include "clients/settings/chat_page.h"
#include "clients/settings/chats_page.h"
#include "clients/settings/history_page.h"
#include "clients/settings/model.h"
#include "clients/settings/notices_box.h"
#include "clients/settings/press_watch.h"
#include "clients/settings/view_page.h"

namespace postern::settings {

// Of GTK's thread. Must live until the application's main loop has ended.
class SettingsWindow {
 public:
  // 'first_page' is "apps", "chats", "activity" or "history".
  SettingsWindow(GtkApplication* application, owner::Paths paths, const std::string& first_page);
  SettingsWindow(const SettingsWindow&) = delete;
  SettingsWindow& operator=(const SettingsWindow&) = delete;

  void Present() { gtk_window_present(GTK_WINDOW(window_)); }

 private:
  GtkWidget* NewMain();
  // A page of its own above the main one, with a way back.
  GtkWidget* NewSubpage(const char* name, GtkWidget* content, AdwWindowTitle** title);
  void WatchVisibility();
  void JudgeVisibility();

  void Open(const std::string& subpage, const std::string& title, const std::string& subtitle);
  void GoBack();
  void ShowPlace();
  void Update();
  void UpdatePages();
  // The page of the stack that has come into view reads what only it shows.
  void OnPageShown();
  void Say(const std::string& sentence);

  Model model_;
  PressWatch press_;
  Around around_;
  AppsPage apps_page_;
  ChatsPage chats_page_;
  ActivityPage activity_page_;
  HistoryPage history_page_;
  AppPage app_page_;
  ChatPage chat_page_;
  ViewPage view_page_;
  NoticesBox notices_;

  GtkWidget* window_;
  AdwToastOverlay* toasts_;
  AdwLeaflet* leaflet_;
  // "busy", "problem" or "pages".
  GtkStack* state_;
  AdwViewStack* pages_;
  AdwStatusPage* problem_page_;
  AdwWindowTitle* app_title_ = nullptr;
  AdwWindowTitle* chat_title_ = nullptr;
  AdwWindowTitle* view_title_ = nullptr;
  // The subpages that lead back to the main page.
  std::vector<std::string> trail_;
  bool visible_ = false;
};

}  // namespace postern::settings
