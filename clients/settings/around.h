// SPDX-License-Identifier: Apache-2.0
// What a page may use of the window it is in.
#pragma once

#include <gtk/gtk.h>

#include <functional>
#include <string>
#include <utility>

#include "clients/settings/model.h"
#include "clients/settings/problem_words.h"

namespace postern::settings {

// Of GTK's thread. Lives as long as the window.
struct Around {
  Model& model;
  // Says one sentence at the bottom of the window.
  std::function<void(const std::string&)> say;
  // Lead to another page, and back.
  std::function<void(const std::string& principal)> open_app;
  std::function<void(const std::string& chat_id)> open_chat;
  std::function<void(const std::string& principal, bool already_seen)> open_view;
  // Fills the pages with what is known, also where that is what it was: a switch whose act failed
  // goes back.
  std::function<void()> show_again;
};

// Does 'call', an absl::StatusOr<T>(owner::Owner&), while 'pressed' waits; then says 'done', or why
// not.
template <typename Call>
void Act(const Around& around, GtkWidget* pressed, Call call, const std::string& done) {
  // Pages may be filled anew meanwhile.
  g_object_ref(pressed);
  gtk_widget_set_sensitive(pressed, FALSE);
  around.model.Act(std::move(call), [&around, pressed, done](auto answer) {
    gtk_widget_set_sensitive(pressed, TRUE);
    g_object_unref(pressed);
    around.say(answer.ok() ? done : WhyNotDone(answer.status()));
    if (!answer.ok()) around.show_again();
  });
}

// The same for what the person is asked about in Postern's own question; 'meanwhile' is said until
// it is answered.
template <typename Call>
void Ask(const Around& around, GtkWidget* pressed, Call call, const std::string& meanwhile,
         const std::string& done) {
  g_object_ref(pressed);
  gtk_widget_set_sensitive(pressed, FALSE);
  around.say(meanwhile);
  around.model.Ask(std::move(call), [&around, pressed, done](auto answer) {
    gtk_widget_set_sensitive(pressed, TRUE);
    g_object_unref(pressed);
    around.say(answer.ok() ? done : WhyNotDone(answer.status()));
    if (!answer.ok()) around.show_again();
  });
}

}  // namespace postern::settings
