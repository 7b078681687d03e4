// SPDX-License-Identifier: Apache-2.0
// The part of the window that says what the app would see.
#pragma once

#include <adwaita.h>

#include "permissions/consent_preview.h"

namespace postern::platform {

// One thread, GTK's. Outlives its widgets.
class WindowPreview {
 public:
  WindowPreview() = default;
  WindowPreview(const WindowPreview&) = delete;
  WindowPreview& operator=(const WindowPreview&) = delete;

  // Adds its widgets, once; before the calls below.
  void AppendTo(GtkBox* content);
  // Says that more must be chosen first.
  void ShowWaiting();
  void Show(const permissions::ConsentPreview& preview);

 private:
  void Clear();

  // Owned by the window.
  GtkLabel* summary_ = nullptr;
  GtkWidget* scrolled_ = nullptr;
  GtkListBox* lines_ = nullptr;
};

}  // namespace postern::platform
