// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/widgets.h"

#include <absl/strings/str_replace.h>

#include <memory>
#include <utility>

#include "clients/settings/translation.h"

namespace postern::settings {
namespace {

constexpr int kColumnWidth = 680;
constexpr int kMargin = 24;
constexpr int kSpacing = 24;

// The widget below 'root' that has this name, or null.
GtkWidget* FindNamed(GtkWidget* root, const std::string& name) {
  if (gtk_widget_get_name(root) == name) return root;
  for (GtkWidget* child = gtk_widget_get_first_child(root); child != nullptr;
       child = gtk_widget_get_next_sibling(child)) {
    if (GtkWidget* found = FindNamed(child, name)) return found;
  }
  return nullptr;
}

// GTK names a widget for its type unless somebody names it.
bool IsNamed(GtkWidget* widget) {
  return std::string(gtk_widget_get_name(widget)) != G_OBJECT_TYPE_NAME(widget);
}

// What a dialog does when it is told yes.
struct Asked {
  std::function<void()> go;
  GtkWidget* over;
};

std::vector<const char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

void Connect(gpointer instance, const char* signal, std::function<void()> run) {
  // Swapped, the data comes first, and what else the signal says is not looked at.
  g_signal_connect_data(
      instance, signal,
      G_CALLBACK(+[](gpointer data) { (*static_cast<std::function<void()>*>(data))(); }),
      new std::function<void()>(std::move(run)),
      +[](gpointer data, GClosure*) { delete static_cast<std::function<void()>*>(data); },
      G_CONNECT_SWAPPED);
}

GtkWidget* NewScroller(GtkBox** column) {
  GtkWidget* box = gtk_box_new(GTK_ORIENTATION_VERTICAL, kSpacing);
  gtk_widget_set_margin_top(box, kMargin);
  gtk_widget_set_margin_bottom(box, kMargin);
  gtk_widget_set_margin_start(box, kMargin / 2);
  gtk_widget_set_margin_end(box, kMargin / 2);
  GtkWidget* clamp = adw_clamp_new();
  adw_clamp_set_maximum_size(ADW_CLAMP(clamp), kColumnWidth);
  adw_clamp_set_child(ADW_CLAMP(clamp), box);
  GtkWidget* scroller = gtk_scrolled_window_new();
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scroller), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scroller), clamp);
  gtk_widget_set_vexpand(scroller, TRUE);
  *column = GTK_BOX(box);
  return scroller;
}

void Clear(GtkBox* box) {
  while (GtkWidget* child = gtk_widget_get_first_child(GTK_WIDGET(box))) gtk_box_remove(box, child);
}

AdwPreferencesGroup* NewGroup(const std::string& title, const std::string& description) {
  GtkWidget* group = adw_preferences_group_new();
  // A group's title and description are read as markup.
  const auto escaped = [](const std::string& text) {
    char* markup = g_markup_escape_text(text.c_str(), -1);
    std::string result = markup;
    g_free(markup);
    return result;
  };
  if (!title.empty()) {
    adw_preferences_group_set_title(ADW_PREFERENCES_GROUP(group), escaped(title).c_str());
  }
  if (!description.empty()) {
    adw_preferences_group_set_description(ADW_PREFERENCES_GROUP(group),
                                          escaped(description).c_str());
  }
  return ADW_PREFERENCES_GROUP(group);
}

AdwActionRow* NewRow(const std::string& title, const std::string& subtitle) {
  GtkWidget* row = adw_action_row_new();
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title.c_str());
  adw_action_row_set_title_lines(ADW_ACTION_ROW(row), 0);
  adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 0);
  if (!subtitle.empty()) adw_action_row_set_subtitle(ADW_ACTION_ROW(row), subtitle.c_str());
  // Its title names it already.
  if (!subtitle.empty()) SetAccessibleDescription(row, subtitle);
  return ADW_ACTION_ROW(row);
}

AdwActionRow* NewDoor(const std::string& title, const std::string& subtitle,
                      std::function<void()> open) {
  AdwActionRow* row = NewRow(title, subtitle);
  gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
  adw_action_row_add_suffix(row, gtk_image_new_from_icon_name("go-next-symbolic"));
  Connect(row, "activated", std::move(open));
  return row;
}

