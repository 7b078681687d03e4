// SPDX-License-Identifier: Apache-2.0
// The part of the window where the person says in which chats: some, or all of some accounts but
// for those they leave out.
#pragma once

#include <adwaita.h>

#include <functional>
#include <memory>
#include <vector>

#include "platform/linux/chat_picker.h"
#include "platform/linux/consent_choices.h"

namespace postern::platform {

// One thread, GTK's. Outlives its widgets.
class WindowChats {
 public:
  // 'question' offers at least one account and outlives this. 'changed' is called after each
  // choice.
  WindowChats(const permissions::ConsentQuestion& question, std::function<void()> changed);
  WindowChats(const WindowChats&) = delete;
  WindowChats& operator=(const WindowChats&) = delete;

  // Adds its widgets, once.
  void AppendTo(GtkBox* content);
  // Writes what is chosen.
  void Fill(Choices& choices) const;

 private:
  bool ChoseAll() const;
  void AddNarrowing(GtkBox* content);
  void Update();
  static void OnAllToggled(GtkCheckButton* check, gpointer self);
  static void OnChanged(gpointer self);

  const permissions::ConsentQuestion& question_;
  const std::function<void()> changed_;
  ChatPicker included_;
  ChatPicker excluded_;
  // Owned by the window.
  GtkCheckButton* all_existing_ = nullptr;
  GtkCheckButton* all_and_new_ = nullptr;
  // What narrows "all": shown with it.
  GtkWidget* narrowing_ = nullptr;
  std::vector<GtkCheckButton*> accounts_;
  AdwComboRow* kinds_ = nullptr;
  AdwComboRow* people_ = nullptr;
  GtkCheckButton* leave_out_ = nullptr;
};

}  // namespace postern::platform
