// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/window_preview.h"

#include <absl/strings/str_join.h>

#include "platform/linux/consent_texts.h"
#include "platform/linux/window_rows.h"

namespace postern::platform {
namespace {

// Four messages or so; the rest is scrolled to.
constexpr int kLinesHeight = 260;

}  // namespace

void WindowPreview::AppendTo(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup(Say(texts::kPreview));
  auto* box = GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, 12));
  summary_ = NewNote("", nullptr);
  gtk_box_append(box, GTK_WIDGET(summary_));
  lines_ = GTK_LIST_BOX(gtk_list_box_new());
  gtk_list_box_set_selection_mode(lines_, GTK_SELECTION_NONE);
  SetAccessibleLabel(GTK_WIDGET(lines_), Say(texts::kPreview));
  scrolled_ = gtk_scrolled_window_new();
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled_), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_propagate_natural_height(GTK_SCROLLED_WINDOW(scrolled_), TRUE);
  gtk_scrolled_window_set_max_content_height(GTK_SCROLLED_WINDOW(scrolled_), kLinesHeight);
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled_), GTK_WIDGET(lines_));
  GtkWidget* frame = gtk_frame_new(nullptr);
  gtk_frame_set_child(GTK_FRAME(frame), scrolled_);
  scrolled_ = frame;
  gtk_box_append(box, frame);
  adw_preferences_group_add(group, GTK_WIDGET(box));
  gtk_box_append(content, GTK_WIDGET(group));
  ShowWaiting();
}

void WindowPreview::Clear() {
  GtkWidget* row = nullptr;
  while ((row = gtk_widget_get_first_child(GTK_WIDGET(lines_))) != nullptr) {
    gtk_list_box_remove(lines_, row);
  }
}

void WindowPreview::ShowWaiting() {
  Clear();
  gtk_label_set_text(summary_, Say(texts::kPreviewWaits));
  gtk_widget_set_visible(scrolled_, FALSE);
}

void WindowPreview::Show(const permissions::ConsentPreview& preview) {
  Clear();
  gtk_label_set_text(summary_, absl::StrJoin(texts::PreviewSummary(preview), " ").c_str());
  for (const permissions::PreviewLine& line : preview.lines) {
    AdwActionRow* row = NewTextRow(texts::PreviewHeading(line), texts::PreviewText(line));
    gtk_list_box_append(lines_, GTK_WIDGET(row));
  }
  gtk_widget_set_visible(scrolled_, !preview.lines.empty());
}

}  // namespace postern::platform