GtkSwitch* AddSwitchRow(AdwPreferencesGroup* group, const std::string& title,
                        const std::string& subtitle, bool active) {
  AdwActionRow* row = NewRow(title, subtitle);
  GtkWidget* toggle = gtk_switch_new();
  gtk_switch_set_active(GTK_SWITCH(toggle), active);
  gtk_widget_set_valign(toggle, GTK_ALIGN_CENTER);
  SetAccessibleName(toggle, title);
  if (!subtitle.empty()) SetAccessibleDescription(toggle, subtitle);
  adw_action_row_add_suffix(row, toggle);
  adw_action_row_set_activatable_widget(row, toggle);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_SWITCH(toggle);
}

GtkCheckButton* AddCheckRow(AdwPreferencesGroup* group, const std::string& title,
                            const std::string& subtitle, bool active) {
  AdwActionRow* row = NewRow(title, subtitle);
  GtkWidget* check = gtk_check_button_new();
  gtk_check_button_set_active(GTK_CHECK_BUTTON(check), active);
  gtk_widget_set_valign(check, GTK_ALIGN_CENTER);
  SetAccessibleName(check, title);
  adw_action_row_add_prefix(row, check);
  adw_action_row_set_activatable_widget(row, check);
  adw_preferences_group_add(group, GTK_WIDGET(row));
  return GTK_CHECK_BUTTON(check);
}

namespace {

// Shows the text that is chosen in full: libadwaita's own cuts it after twenty characters.
GtkListItemFactory* NewWholeText() {
  GtkListItemFactory* factory = gtk_signal_list_item_factory_new();
  g_signal_connect(factory, "setup",
                   G_CALLBACK(+[](GtkSignalListItemFactory*, GtkListItem* item, gpointer) {
                     GtkWidget* label = gtk_label_new(nullptr);
                     gtk_label_set_wrap(GTK_LABEL(label), TRUE);
                     gtk_list_item_set_child(item, label);
                   }),
                   nullptr);
  g_signal_connect(factory, "bind",
                   G_CALLBACK(+[](GtkSignalListItemFactory*, GtkListItem* item, gpointer) {
                     auto* text = GTK_STRING_OBJECT(gtk_list_item_get_item(item));
                     gtk_label_set_text(GTK_LABEL(gtk_list_item_get_child(item)),
                                        gtk_string_object_get_string(text));
                   }),
                   nullptr);
  return factory;
}

}  // namespace

AdwComboRow* AddComboRow(AdwPreferencesGroup* group, const std::string& title,
                         const std::vector<std::string>& texts, guint selected) {
  GtkWidget* row = adw_combo_row_new();
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title.c_str());
  GtkStringList* model = gtk_string_list_new(Pointers(texts).data());
  adw_combo_row_set_model(ADW_COMBO_ROW(row), G_LIST_MODEL(model));
  g_object_unref(model);
  // The list that opens has libadwaita's rows, with their tick.
  adw_combo_row_set_list_factory(ADW_COMBO_ROW(row), adw_combo_row_get_factory(ADW_COMBO_ROW(row)));
  GtkListItemFactory* whole = NewWholeText();
  adw_combo_row_set_factory(ADW_COMBO_ROW(row), whole);
  g_object_unref(whole);
  adw_combo_row_set_selected(ADW_COMBO_ROW(row), selected);
  SetAccessibleName(row, title);
  adw_preferences_group_add(group, row);
  return ADW_COMBO_ROW(row);
}

GtkWidget* NewButton(const std::string& label, std::function<void()> press, ButtonKind kind) {
  GtkWidget* button = gtk_button_new_with_mnemonic(label.c_str());
  if (kind == ButtonKind::kSuggested) gtk_widget_add_css_class(button, "suggested-action");
  gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
  // Else GTK says the underscore too.
  SetAccessibleName(button, absl::StrReplaceAll(label, {{"_", ""}}));
  Connect(button, "clicked", std::move(press));
  return button;
}

GtkWidget* NewIconButton(const char* icon, const std::string& label, std::function<void()> press) {
  GtkWidget* button = gtk_button_new_from_icon_name(icon);
  gtk_widget_set_tooltip_text(button, label.c_str());
  SetAccessibleName(button, label);
  gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
  Connect(button, "clicked", std::move(press));
  return button;
}

GtkDropDown* NewDropDown(const std::string& label, const std::vector<std::string>& texts) {
  GtkWidget* drop_down = gtk_drop_down_new_from_strings(Pointers(texts).data());
  SetAccessibleName(drop_down, label);
  gtk_widget_set_tooltip_text(drop_down, label.c_str());
  return GTK_DROP_DOWN(drop_down);
}

void SetTexts(GtkDropDown* drop_down, const std::vector<std::string>& texts, guint selected) {
  GtkStringList* model = gtk_string_list_new(Pointers(texts).data());
  gtk_drop_down_set_model(drop_down, G_LIST_MODEL(model));
  g_object_unref(model);
  gtk_drop_down_set_selected(drop_down, selected);
}

