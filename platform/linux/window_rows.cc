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

}  // namespace

AdwPreferencesGroup* NewGroup(const std::string& title) {
  auto* group = ADW_PREFERENCES_GROUP(adw_preferences_group_new());
  adw_preferences_group_set_title(group, title.c_str());
  return group;
}

AdwActionRow* NewTextRow(const std::string& title, const std::string& subtitle) {
  return NewRow(title, subtitle);
}

GtkLabel* NewNote(const std::string& text, const char* css_class) {
  auto* label = GTK_LABEL(gtk_label_new(text.c_str()));
  gtk_label_set_wrap(label, TRUE);
  gtk_label_set_wrap_mode(label, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign(label, 0);
  if (css_class != nullptr) gtk_widget_add_css_class(GTK_WIDGET(label), css_class);
  return label;
}

// The control takes its name from the row: being its activatable widget labels it.
GtkSwitch* AddSwitchRow(AdwPreferencesGroup* group, const std::string& title,
                        const std::string& subtitle) {
  AdwActionRow* row = NewRow(title, subtitle);
  GtkWidget* toggle = gtk_switch_new();
  gtk_widget_set_valign(toggle, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix(row, toggle);
  adw_action_row_set_activatable_widget(row, toggle);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_SWITCH(toggle);
}

GtkCheckButton* AddCheckRow(AdwPreferencesGroup* group, const std::string& title) {
  AdwActionRow* row = NewRow(title, "");
  GtkWidget* check = gtk_check_button_new();
  gtk_widget_set_valign(check, GTK_ALIGN_CENTER);
  adw_action_row_add_prefix(row, check);
  adw_action_row_set_activatable_widget(row, check);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_CHECK_BUTTON(check);
}

AdwComboRow* AddComboRow(AdwPreferencesGroup* group, const std::string& title,
                         const std::vector<std::string>& texts, size_t selected) {
  auto* row = ADW_COMBO_ROW(adw_combo_row_new());
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title.c_str());
  adw_action_row_set_title_lines(ADW_ACTION_ROW(row), 0);
  const GObjectPtr<GtkStringList> model(gtk_string_list_new(nullptr));
  for (const std::string& text : texts) gtk_string_list_append(model.get(), text.c_str());
  adw_combo_row_set_model(row, G_LIST_MODEL(model.get()));
  adw_combo_row_set_selected(row, static_cast<guint>(selected));
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return row;
}

size_t SelectedOf(AdwComboRow* row) { return adw_combo_row_get_selected(row); }

void SetAccessibleLabel(GtkWidget* widget, const std::string& label) {
  // Which GTK 4.18 sets by itself, and which goes before a name.
  gtk_accessible_reset_relation(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                 label.c_str(), -1);
}

}  // namespace postern::platform
