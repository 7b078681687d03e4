// SPDX-License-Identifier: Apache-2.0
// What the user must know now, above every page, until it is dismissed.
#pragma once

#include <gtk/gtk.h>

#include <string>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class NoticesBox {
 public:
  explicit NoticesBox(const Around& around);
  NoticesBox(const NoticesBox&) = delete;
  NoticesBox& operator=(const NoticesBox&) = delete;

  GtkWidget* widget() { return GTK_WIDGET(box_); }
  // Shows what the model knows now.
  void Update();

 private:
  // The newest; more would push the page out of the window, so the rest is a number.
  static constexpr int kShownMax = 1;

  void Fill();
  void AddBar(const char* icon, const std::string& title, const std::string& text,
              GtkWidget* button);
  GtkWidget* NewDismiss(const v1::OwnerNotice& notice);

  const Around& around_;
  GtkBox* box_;
};

}  // namespace postern::settings
