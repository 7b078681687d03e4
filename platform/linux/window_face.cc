// SPDX-License-Identifier: Apache-2.0
// The consent question as a window.
//
// Everything but one click or key press on Allow refuses: Esc, Enter anywhere, closing the window,
// the question's time. Allow is asleep until the window has had the focus for a second, and again
// after it lost it, so that a key or click that was meant for another window does not allow.
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <adwaita.h>
#include <glib-unix.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "platform/linux/consent_face.h"
#include "platform/linux/consent_texts.h"
#include "platform/linux/draft_feed.h"
#include "platform/linux/terminal.h"
#include "platform/linux/window_access.h"
#include "platform/linux/window_rows.h"
#include "platform/linux/window_subject.h"

namespace postern::platform {
namespace {

using permissions::ConsentDecision;
using permissions::ConsentQuestion;

constexpr int kWidth = 600;
constexpr int kHeight = 760;
// What was clicked or typed while Allow was asleep is answered before it wakes, also where this
// program got no time to run meanwhile and both are due at once.
constexpr int kAfterEvents = GDK_PRIORITY_EVENTS + 1;

// Whether every program of the session can look at windows and press their buttons. By name: GTK
// may be built without X11.
bool IsOnX11() {
  return std::string_view(G_OBJECT_TYPE_NAME(gdk_display_get_default())) == "GdkX11Display";
}

// One question in one window. One thread, GTK's.
class ConsentWindow {
 public:
  explicit ConsentWindow(const FaceInput& input)
      : input_(input),
        question_(input.question),
        loop_(g_main_loop_new(nullptr, FALSE)),
        subject_(input) {
    result_ = {FaceResult::Kind::kAnswered, RefusalOf(input)};
    Build();
    Connect();
    Update();
  }
  ~ConsentWindow() {
    // A window that goes loses the focus, and GTK 4.18 says so.
    g_signal_handlers_disconnect_by_data(window_, this);
    for (const guint source : {guard_source_, timeout_source_, channel_source_}) {
      if (source != 0) g_source_remove(source);
    }
    feed_.reset();
    gtk_window_destroy(window_);
    g_main_loop_unref(loop_);
  }
  ConsentWindow(const ConsentWindow&) = delete;
  ConsentWindow& operator=(const ConsentWindow&) = delete;

  FaceResult Show() {
    gtk_window_present(window_);
    gtk_widget_grab_focus(refuse_);
    if (!over_) g_main_loop_run(loop_);
    return std::move(result_);
  }

 private:
  void Build() {
    window_ = GTK_WINDOW(adw_window_new());
    gtk_window_set_title(window_, "Postern");
    gtk_window_set_default_size(window_, kWidth, kHeight);
    gtk_accessible_update_property(GTK_ACCESSIBLE(window_), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                   texts::TitleOf(question_), -1);

    GtkWidget* content = gtk_box_new(GTK_ORIENTATION_VERTICAL, 18);
    gtk_widget_set_margin_top(content, 12);
    gtk_widget_set_margin_bottom(content, 18);
    for (const auto set_margin : {gtk_widget_set_margin_start, gtk_widget_set_margin_end}) {
      set_margin(content, 18);
    }
    subject_.AppendTo(GTK_BOX(content));
    if (permissions::AsksForAccess(question_.kind)) {
      access_ = std::make_unique<WindowAccess>(question_, [this] { Changed(); });
      access_->AppendTo(GTK_BOX(content));
      GtkLabel* later = NewNote(Say(texts::kChangeLater), "dim-label");
      gtk_box_append(GTK_BOX(content), GTK_WIDGET(later));
    }
    if (IsOnX11()) {
      GtkLabel* seen = NewNote(Say(texts::kOnX11), "dim-label");
      gtk_box_append(GTK_BOX(content), GTK_WIDGET(seen));
    }

    GtkWidget* clamp = adw_clamp_new();
    adw_clamp_set_child(ADW_CLAMP(clamp), content);
    GtkWidget* scrolled = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), clamp);
    gtk_widget_set_vexpand(scrolled, TRUE);

