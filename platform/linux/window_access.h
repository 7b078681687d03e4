// SPDX-License-Identifier: Apache-2.0
// The part of the window for questions that ask for access: scopes, chats, times, and what the app
// would see.
#pragma once

#include <adwaita.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "platform/linux/consent_choices.h"
#include "platform/linux/window_chats.h"
#include "platform/linux/window_preview.h"

namespace postern::platform {

// One thread, GTK's. Outlives its widgets.
class WindowAccess {
 public:
  // 'question' outlives this. 'changed' is called after each choice.
  WindowAccess(const permissions::ConsentQuestion& question, std::function<void()> changed);
  WindowAccess(const WindowAccess&) = delete;
  WindowAccess& operator=(const WindowAccess&) = delete;

  // Adds its widgets, once.
  void AppendTo(GtkBox* content);
  // Writes what is chosen.
  void Fill(Choices& choices) const;
  WindowPreview& preview() { return preview_; }

 private:
  permissions::ScopeSet Asked() const {
    return question_.required_scopes.Union(question_.optional_scopes);
  }
  permissions::ScopeSet Ticked() const;
  void AddHeld(GtkBox* content);
  void AddScopes(GtkBox* content);
  void AddDestination(GtkBox* content);
  void AddChats(GtkBox* content);
  void AddTime(GtkBox* content);
  void Update();
  static void OnChanged(gpointer self);

  const permissions::ConsentQuestion& question_;
  const std::function<void()> changed_;
  WindowPreview preview_;
  std::unique_ptr<WindowChats> chats_;
  // Owned by the window. Null where it is not asked.
  std::vector<std::pair<permissions::Scope, GtkSwitch*>> scopes_;
  AdwComboRow* duration_ = nullptr;
  AdwComboRow* history_ = nullptr;
  AdwComboRow* sends_ = nullptr;
  GtkSwitch* only_unlocked_ = nullptr;
  GtkSwitch* may_start_ = nullptr;
};

}  // namespace postern::platform
