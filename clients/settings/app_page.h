// SPDX-License-Identifier: Apache-2.0
// All about one app, and everything that can be done about it.
#pragma once

#include <adwaita.h>

#include <set>
#include <string>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class AppPage {
 public:
  explicit AppPage(const Around& around);
  AppPage(const AppPage&) = delete;
  AppPage& operator=(const AppPage&) = delete;

  GtkWidget* widget() { return widget_; }
  // Which app; empty for none.
  void Show(const std::string& principal);
  // Shows what the model knows now. False when the app is gone.
  bool Update();
  std::string title() const;

 private:
  void Fill();
  void AddHead(const v1::App& app);
  void AddActs(const v1::App& app);
  void AddGrant(const v1::OwnedGrant& owned);
  void AddErasure();
  void AddProgram(const v1::App& app);
  void AddPastGrants();
  GtkWidget* NewGrantActs(const v1::OwnedGrant& owned);
  void AddChats(AdwPreferencesGroup* group, const v1::Grant& grant);
  // A row that opens and stays open when the page is filled anew.
  AdwExpanderRow* NewExpander(const std::string& key, const std::string& title,
                              const std::string& subtitle);

  const Around& around_;
  std::string principal_;
  std::set<std::string> open_rows_;
  GtkBox* column_ = nullptr;
  GtkWidget* widget_;
};

}  // namespace postern::settings