GtkWidget* NewPill(const std::string& text, const char* style) {
  GtkWidget* pill = gtk_label_new(text.c_str());
  gtk_widget_add_css_class(pill, "pill-label");
  gtk_widget_add_css_class(pill, style);
  gtk_widget_set_valign(pill, GTK_ALIGN_CENTER);
  return pill;
}

GtkWidget* NewAvatar(const std::string& name, int size) {
  GtkWidget* avatar = adw_avatar_new(size, name.c_str(), TRUE);
  gtk_widget_set_valign(avatar, GTK_ALIGN_CENTER);
  return avatar;
}

GtkWidget* NewLabel(const std::string& text, const char* css_class) {
  GtkWidget* label = gtk_label_new(text.c_str());
  gtk_label_set_wrap(GTK_LABEL(label), TRUE);
  gtk_label_set_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign(GTK_LABEL(label), 0);
  if (css_class != nullptr) gtk_widget_add_css_class(label, css_class);
  return label;
}

GtkWidget* NewStatusPage(const char* icon, const std::string& title, const std::string& text) {
  GtkWidget* page = adw_status_page_new();
  adw_status_page_set_icon_name(ADW_STATUS_PAGE(page), icon);
  adw_status_page_set_title(ADW_STATUS_PAGE(page), title.c_str());
  // Read as markup.
  char* escaped = g_markup_escape_text(text.c_str(), -1);
  adw_status_page_set_description(ADW_STATUS_PAGE(page), escaped);
  g_free(escaped);
  gtk_widget_set_vexpand(page, TRUE);
  return page;
}

GtkWidget* NewBusyPage() {
  GtkWidget* spinner = gtk_spinner_new();
  gtk_widget_set_size_request(spinner, 48, 48);
  gtk_widget_set_halign(spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_valign(spinner, GTK_ALIGN_CENTER);
  gtk_widget_set_vexpand(spinner, TRUE);
  gtk_spinner_start(GTK_SPINNER(spinner));
  SetAccessibleName(spinner, Tr("Looking"));
  return spinner;
}

void SetAccessibleName(gpointer widget, const std::string& name) {
  // Which GTK 4.18 sets by itself, and which goes before a name.
  gtk_accessible_reset_relation(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
  gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                 name.c_str(), -1);
}

void SetAccessibleDescription(gpointer widget, const std::string& description) {
  gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                 description.c_str(), -1);
}

void Confirm(GtkWidget* over, const std::string& title, const std::string& text,
             const std::string& yes, std::function<void()> go) {
  GtkWidget* dialog =
      adw_message_dialog_new(GTK_WINDOW(gtk_widget_get_root(over)), title.c_str(), text.c_str());
  AdwMessageDialog* message = ADW_MESSAGE_DIALOG(dialog);
  adw_message_dialog_add_response(message, "no", Tr("Cancel"));
  adw_message_dialog_add_response(message, "yes", yes.c_str());
  adw_message_dialog_set_response_appearance(message, "yes", ADW_RESPONSE_DESTRUCTIVE);
  adw_message_dialog_set_default_response(message, "no");
  adw_message_dialog_set_close_response(message, "no");
  g_signal_connect_data(
      dialog, "response", G_CALLBACK(+[](AdwMessageDialog*, const char* response, gpointer data) {
        if (std::string_view(response) == "yes") static_cast<Asked*>(data)->go();
      }),
      new Asked{std::move(go), GTK_WIDGET(g_object_ref(over))},
      +[](gpointer data, GClosure*) {
        auto* asked = static_cast<Asked*>(data);
        g_object_unref(asked->over);
        delete asked;
      },
      static_cast<GConnectFlags>(0));
  gtk_window_present(GTK_WINDOW(dialog));
}

void Refill(GtkBox* box, const std::function<void()>& fill) {
  GtkRoot* root = gtk_widget_get_root(GTK_WIDGET(box));
  std::string name;
  if (root != nullptr) {
    GtkWidget* focus = gtk_root_get_focus(root);
    if (focus != nullptr && gtk_widget_is_ancestor(focus, GTK_WIDGET(box)) && IsNamed(focus)) {
      name = gtk_widget_get_name(focus);
    }
  }
  Clear(box);
  fill();
  if (name.empty()) return;
  if (GtkWidget* again = FindNamed(GTK_WIDGET(box), name)) gtk_widget_grab_focus(again);
}

}  // namespace postern::settings
