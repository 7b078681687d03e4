// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/chat_picker.h"

#include <algorithm>

#include "platform/linux/consent_texts.h"

namespace postern::platform {
namespace {

// About five rows: enough to see that it is a list, and the rest of the question stays in view.
constexpr int kListHeight = 200;
// A row's height in the default theme; only to make a short list no taller than it is.
constexpr int kRowHeight = 34;
// A chat's place in the question, kept on its item, because a search changes places in the list.
constexpr const char* kPlaceKey = "postern-place";

uint32_t PlaceOf(gpointer object) {
  return GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(object), kPlaceKey));
}

}  // namespace

ChatPicker::ChatPicker(const std::vector<std::string>& names, std::function<void()> changed)
    : changed_(std::move(changed)) {
  GListStore* store = g_list_store_new(GTK_TYPE_STRING_OBJECT);
  for (uint32_t place = 0; place < names.size(); ++place) {
    const GObjectPtr<GtkStringObject> item(gtk_string_object_new(names[place].c_str()));
    g_object_set_data(G_OBJECT(item.get()), kPlaceKey, GUINT_TO_POINTER(place));
    g_list_store_append(store, item.get());
  }
  filter_ =
      gtk_string_filter_new(gtk_property_expression_new(GTK_TYPE_STRING_OBJECT, nullptr, "string"));
  auto* filtered = gtk_filter_list_model_new(G_LIST_MODEL(store), GTK_FILTER(filter_));
  auto* selection = gtk_no_selection_new(G_LIST_MODEL(filtered));

  GtkListItemFactory* factory = gtk_signal_list_item_factory_new();
  g_signal_connect(factory, "setup", G_CALLBACK(OnSetup), nullptr);
  g_signal_connect(factory, "bind", G_CALLBACK(OnBind), this);
  g_signal_connect(factory, "unbind", G_CALLBACK(OnUnbind), this);
  GtkWidget* list = gtk_list_view_new(GTK_SELECTION_MODEL(selection), factory);
  gtk_accessible_update_property(GTK_ACCESSIBLE(list), GTK_ACCESSIBLE_PROPERTY_LABEL, texts::kChats,
                                 -1);

  GtkWidget* search = gtk_search_entry_new();
  g_object_set(search, "placeholder-text", texts::kSearchChats, nullptr);
  gtk_accessible_update_property(GTK_ACCESSIBLE(search), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                 texts::kSearchChats, -1);
  g_signal_connect(search, "search-changed", G_CALLBACK(OnSearch), this);

  GtkWidget* scrolled = gtk_scrolled_window_new();
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), list);
  // A list in a scrolled page would otherwise shrink to nothing.
  const int height = std::min<int>(kListHeight, static_cast<int>(names.size()) * kRowHeight);
  gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(scrolled), height);
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  GtkWidget* frame = gtk_frame_new(nullptr);
  gtk_frame_set_child(GTK_FRAME(frame), scrolled);

  box_.reset(GTK_BOX(g_object_ref_sink(gtk_box_new(GTK_ORIENTATION_VERTICAL, 6))));
  gtk_widget_set_margin_top(widget(), 12);
  gtk_box_append(box_.get(), search);
  gtk_box_append(box_.get(), frame);
}

void ChatPicker::OnSetup(GtkSignalListItemFactory*, GtkListItem* item, gpointer) {
  // The check button alone takes the focus; a focusable row around it would be one stop too many.
  gtk_list_item_set_activatable(item, FALSE);
  gtk_list_item_set_child(item, gtk_check_button_new_with_label(""));
}

void ChatPicker::OnBind(GtkSignalListItemFactory*, GtkListItem* item, gpointer data) {
  auto* self = static_cast<ChatPicker*>(data);
  GtkWidget* check = gtk_list_item_get_child(item);
  gpointer object = gtk_list_item_get_item(item);
  const uint32_t place = PlaceOf(object);
  gtk_check_button_set_label(GTK_CHECK_BUTTON(check),
                             gtk_string_object_get_string(GTK_STRING_OBJECT(object)));
  gtk_check_button_set_active(GTK_CHECK_BUTTON(check), self->ticked_.contains(place));
  g_object_set_data(G_OBJECT(check), kPlaceKey, GUINT_TO_POINTER(place));
  // After the state is set, so that scrolling is no tick.
  g_signal_connect(check, "toggled", G_CALLBACK(OnToggled), self);
}

void ChatPicker::OnUnbind(GtkSignalListItemFactory*, GtkListItem* item, gpointer data) {
  GtkWidget* check = gtk_list_item_get_child(item);
  if (check == nullptr) return;
  g_signal_handlers_disconnect_by_func(check, reinterpret_cast<gpointer>(OnToggled), data);
}

void ChatPicker::OnToggled(GtkCheckButton* check, gpointer data) {
  auto* self = static_cast<ChatPicker*>(data);
  const uint32_t place = PlaceOf(check);
  if (gtk_check_button_get_active(check)) {
    self->ticked_.insert(place);
  } else {
    self->ticked_.erase(place);
  }
  self->changed_();
}

void ChatPicker::OnSearch(GtkSearchEntry* entry, gpointer data) {
  gtk_string_filter_set_search(static_cast<ChatPicker*>(data)->filter_,
                               gtk_editable_get_text(GTK_EDITABLE(entry)));
}

}  // namespace postern::platform
