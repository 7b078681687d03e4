// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/window.h"

#include <string_view>
#include <utility>

#include "clients/settings/problem_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

constexpr int kWidth = 900;
constexpr int kHeight = 760;
constexpr guint kToastSeconds = 4;

constexpr char kStyle[] = R"css(
.pill-label { border-radius: 99px; padding: 2px 10px; font-size: 0.85em;
              background-color: alpha(currentColor, 0.08); }
.pill-label.live { color: @success_color; background-color: alpha(@success_color, 0.15); }
.pill-label.away { color: @accent_color; background-color: alpha(@accent_color, 0.13); }
.chart-card { padding: 18px; }
.access-chart { border-radius: 6px; }
.access-chart:focus-visible { outline: 2px solid alpha(@accent_color, 0.5); outline-offset: 2px; }
.event-card { padding: 10px 14px; }
.notice { padding: 10px 18px; background-color: alpha(@accent_bg_color, 0.1);
          border-bottom: 1px solid alpha(currentColor, 0.1); }
)css";

void AddStyle() {
  GtkCssProvider* provider = gtk_css_provider_new();
  gtk_css_provider_load_from_data(provider, kStyle, -1);
  gtk_style_context_add_provider_for_display(gdk_display_get_default(),
                                             GTK_STYLE_PROVIDER(provider),
                                             GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  g_object_unref(provider);
}

}  // namespace

SettingsWindow::SettingsWindow(GtkApplication* application, owner::Paths paths,
                               const std::string& first_page)
    : model_(std::move(paths)),
      around_{.model = model_,
              .say = [this](const std::string& sentence) { Say(sentence); },
              .open_app =
                  [this](const std::string& principal) {
                    app_page_.Show(principal);
                    Open("app", app_page_.title(), "");
                  },
              .open_chat =
                  [this](const std::string& chat_id) {
                    chat_page_.Show(chat_id);
                    Open("chat", chat_page_.title(), "");
                  },
              .open_view =
                  [this](const std::string& principal, bool already_seen) {
                    view_page_.Show(principal, already_seen);
                    Open("view", view_page_.title(), Tr("as the app sees it"));
                  },
              .show_again = [this] { Update(); }},
      apps_page_(around_),
      chats_page_(around_),
      activity_page_(around_),
      history_page_(around_),
      app_page_(around_),
      chat_page_(around_),
      view_page_(around_),
      notices_(around_),
      window_(adw_application_window_new(application)) {
  AddStyle();
  gtk_window_set_title(GTK_WINDOW(window_), Tr("Postern Settings"));
  gtk_window_set_icon_name(GTK_WINDOW(window_), "org.postern.Settings");
  gtk_window_set_default_size(GTK_WINDOW(window_), kWidth, kHeight);

  leaflet_ = ADW_LEAFLET(adw_leaflet_new());
  adw_leaflet_set_can_unfold(leaflet_, FALSE);
  const auto add = [this](GtkWidget* page, const char* name) {
    adw_leaflet_page_set_name(adw_leaflet_append(leaflet_, page), name);
  };
  add(NewMain(), "main");
  add(NewSubpage("chat", chat_page_.widget(), &chat_title_), "chat");
  add(NewSubpage("app", app_page_.widget(), &app_title_), "app");
  add(NewSubpage("view", view_page_.widget(), &view_title_), "view");
  toasts_ = ADW_TOAST_OVERLAY(adw_toast_overlay_new());
  adw_toast_overlay_set_child(toasts_, GTK_WIDGET(leaflet_));
  adw_application_window_set_content(ADW_APPLICATION_WINDOW(window_), GTK_WIDGET(toasts_));

  // Alt and the arrow that points back, or Escape, as in every window with pages above each other.
  GtkEventController* keys = gtk_event_controller_key_new();
  g_signal_connect(keys, "key-pressed",
                   G_CALLBACK(+[](GtkEventControllerKey*, guint key, guint,
                                  GdkModifierType modifiers, gpointer data) -> gboolean {
                     auto* self = static_cast<SettingsWindow*>(data);
                     const bool alt = (modifiers & GDK_ALT_MASK) != 0;
                     const guint back = gtk_widget_get_direction(self->window_) == GTK_TEXT_DIR_RTL
                                            ? GDK_KEY_Right
                                            : GDK_KEY_Left;
                     if (self->trail_.empty() || !(key == GDK_KEY_Escape || (alt && key == back))) {
                       return FALSE;
                     }
                     self->GoBack();
                     return TRUE;
                   }),
                   this);
  gtk_widget_add_controller(window_, keys);

  adw_view_stack_set_visible_child_name(pages_, first_page.c_str());
  ShowPlace();
  Connect(pages_, "notify::visible-child", [this] { OnPageShown(); });
  model_.Observe([this] { Update(); });
  press_.Watch(window_);
  model_.HoldWhile([this] { return press_.UnderWay(); }, PressWatch::kPressMax);
  WatchVisibility();
  // The main loop ends with the window, but takes first what waits for it: answers to pages whose
  // widgets are gone.
  Connect(window_, "destroy", [this] { model_.Close(); });
}

