// SPDX-License-Identifier: Apache-2.0
// A searchable list of chats to tick, quick with thousands: only the rows in view exist.
#pragma once

#include <adwaita.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "permissions/consent_question.h"
#include "platform/linux/translation.h"
#include "platform/linux/window_rows.h"

namespace postern::platform {

// Nothing is ticked at first. One thread, GTK's. Outlives its widgets.
class ChatPicker {
 public:
  // Shows the chats of 'question', those that the app named first. 'heading' is what a screen
  // reader calls the list, 'count' what is said of how many are ticked. 'changed' is called after
  // each tick.
  ChatPicker(const permissions::ConsentQuestion& question, const std::string& heading,
             CountText count, std::function<void()> changed);
  ChatPicker(const ChatPicker&) = delete;
  ChatPicker& operator=(const ChatPicker&) = delete;

  // The search field, the list and the count, in one widget.
  GtkWidget* widget() const { return GTK_WIDGET(box_.get()); }
  // Places in the question's list that are ticked.
  const std::set<uint32_t>& ticked() const { return ticked_; }

 private:
  void ShowCount();
  static void OnSetup(GtkSignalListItemFactory*, GtkListItem* item, gpointer);
  static void OnBind(GtkSignalListItemFactory*, GtkListItem* item, gpointer self);
  static void OnUnbind(GtkSignalListItemFactory*, GtkListItem* item, gpointer self);
  static void OnToggled(GtkCheckButton* check, gpointer self);
  static void OnSearch(GtkSearchEntry* entry, gpointer self);
  static void OnFound(GListModel* found, guint, guint, guint, gpointer self);

  const permissions::ConsentQuestion& question_;
  const CountText count_;
  const std::function<void()> changed_;
  std::set<uint32_t> ticked_;
  GObjectPtr<GtkBox> box_;
  // Owned by the list's model, and by the box.
  GtkStringFilter* filter_ = nullptr;
  GtkLabel* count_label_ = nullptr;
  GtkWidget* none_found_ = nullptr;
};

}  // namespace postern::platform
