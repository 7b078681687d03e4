// SPDX-License-Identifier: Apache-2.0
// Whether the person is in the middle of pressing something.
#pragma once

#include <absl/time/time.h>
#include <gtk/gtk.h>

namespace postern::settings {

// A press takes time: a pointer or a finger goes down and up, a list of choices is open until one
// is chosen, and GTK answers a key or a screen reader that presses a button a quarter of a second
// later. Who takes the widget away meanwhile takes the press away, and nobody is told.
//
// Of GTK's thread.
class PressWatch {
 public:
  // A pointer that is down for longer presses nothing: where the window manager moves the window,
  // it is never said to be up again.
  static constexpr absl::Duration kPressMax = absl::Seconds(10);

  PressWatch() = default;
  PressWatch(const PressWatch&) = delete;
  PressWatch& operator=(const PressWatch&) = delete;

  // Watches 'window', which must not outlive this. To be called once.
  void Watch(GtkWidget* window);
  // Only while that window lives.
  bool UnderWay() const;

 private:
  static gboolean OnEvent(GtkEventControllerLegacy* controller, GdkEvent* event, gpointer self);

  GtkWidget* window_ = nullptr;
  // Of the monotonic clock, in microseconds; 0 while nothing is down.
  gint64 down_since_ = 0;
};

}  // namespace postern::settings
