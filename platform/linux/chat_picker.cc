// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/chat_picker.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "platform/linux/consent_texts.h"

namespace postern::platform {
namespace {

// About five rows: enough to see that it is a list, and the rest of the question stays in view.
constexpr int kListHeight = 260;
// A row's height in the default theme; only to make a short list no taller than it is.
constexpr int kRowHeight = 46;
// A chat's place in the question, kept on its item, because a search changes places in the list.
constexpr const char* kPlaceKey = "postern-place";
constexpr const char* kNameKey = "postern-name";
constexpr const char* kCaptionKey = "postern-caption";

uint32_t PlaceOf(gpointer object) {
  return GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(object), kPlaceKey));
}

GtkLabel* LabelOf(GtkWidget* check, const char* key) {
  return GTK_LABEL(g_object_get_data(G_OBJECT(check), key));
}

bool WasAskedFor(const permissions::ConsentQuestion& question, uint32_t place) {
  return std::binary_search(question.asked_chats.begin(), question.asked_chats.end(), place);
}

std::string CaptionOf(const permissions::ConsentQuestion& question, uint32_t place) {
  const std::string caption = texts::ChatCaption(question, place);
  return WasAskedFor(question, place) ? absl::StrCat(Say(texts::kAskedFor), ", ", caption)
                                      : caption;
}

}  // namespace

ChatPicker::ChatPicker(const permissions::ConsentQuestion& question, const std::string& heading,
                       CountText count, std::function<void()> changed)
    : question_(question), count_(count), changed_(std::move(changed)) {
  GListStore* store = g_list_store_new(GTK_TYPE_STRING_OBJECT);
  for (const bool asked : {true, false}) {
    for (uint32_t place = 0; place < question.chats.size(); ++place) {
      if (WasAskedFor(question, place) != asked) continue;
      // What is searched in.
      const std::string line = texts::ChatLine(question, place);
      const GObjectPtr<GtkStringObject> item(gtk_string_object_new(line.c_str()));
      g_object_set_data(G_OBJECT(item.get()), kPlaceKey, GUINT_TO_POINTER(place));
      g_list_store_append(store, item.get());
    }
  }
  filter_ =
      gtk_string_filter_new(gtk_property_expression_new(GTK_TYPE_STRING_OBJECT, nullptr, "string"));
  auto* filtered = gtk_filter_list_model_new(G_LIST_MODEL(store), GTK_FILTER(filter_));
  g_signal_connect(filtered, "items-changed", G_CALLBACK(OnFound), this);
  auto* selection = gtk_no_selection_new(G_LIST_MODEL(filtered));

  GtkListItemFactory* factory = gtk_signal_list_item_factory_new();
  g_signal_connect(factory, "setup", G_CALLBACK(OnSetup), nullptr);
  g_signal_connect(factory, "bind", G_CALLBACK(OnBind), this);
  g_signal_connect(factory, "unbind", G_CALLBACK(OnUnbind), this);
  GtkWidget* list = gtk_list_view_new(GTK_SELECTION_MODEL(selection), factory);
  SetAccessibleLabel(list, heading);

  GtkWidget* search = gtk_search_entry_new();
  g_object_set(search, "placeholder-text", Say(texts::kSearchChats), nullptr);
  SetAccessibleLabel(search, Say(texts::kSearchChats));
  g_signal_connect(search, "search-changed", G_CALLBACK(OnSearch), this);

  GtkWidget* scrolled = gtk_scrolled_window_new();
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), list);
  // A list in a scrolled page would otherwise shrink to nothing.
  const int height =
      std::min<int>(kListHeight, static_cast<int>(question.chats.size()) * kRowHeight);
  gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(scrolled), height);
  gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
                                 GTK_POLICY_AUTOMATIC);
  none_found_ = GTK_WIDGET(NewNote(Say(texts::kNoChatFound), "dim-label"));
  gtk_widget_set_halign(none_found_, GTK_ALIGN_CENTER);
  gtk_widget_set_valign(none_found_, GTK_ALIGN_CENTER);
  gtk_widget_set_visible(none_found_, FALSE);
  GtkWidget* overlay = gtk_overlay_new();
  gtk_overlay_set_child(GTK_OVERLAY(overlay), scrolled);
  gtk_overlay_add_overlay(GTK_OVERLAY(overlay), none_found_);
  GtkWidget* frame = gtk_frame_new(nullptr);
  gtk_frame_set_child(GTK_FRAME(frame), overlay);

  count_label_ = NewNote("", "dim-label");
  box_.reset(GTK_BOX(g_object_ref_sink(gtk_box_new(GTK_ORIENTATION_VERTICAL, 6))));
  gtk_box_append(box_.get(), search);
  gtk_box_append(box_.get(), frame);
  gtk_box_append(box_.get(), GTK_WIDGET(count_label_));
  ShowCount();
}

void ChatPicker::ShowCount() {
  gtk_label_set_text(count_label_, Say(count_, ticked_.size()).c_str());
}

void ChatPicker::OnSetup(GtkSignalListItemFactory*, GtkListItem* item, gpointer) {
  // The check button alone takes the focus; a focusable row around it would be one stop too many.
  gtk_list_item_set_activatable(item, FALSE);
  GtkWidget* check = gtk_check_button_new();
  GtkWidget* lines = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  GtkLabel* name = NewNote("", nullptr);
  GtkLabel* caption = NewNote("", "dim-label");
  gtk_widget_add_css_class(GTK_WIDGET(caption), "caption");
  gtk_widget_set_margin_start(lines, 6);
  for (GtkLabel* label : {name, caption}) gtk_box_append(GTK_BOX(lines), GTK_WIDGET(label));
  gtk_check_button_set_child(GTK_CHECK_BUTTON(check), lines);
  g_object_set_data(G_OBJECT(check), kNameKey, name);
  g_object_set_data(G_OBJECT(check), kCaptionKey, caption);
  gtk_list_item_set_child(item, check);
}

void ChatPicker::OnBind(GtkSignalListItemFactory*, GtkListItem* item, gpointer data) {
  auto* self = static_cast<ChatPicker*>(data);
  GtkWidget* check = gtk_list_item_get_child(item);
  const uint32_t place = PlaceOf(gtk_list_item_get_item(item));
  const std::string& name = self->question_.chats.at(place).name;
  const std::string caption = CaptionOf(self->question_, place);
  gtk_label_set_text(LabelOf(check, kNameKey), name.c_str());
  gtk_label_set_text(LabelOf(check, kCaptionKey), caption.c_str());
  SetAccessibleLabel(check, absl::StrCat(name, " (", caption, ")"));
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
  self->ShowCount();
  self->changed_();
}

void ChatPicker::OnSearch(GtkSearchEntry* entry, gpointer data) {
  gtk_string_filter_set_search(static_cast<ChatPicker*>(data)->filter_,
                               gtk_editable_get_text(GTK_EDITABLE(entry)));
}

void ChatPicker::OnFound(GListModel* found, guint, guint, guint, gpointer data) {
  gtk_widget_set_visible(static_cast<ChatPicker*>(data)->none_found_,
                         g_list_model_get_n_items(found) == 0);
}

}  // namespace postern::platform