GtkWidget* SettingsWindow::NewMain() {
  pages_ = ADW_VIEW_STACK(adw_view_stack_new());
  const auto add = [this](GtkWidget* page, const char* name, const char* title, const char* icon) {
    adw_view_stack_page_set_icon_name(adw_view_stack_add_titled(pages_, page, name, title), icon);
  };
  add(apps_page_.widget(), "apps", Tr("Apps"), "application-x-addon-symbolic");
  add(chats_page_.widget(), "chats", Tr("Chats"), "user-available-symbolic");
  add(activity_page_.widget(), "activity", Tr("Activity"), "power-profile-performance-symbolic");
  add(history_page_.widget(), "history", Tr("History"), "document-open-recent-symbolic");

  GtkWidget* header = adw_header_bar_new();
  GtkWidget* switcher = adw_view_switcher_title_new();
  adw_view_switcher_title_set_title(ADW_VIEW_SWITCHER_TITLE(switcher), Tr("Postern Settings"));
  adw_view_switcher_title_set_stack(ADW_VIEW_SWITCHER_TITLE(switcher), pages_);
  adw_header_bar_set_title_widget(ADW_HEADER_BAR(header), switcher);
  GtkWidget* bottom = adw_view_switcher_bar_new();
  adw_view_switcher_bar_set_stack(ADW_VIEW_SWITCHER_BAR(bottom), pages_);
  g_object_bind_property(switcher, "title-visible", bottom, "reveal", G_BINDING_SYNC_CREATE);

  GtkWidget* problem = NewStatusPage("network-wired-disconnected-symbolic", "", "");
  problem_page_ = ADW_STATUS_PAGE(problem);
  GtkWidget* again = NewButton(Tr("_Look again"), [this] { model_.Refresh(); });
  gtk_widget_add_css_class(again, "pill");
  gtk_widget_set_halign(again, GTK_ALIGN_CENTER);
  adw_status_page_set_child(problem_page_, again);

  state_ = GTK_STACK(gtk_stack_new());
  gtk_stack_add_named(state_, NewBusyPage(), "busy");
  gtk_stack_add_named(state_, problem, "problem");
  gtk_stack_add_named(state_, GTK_WIDGET(pages_), "pages");
  gtk_widget_set_vexpand(GTK_WIDGET(state_), TRUE);

  GtkWidget* main = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(main), header);
  gtk_box_append(GTK_BOX(main), notices_.widget());
  gtk_box_append(GTK_BOX(main), GTK_WIDGET(state_));
  gtk_box_append(GTK_BOX(main), bottom);
  return main;
}

GtkWidget* SettingsWindow::NewSubpage(const char* name, GtkWidget* content,
                                      AdwWindowTitle** title) {
  GtkWidget* header = adw_header_bar_new();
  GtkWidget* words = adw_window_title_new("", "");
  *title = ADW_WINDOW_TITLE(words);
  adw_header_bar_set_title_widget(ADW_HEADER_BAR(header), words);
  adw_header_bar_pack_start(
      ADW_HEADER_BAR(header),
      NewIconButton("go-previous-symbolic", Tr("Back"), [this] { GoBack(); }));
  GtkWidget* page = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_name(page, name);
  gtk_box_append(GTK_BOX(page), header);
  gtk_box_append(GTK_BOX(page), content);
  return page;
}

