// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/window_rows.h"

namespace postern::platform {
namespace {

// Titles and subtitles wrap in full: what is cut off was not shown.
AdwActionRow* NewRow(const std::string& title, const std::string& subtitle) {
  auto* row = ADW_ACTION_ROW(adw_action_row_new());
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title.c_str());
  adw_action_row_set_subtitle(row, subtitle.c_str());
  adw_action_row_set_title_lines(row, 0);
  adw_action_row_set_subtitle_lines(row, 0);
  return row;
}

// What a screen reader says of a control that has no text of its own.
void Label(GtkWidget* widget, const std::string& label) {
  gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                 label.c_str(), -1);
}

}  // namespace

AdwPreferencesGroup* NewGroup(const char* title) {
  auto* group = ADW_PREFERENCES_GROUP(adw_preferences_group_new());
  adw_preferences_group_set_title(group, title);
  return group;
}

AdwActionRow* NewTextRow(const std::string& title, const std::string& subtitle) {
  return NewRow(title, subtitle);
}

GtkSwitch* AddSwitchRow(AdwPreferencesGroup* group, const std::string& title,
                        const std::string& subtitle) {
  AdwActionRow* row = NewRow(title, subtitle);
  GtkWidget* toggle = gtk_switch_new();
  gtk_widget_set_valign(toggle, GTK_ALIGN_CENTER);
  Label(toggle, title);
  adw_action_row_add_suffix(row, toggle);
  adw_action_row_set_activatable_widget(row, toggle);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_SWITCH(toggle);
}

GtkCheckButton* AddCheckRow(AdwPreferencesGroup* group, const std::string& title) {
  AdwActionRow* row = NewRow(title, "");
  GtkWidget* check = gtk_check_button_new();
  gtk_widget_set_valign(check, GTK_ALIGN_CENTER);
  Label(check, title);
  adw_action_row_add_prefix(row, check);
  adw_action_row_set_activatable_widget(row, check);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_CHECK_BUTTON(check);
}

AdwComboRow* AddComboRow(AdwPreferencesGroup* group, const char* title, const char* const* texts,
                         guint selected) {
  auto* row = ADW_COMBO_ROW(adw_combo_row_new());
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title);
  const GObjectPtr<GtkStringList> model(gtk_string_list_new(texts));
  adw_combo_row_set_model(row, G_LIST_MODEL(model.get()));
  adw_combo_row_set_selected(row, selected);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return row;
}

}  // namespace postern::platform
