// SPDX-License-Identifier: Apache-2.0
// A searchable list of chats to tick, quick with thousands: only the rows in view exist.
#pragma once

#include <adwaita.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "platform/linux/window_rows.h"

namespace postern::platform {

// Nothing is ticked at first. One thread, GTK's. Outlives its widgets.
class ChatPicker {
 public:
  // 'names' are shown as plain text, one row each. 'changed' is called after each tick.
  ChatPicker(const std::vector<std::string>& names, std::function<void()> changed);
  ChatPicker(const ChatPicker&) = delete;
  ChatPicker& operator=(const ChatPicker&) = delete;

  // The search field and the list, in one widget.
  GtkWidget* widget() const { return GTK_WIDGET(box_.get()); }
  // Places in 'names' that are ticked.
  const std::set<uint32_t>& ticked() const { return ticked_; }

 private:
  static void OnSetup(GtkSignalListItemFactory*, GtkListItem* item, gpointer);
  static void OnBind(GtkSignalListItemFactory*, GtkListItem* item, gpointer self);
  static void OnUnbind(GtkSignalListItemFactory*, GtkListItem* item, gpointer self);
  static void OnToggled(GtkCheckButton* check, gpointer self);
  static void OnSearch(GtkSearchEntry* entry, gpointer self);

  const std::function<void()> changed_;
  std::set<uint32_t> ticked_;
  GObjectPtr<GtkBox> box_;
  // Owned by the list's model.
  GtkStringFilter* filter_ = nullptr;
};

}  // namespace postern::platform