    GtkWidget* all = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    gtk_box_append(GTK_BOX(all), adw_header_bar_new());
    gtk_box_append(GTK_BOX(all), scrolled);
    gtk_box_append(GTK_BOX(all), gtk_separator_new(GTK_ORIENTATION_HORIZONTAL));
    gtk_box_append(GTK_BOX(all), NewAnswer());
    adw_window_set_content(ADW_WINDOW(window_), all);
  }

  // What is still missing, and the two buttons: both the same size and weight, because neither
  // answer is the one that is wanted.
  GtkWidget* NewAnswer() {
    hint_ = NewNote("", "dim-label");
    gtk_label_set_xalign(hint_, 0.5f);
    gtk_label_set_justify(hint_, GTK_JUSTIFY_CENTER);
    refuse_ = gtk_button_new_with_mnemonic(absl::StrCat("_", Say(texts::kRefuse)).c_str());
    allow_ = gtk_button_new_with_mnemonic(absl::StrCat("_", Say(texts::kAllow)).c_str());
    g_signal_connect_swapped(refuse_, "clicked", G_CALLBACK(OnRefuse), this);
    g_signal_connect_swapped(allow_, "clicked", G_CALLBACK(OnAllow), this);
    gtk_widget_set_sensitive(allow_, FALSE);
    GtkWidget* buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    gtk_box_set_homogeneous(GTK_BOX(buttons), TRUE);
    for (GtkWidget* button : {refuse_, allow_}) {
      // Named by the label in it; without this also by its text with the underscore.
      gtk_accessible_reset_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL);
      gtk_widget_set_hexpand(button, TRUE);
      gtk_box_append(GTK_BOX(buttons), button);
    }
    GtkWidget* answer = gtk_box_new(GTK_ORIENTATION_VERTICAL, 9);
    for (const auto set_margin : {gtk_widget_set_margin_start, gtk_widget_set_margin_end,
                                  gtk_widget_set_margin_top, gtk_widget_set_margin_bottom}) {
      set_margin(answer, 12);
    }
    gtk_box_append(GTK_BOX(answer), GTK_WIDGET(hint_));
    gtk_box_append(GTK_BOX(answer), buttons);
    return answer;
  }

  void Connect() {
    if (subject_.name() != nullptr) {
      g_signal_connect_swapped(subject_.name(), "changed", G_CALLBACK(OnNameChanged), this);
    }
    if (access_ != nullptr) {
      feed_ = std::make_unique<DraftFeed>(
          input_, [this] { return Chosen(); },
          [this](const permissions::ConsentPreview& preview) { access_->preview().Show(preview); },
          [this] { access_->preview().ShowWaiting(); });
    }
    g_signal_connect(window_, "close-request", G_CALLBACK(OnClose), this);
    g_signal_connect_swapped(window_, "notify::is-active", G_CALLBACK(OnFocus), this);

    // Before any widget sees the key.
    GtkEventController* keys = gtk_event_controller_key_new();
    gtk_event_controller_set_propagation_phase(keys, GTK_PHASE_CAPTURE);
    g_signal_connect(keys, "key-pressed", G_CALLBACK(OnKey), this);
    gtk_widget_add_controller(GTK_WIDGET(window_), keys);

    const absl::Duration left = input_.deadline - TerminalNow();
    const int64_t left_ms = std::max<int64_t>(0, absl::ToInt64Milliseconds(left));
    timeout_source_ = g_timeout_add(static_cast<guint>(left_ms), OnTimeout, this);
    channel_source_ = g_unix_fd_add(
        input_.channel, static_cast<GIOCondition>(G_IO_IN | G_IO_HUP | G_IO_ERR), OnChannel, this);
  }

  Choices Chosen() const {
    Choices choices;
    subject_.Fill(choices);
    if (access_ != nullptr) access_->Fill(choices);
    return choices;
  }

  void Update() {
    const Missing missing = WhatIsMissing(question_, Chosen());
    gtk_widget_set_sensitive(allow_, awake_ && missing == Missing::kNothing);
    gtk_label_set_text(hint_, HintOf(missing));
  }

  const char* HintOf(Missing missing) const {
    switch (missing) {
      case Missing::kName:
        return Say(texts::kNeedsName);
      case Missing::kScope:
        return Say(texts::kNeedsScope);
      case Missing::kChat:
        return Say(texts::kNeedsChat);
      case Missing::kAccount:
        return Say(texts::kNeedsAccount);
      case Missing::kNothing:
        break;
    }
    return Say(awake_ ? texts::kReady : texts::kAsleep);
  }

  void Changed() {
    Update();
    if (feed_ != nullptr) feed_->Changed();
  }

  void Refuse() { End(); }

  void AllowNow() {
    const Choices choices = Chosen();
    // The button cannot be pressed asleep; checked again because everything depends on it.
    if (!awake_ || WhatIsMissing(question_, choices) != Missing::kNothing) return;
    Allow(question_, choices, absl::Now(), ConsentDecision::kAllow, result_.answer);
    End();
  }

  void End() {
    over_ = true;
    g_main_loop_quit(loop_);
  }

  static void OnRefuse(gpointer self) { static_cast<ConsentWindow*>(self)->Refuse(); }
  static void OnAllow(gpointer self) { static_cast<ConsentWindow*>(self)->AllowNow(); }
  static void OnNameChanged(gpointer self) { static_cast<ConsentWindow*>(self)->Update(); }

  static gboolean OnClose(GtkWindow*, gpointer self) {
    static_cast<ConsentWindow*>(self)->Refuse();
    // It is destroyed with this object.
    return TRUE;
  }

  static gboolean OnKey(GtkEventControllerKey*, guint key, guint, GdkModifierType, gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    // In an open list of durations these two choose and close.
    GtkWidget* focus = gtk_window_get_focus(self->window_);
    if (focus != nullptr && gtk_widget_get_ancestor(focus, GTK_TYPE_POPOVER) != nullptr)
      return FALSE;
    if (key != GDK_KEY_Escape && key != GDK_KEY_Return && key != GDK_KEY_KP_Enter &&
        key != GDK_KEY_ISO_Enter) {
      return FALSE;
    }
    self->Refuse();
    return TRUE;
  }

  static void OnFocus(gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    if (self->guard_source_ != 0) g_source_remove(std::exchange(self->guard_source_, 0));
    self->awake_ = false;
    if (gtk_window_is_active(self->window_)) {
      self->guard_source_ = g_timeout_add_full(
          kAfterEvents, static_cast<guint>(absl::ToInt64Milliseconds(kAllowGuard)), OnAwake, self,
          nullptr);
    }
    self->Update();
  }

  static gboolean OnAwake(gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    self->guard_source_ = 0;
    self->awake_ = true;
    self->Update();
    return G_SOURCE_REMOVE;
  }

  static gboolean OnTimeout(gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    self->timeout_source_ = 0;
    if (!self->over_) self->result_.answer.decision = ConsentDecision::kExpired;
    self->End();
    return G_SOURCE_REMOVE;
  }

  // The broker answers drafts; anything else, its closing too, ends the question.
  static gboolean OnChannel(gint, GIOCondition, gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    if (self->feed_ != nullptr && self->feed_->Receive().ok()) return G_SOURCE_CONTINUE;
    self->channel_source_ = 0;
    self->result_ = {FaceResult::Kind::kEnded, {}};
    self->End();
    return G_SOURCE_REMOVE;
  }

  const FaceInput& input_;
  const ConsentQuestion& question_;
  GMainLoop* const loop_;
  FaceResult result_;
  bool over_ = false;
  // The window has had the focus for kAllowGuard.
  bool awake_ = false;
  guint guard_source_ = 0;
  guint timeout_source_ = 0;
  guint channel_source_ = 0;

  WindowSubject subject_;
  // For questions that ask for access.
  std::unique_ptr<WindowAccess> access_;
  std::unique_ptr<DraftFeed> feed_;
  // Owned by the window, and the window by GTK until it is destroyed.
  GtkWindow* window_ = nullptr;
  GtkWidget* refuse_ = nullptr;
  GtkWidget* allow_ = nullptr;
  GtkLabel* hint_ = nullptr;
};

}  // namespace

FaceResult AskInWindow(const FaceInput& input) {
  // The name by which assistive tools know this program.
  g_set_prgname("postern-consent");
  if (!gtk_init_check()) return {FaceResult::Kind::kUnavailable, {}};
  adw_init();
  gtk_widget_set_default_direction(IsRightToLeft() ? GTK_TEXT_DIR_RTL : GTK_TEXT_DIR_LTR);
  return ConsentWindow(input).Show();
}

}  // namespace postern::platform
