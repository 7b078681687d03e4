// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/press_watch.h"

namespace postern::settings {
namespace {

// What GTK marks a button with from a key, or a screen reader's word, to the answer.
constexpr char kActivating[] = "keyboard-activating";

// A screen reader presses what has not the keyboard, so that all of them are looked at.
bool AnyActivating(GtkWidget* root) {
  if (gtk_widget_has_css_class(root, kActivating)) return true;
  for (GtkWidget* child = gtk_widget_get_first_child(root); child != nullptr;
       child = gtk_widget_get_next_sibling(child)) {
    if (AnyActivating(child)) return true;
  }
  return false;
}

// A list of choices has the keyboard as long as it is open.
bool IsChoosing(GtkWindow* window) {
  GtkWidget* focus = gtk_window_get_focus(window);
  GtkWidget* list = focus == nullptr ? nullptr : gtk_widget_get_ancestor(focus, GTK_TYPE_POPOVER);
  return list != nullptr && gtk_widget_get_mapped(list);
}

}  // namespace

void PressWatch::Watch(GtkWidget* window) {
  window_ = window;
  GtkEventController* events = gtk_event_controller_legacy_new();
  // Before the widgets that are pressed: they may keep what they hear to themselves.
  gtk_event_controller_set_propagation_phase(events, GTK_PHASE_CAPTURE);
  g_signal_connect(events, "event", G_CALLBACK(OnEvent), this);
  gtk_widget_add_controller(window, events);
}

gboolean PressWatch::OnEvent(GtkEventControllerLegacy*, GdkEvent* event, gpointer self) {
  auto* watch = static_cast<PressWatch*>(self);
  switch (gdk_event_get_event_type(event)) {
    case GDK_BUTTON_PRESS:
    case GDK_TOUCH_BEGIN:
      watch->down_since_ = g_get_monotonic_time();
      break;
    case GDK_BUTTON_RELEASE:
    case GDK_TOUCH_END:
    case GDK_TOUCH_CANCEL:
      watch->down_since_ = 0;
      break;
    default:
      break;
  }
  return GDK_EVENT_PROPAGATE;
}

bool PressWatch::UnderWay() const {
  const bool down = down_since_ != 0 &&
                    g_get_monotonic_time() - down_since_ < absl::ToInt64Microseconds(kPressMax);
  return down || IsChoosing(GTK_WINDOW(window_)) || AnyActivating(window_);
}

}  // namespace postern::settings
