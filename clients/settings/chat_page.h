// SPDX-License-Identifier: Apache-2.0
// All about one chat: which apps see what of it, and its seal.
#pragma once

#include <adwaita.h>

#include <string>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class ChatPage {
 public:
  explicit ChatPage(const Around& around);
  ChatPage(const ChatPage&) = delete;
  ChatPage& operator=(const ChatPage&) = delete;

  GtkWidget* widget() { return widget_; }
  void Show(const std::string& chat_id);
  // Shows what the model knows now. False when the chat is gone.
  bool Update();
  std::string title() const;

 private:
  void Fill();
  void AddSeal();
  void AddApps();
  void AddApp(const v1::OwnedGrant& owned, AdwPreferencesGroup* group);
  void AddTold();
  // Seals, or asks to open again, as the person chose.
  void SetSeal(GtkWidget* pressed, v1::SealReach reach);

  const Around& around_;
  std::string chat_id_;
  GtkBox* column_ = nullptr;
  GtkWidget* widget_;
};

}  // namespace postern::settings
