// SPDX-License-Identifier: Apache-2.0
// Who has access, at a glance: every app with what it may do, where and until when, and the switch
// that pauses all.
#pragma once

#include <gtk/gtk.h>

#include "clients/settings/around.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as its widget.
class AppsPage {
 public:
  explicit AppsPage(const Around& around);
  AppsPage(const AppsPage&) = delete;
  AppsPage& operator=(const AppsPage&) = delete;

  GtkWidget* widget() { return widget_; }
  // Shows what the model knows now.
  void Update();

 private:
  void Fill();
  void AddPause();
  void UpdatePause();
  void AddApps();
  void AddGatekeepers();
  void AddFormerApps();

  const Around& around_;
  GtkBox* column_ = nullptr;
  GtkWidget* widget_;
  // Lives as long as the page once there is something to show: it is turned some time after it was
  // pressed, which would be lost if the page were filled anew meanwhile.
  GtkSwitch* pause_ = nullptr;
  bool filling_ = false;
  // All but the switch.
  GtkBox* lists_;
};

}  // namespace postern::settings
