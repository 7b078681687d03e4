// SPDX-License-Identifier: Apache-2.0
// Every chat: which apps can see it, whether its text leaves the device, whether it is sealed; and
// for each account, when the other people are told.
#pragma once

#include <gtk/gtk.h>

#include <string>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class ChatsPage {
 public:
  explicit ChatsPage(const Around& around);
  ChatsPage(const ChatsPage&) = delete;
  ChatsPage& operator=(const ChatsPage&) = delete;

  GtkWidget* widget() { return widget_; }
  // Shows what the model knows now.
  void Update();

 private:
  // Rows beyond this are found by searching; with all of 10,000 chats the window would crawl.
  static constexpr size_t kRowsMax = 100;

  void FillChats();
  void FillAccounts();
  void FillSealedPeople();

  const Around& around_;
  std::string sought_;
  GtkBox* column_ = nullptr;
  GtkWidget* widget_;
  GtkWidget* search_;
  GtkBox* chats_box_;
  GtkBox* people_box_;
  GtkBox* accounts_box_;
};

}  // namespace postern::settings