void SettingsWindow::WatchVisibility() {
  Connect(window_, "map", [this] {
    JudgeVisibility();
    // There is a surface from the first map on.
    GdkSurface* surface = gtk_native_get_surface(GTK_NATIVE(window_));
    Connect(surface, "notify::state", [this] { JudgeVisibility(); });
  });
  Connect(window_, "unmap", [this] { JudgeVisibility(); });
}

void SettingsWindow::JudgeVisibility() {
  visible_ = gtk_widget_get_mapped(window_) != FALSE;
  if (visible_) {
    GdkSurface* surface = gtk_native_get_surface(GTK_NATIVE(window_));
    visible_ = (gdk_toplevel_get_state(GDK_TOPLEVEL(surface)) & GDK_TOPLEVEL_STATE_MINIMIZED) == 0;
  }
  model_.SetVisible(visible_);
}

void SettingsWindow::Open(const std::string& subpage, const std::string& title,
                          const std::string& subtitle) {
  AdwWindowTitle* shown = subpage == "app"    ? app_title_
                          : subpage == "chat" ? chat_title_
                                              : view_title_;
  adw_window_title_set_title(shown, title.c_str());
  adw_window_title_set_subtitle(shown, subtitle.c_str());
  // Going to a page that one came from is going back to it.
  while (!trail_.empty()) {
    bool known = false;
    for (const std::string& place : trail_) known |= place == subpage;
    if (!known) break;
    trail_.pop_back();
  }
  trail_.push_back(subpage);
  ShowPlace();
}

void SettingsWindow::GoBack() {
  if (!trail_.empty()) trail_.pop_back();
  ShowPlace();
}

void SettingsWindow::ShowPlace() {
  const std::string place = trail_.empty() ? "main" : trail_.back();
  // Pages that are not shown are hidden from screen readers too.
  const auto set_visible = [&](bool shown) {
    for (const char* name : {"main", "chat", "app", "view"}) {
      GtkWidget* page = adw_leaflet_get_child_by_name(leaflet_, name);
      if ((place == name) == shown) gtk_widget_set_visible(page, shown);
    }
  };
  set_visible(true);
  adw_leaflet_set_visible_child_name(leaflet_, place.c_str());
  set_visible(false);
}

void SettingsWindow::Update() {
  const absl::Status& problem = model_.problem();
  if (!problem.ok()) {
    const ProblemWords words = WhyNothingIsShown(problem);
    adw_status_page_set_title(problem_page_, words.title.c_str());
    char* escaped = g_markup_escape_text(words.advice.c_str(), -1);
    adw_status_page_set_description(problem_page_, escaped);
    g_free(escaped);
    gtk_stack_set_visible_child_name(state_, "problem");
    gtk_widget_set_visible(notices_.widget(), FALSE);
    trail_.clear();
    ShowPlace();
    return;
  }
  if (model_.access() == nullptr) {
    gtk_stack_set_visible_child_name(state_, "busy");
    return;
  }
  UpdatePages();
}

void SettingsWindow::UpdatePages() {
  notices_.Update();
  gtk_widget_set_visible(notices_.widget(), TRUE);
  apps_page_.Update();
  chats_page_.Update();
  history_page_.Update();
  bool gone = !app_page_.Update();
  if (model_.chats() != nullptr) gone |= !chat_page_.Update();
  if (gone && !trail_.empty() && trail_.back() != "view") {
    trail_.clear();
    ShowPlace();
  }
  gtk_stack_set_visible_child_name(state_, "pages");
  OnPageShown();
}

void SettingsWindow::OnPageShown() {
  if (model_.access() == nullptr) return;
  const std::string_view page = adw_view_stack_get_visible_child_name(pages_);
  if (page == "activity") activity_page_.Shown();
  if (page == "history") history_page_.Shown();
}

void SettingsWindow::Say(const std::string& sentence) {
  AdwToast* toast = adw_toast_new(sentence.c_str());
  adw_toast_set_timeout(toast, kToastSeconds);
  adw_toast_overlay_add_toast(toasts_, toast);
}

}  // namespace postern::settings
