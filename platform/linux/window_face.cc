// SPDX-License-Identifier: Apache-2.0
// The consent question as a window.
//
// Everything but one click or key press on Allow refuses: Esc, Enter anywhere, closing the window,
// the question's time. Allow is asleep until the window has had the focus for a second, and again
// after it lost it, so that a key or click that was meant for another window does not allow.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <adwaita.h>
#include <glib-unix.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/linux/chat_picker.h"
#include "platform/linux/consent_face.h"
#include "platform/linux/consent_texts.h"
#include "platform/linux/terminal.h"
#include "platform/linux/window_rows.h"

namespace postern::platform {
namespace {

using permissions::ChatChoice;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::QuestionKind;
using permissions::Scope;

constexpr int kWidth = 600;
constexpr int kHeight = 760;

// One question in one window. One thread, GTK's.
class ConsentWindow {
 public:
  explicit ConsentWindow(const FaceInput& input)
      : input_(input), question_(input.question), loop_(g_main_loop_new(nullptr, FALSE)) {
    result_ = {FaceResult::Kind::kAnswered, RefusalOf(input)};
    Build();
    Connect();
  }
  ~ConsentWindow() {
    for (const guint source : {guard_source_, timeout_source_, channel_source_}) {
      if (source != 0) g_source_remove(source);
    }
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
  bool IsGatekeeper() const { return question_.kind == QuestionKind::kEnrollGatekeeper; }

  void Build() {
    window_ = GTK_WINDOW(adw_window_new());
    gtk_window_set_title(window_, "Postern");
    gtk_window_set_default_size(window_, kWidth, kHeight);

    GtkWidget* content = gtk_box_new(GTK_ORIENTATION_VERTICAL, 18);
    gtk_widget_set_margin_top(content, 12);
    gtk_widget_set_margin_bottom(content, 18);
    for (const auto set_margin : {gtk_widget_set_margin_start, gtk_widget_set_margin_end}) {
      set_margin(content, 18);
    }
    AddHeading(GTK_BOX(content));
    AddWho(GTK_BOX(content));
    if (IsGatekeeper()) {
      AddNetworks(GTK_BOX(content));
    } else {
      AddScopes(GTK_BOX(content));
      AddDestination(GTK_BOX(content));
      AddChats(GTK_BOX(content));
      AddTime(GTK_BOX(content));
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
    gtk_box_append(GTK_BOX(all), NewButtons());
    adw_window_set_content(ADW_WINDOW(window_), all);
    gtk_window_set_default_widget(window_, refuse_);
  }

  void AddHeading(GtkBox* content) {
    GtkWidget* heading = gtk_label_new(texts::TitleOf(question_));
    gtk_widget_add_css_class(heading, "title-2");
    gtk_label_set_wrap(GTK_LABEL(heading), TRUE);
    gtk_box_append(content, heading);
  }

  void AddWho(GtkBox* content) {
    AdwPreferencesGroup* group = NewGroup("");
    const auto add = [group](const std::string& title, const std::string& text) {
      adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(title, text)));
    };
    add(texts::kClaimedName, question_.claimed_name);
    if (!question_.known_name.empty()) add(texts::kKnownName, question_.known_name);
    const std::string warning = texts::NameWarningOf(question_);
    if (!warning.empty()) add("Its name", warning);
    add(texts::kPurpose, question_.purpose);

    name_ = adw_entry_row_new();
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(name_), texts::kYourName);
    adw_entry_row_set_activates_default(ADW_ENTRY_ROW(name_), TRUE);
    gtk_editable_set_text(GTK_EDITABLE(name_), NameFrom(question_, "").c_str());
    adw_preferences_group_add(group, name_);

    auto* evidence = ADW_EXPANDER_ROW(adw_expander_row_new());
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(evidence), texts::kEvidence);
    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(evidence), FALSE);
    adw_expander_row_set_subtitle(evidence, input_.evidence.executable.empty()
                                                ? texts::kUnknown
                                                : Printable(input_.evidence.executable).c_str());
    adw_expander_row_add_row(
        evidence, GTK_WIDGET(NewTextRow(
                      "App id", absl::StrCat(question_.app_id, " ", question_.software_version))));
    for (const auto& [label, value] : texts::EvidenceLines(input_.evidence, question_)) {
      adw_expander_row_add_row(evidence, GTK_WIDGET(NewTextRow(label, Printable(value))));
    }
    adw_preferences_group_add(group, GTK_WIDGET(evidence));
    gtk_box_append(content, GTK_WIDGET(group));
  }

  void AddNetworks(GtkBox* content) {
    AdwPreferencesGroup* group = NewGroup("");
    adw_preferences_group_add(
        group, GTK_WIDGET(NewTextRow(texts::kNetworks, absl::StrJoin(question_.networks, ", "))));
    adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(texts::kFeeds, "")));
    gtk_box_append(content, GTK_WIDGET(group));
  }

  void AddScopes(GtkBox* content) {
    for (const bool write : {false, true}) {
      AdwPreferencesGroup* group = nullptr;
      for (const Scope scope :
           question_.required_scopes.Union(question_.optional_scopes).ToVector()) {
        if (permissions::IsWriteScope(scope) != write) continue;
        if (group == nullptr) {
          group = NewGroup(write ? texts::kWriting : texts::kReading);
          gtk_box_append(content, GTK_WIDGET(group));
        }
        const char* need =
            question_.required_scopes.Has(scope) ? texts::kRequired : texts::kOptional;
        GtkSwitch* toggle =
            AddSwitchRow(group, std::string(permissions::ScopeSentence(scope)), need);
        g_signal_connect_swapped(toggle, "notify::active", G_CALLBACK(OnChanged), this);
        scopes_.emplace_back(scope, toggle);
      }
    }
  }

  void AddDestination(GtkBox* content) {
    AdwPreferencesGroup* group = NewGroup(texts::kDestination);
    adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(texts::DestinationOf(question_), "")));
    gtk_box_append(content, GTK_WIDGET(group));
  }

  void AddChats(GtkBox* content) {
    AdwPreferencesGroup* group = NewGroup(texts::kChats);
    gtk_box_append(content, GTK_WIDGET(group));
    if (question_.accounts.empty()) {
      adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(texts::kNoChats, "")));
      return;
    }
    all_existing_ = AddCheckRow(group, texts::kAllExisting);
    all_and_new_ = AddCheckRow(group, texts::kAllAndNew);
    for (GtkCheckButton* check : {all_existing_, all_and_new_}) {
      g_signal_connect(check, "toggled", G_CALLBACK(OnAllToggled), this);
    }
    // With one account "all" says which; with several the person does.
    if (question_.accounts.size() > 1) {
      accounts_group_ = NewGroup("Of these accounts");
      for (const permissions::OfferedAccount& account : question_.accounts) {
        GtkCheckButton* check = AddCheckRow(accounts_group_, texts::AccountLine(account));
        g_signal_connect_swapped(check, "toggled", G_CALLBACK(OnChanged), this);
        accounts_.push_back(check);
      }
      gtk_widget_set_visible(GTK_WIDGET(accounts_group_), FALSE);
      gtk_box_append(content, GTK_WIDGET(accounts_group_));
    }
    std::vector<std::string> names;
    for (size_t i = 0; i < question_.chats.size(); ++i) {
      names.push_back(texts::ChatLine(question_, i));
    }
    picker_ = std::make_unique<ChatPicker>(names, [this] { Update(); });
    gtk_box_append(content, picker_->widget());
  }

  void AddTime(GtkBox* content) {
    AdwPreferencesGroup* group = NewGroup("");
    std::vector<const char*> durations;
    for (const texts::DurationChoice& choice : texts::DurationChoices()) {
      durations.push_back(choice.text);
    }
    durations.push_back(nullptr);
    duration_ = AddComboRow(group, texts::kDuration, durations.data(), texts::kDurationDefault);
    if (question_.required_scopes.Union(question_.optional_scopes).Has(Scope::kMessagesHistory)) {
      std::vector<const char*> history;
      for (const texts::HistoryChoice& choice : texts::HistoryChoices()) {
        history.push_back(choice.text);
      }
      history.push_back(nullptr);
      history_ = AddComboRow(group, texts::kHistory, history.data(), texts::kHistoryDefault);
    }
    gtk_box_append(content, GTK_WIDGET(group));
    GtkWidget* later = gtk_label_new(texts::kChangeLater);
    gtk_widget_add_css_class(later, "dim-label");
    gtk_label_set_wrap(GTK_LABEL(later), TRUE);
    gtk_box_append(content, later);
  }

  // Both the same size and weight: neither answer is the one that is wanted.
  GtkWidget* NewButtons() {
    refuse_ = gtk_button_new_with_mnemonic(absl::StrCat("_", texts::kRefuse).c_str());
    allow_ = gtk_button_new_with_mnemonic(absl::StrCat("_", texts::kAllow).c_str());
    g_signal_connect_swapped(refuse_, "clicked", G_CALLBACK(OnRefuse), this);
    g_signal_connect_swapped(allow_, "clicked", G_CALLBACK(OnAllow), this);
    gtk_widget_set_sensitive(allow_, FALSE);
    GtkWidget* buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    gtk_box_set_homogeneous(GTK_BOX(buttons), TRUE);
    for (const auto set_margin : {gtk_widget_set_margin_start, gtk_widget_set_margin_end,
                                  gtk_widget_set_margin_top, gtk_widget_set_margin_bottom}) {
      set_margin(buttons, 12);
    }
    for (GtkWidget* button : {refuse_, allow_}) {
      gtk_widget_set_hexpand(button, TRUE);
      gtk_box_append(GTK_BOX(buttons), button);
    }
    return buttons;
  }

  void Connect() {
    g_signal_connect(name_, "changed", G_CALLBACK(+[](GtkEditable*, gpointer self) {
                       static_cast<ConsentWindow*>(self)->Update();
                     }),
                     this);
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

  // Whether the answer, were it given now, would be a whole one.
  bool IsComplete() const {
    if (NameFrom(question_, gtk_editable_get_text(GTK_EDITABLE(name_))).empty()) return false;
    if (IsGatekeeper()) return true;
    bool any_scope = false;
    for (const auto& [scope, toggle] : scopes_) any_scope |= gtk_switch_get_active(toggle) != FALSE;
    if (!any_scope) return false;
    if (question_.accounts.empty()) return true;
    if (!ChoseAll()) return !picker_->ticked().empty();
    bool any_account = accounts_.empty();
    for (GtkCheckButton* check : accounts_) any_account |= gtk_check_button_get_active(check) != 0;
    return any_account;
  }

  bool ChoseAll() const {
    return all_existing_ != nullptr && (gtk_check_button_get_active(all_existing_) ||
                                        gtk_check_button_get_active(all_and_new_));
  }

  void Update() { gtk_widget_set_sensitive(allow_, awake_ && IsComplete()); }

  void Refuse() { End(); }

  void Allow() {
    // The button cannot be pressed asleep; checked again because everything depends on it.
    if (!awake_ || !IsComplete()) return;
    permissions::ConsentAnswer& answer = result_.answer;
    answer.given_name = NameFrom(question_, gtk_editable_get_text(GTK_EDITABLE(name_)));
    if (!IsGatekeeper()) {
      for (const auto& [scope, toggle] : scopes_) {
        if (gtk_switch_get_active(toggle)) answer.scopes.Add(scope);
      }
      FillChats(answer);
      const absl::Time now = absl::Now();
      answer.validity = ValidityFrom(adw_combo_row_get_selected(duration_), now);
      if (answer.scopes.Has(Scope::kMessagesHistory)) {
        answer.history_start_time = HistoryStartFrom(adw_combo_row_get_selected(history_), now);
      }
    }
    answer.decision = ConsentDecision::kAllow;
    End();
  }

  void FillChats(permissions::ConsentAnswer& answer) const {
    if (question_.accounts.empty()) return;
    if (!ChoseAll()) {
      answer.chats.assign(picker_->ticked().begin(), picker_->ticked().end());
      return;
    }
    answer.chat_choice = gtk_check_button_get_active(all_and_new_) ? ChatChoice::kAllAndNew
                                                                   : ChatChoice::kAllExisting;
    for (uint32_t place = 0; place < question_.accounts.size(); ++place) {
      if (accounts_.empty() || gtk_check_button_get_active(accounts_[place])) {
        answer.accounts.push_back(place);
      }
    }
  }

  void End() {
    over_ = true;
    g_main_loop_quit(loop_);
  }

  static void OnRefuse(gpointer self) { static_cast<ConsentWindow*>(self)->Refuse(); }
  static void OnAllow(gpointer self) { static_cast<ConsentWindow*>(self)->Allow(); }
  static void OnChanged(gpointer self) { static_cast<ConsentWindow*>(self)->Update(); }

  static void OnAllToggled(GtkCheckButton* check, gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
    if (gtk_check_button_get_active(check)) {
      GtkCheckButton* other =
          check == self->all_existing_ ? self->all_and_new_ : self->all_existing_;
      gtk_check_button_set_active(other, FALSE);
    }
    gtk_widget_set_sensitive(self->picker_->widget(), !self->ChoseAll());
    if (self->accounts_group_ != nullptr) {
      gtk_widget_set_visible(GTK_WIDGET(self->accounts_group_), self->ChoseAll());
    }
    self->Update();
  }

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
      self->guard_source_ =
          g_timeout_add(static_cast<guint>(absl::ToInt64Milliseconds(kAllowGuard)), OnAwake, self);
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

  // The broker says nothing after its question: what comes is its closing.
  static gboolean OnChannel(gint, GIOCondition, gpointer data) {
    auto* self = static_cast<ConsentWindow*>(data);
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

  // Owned by the window, and the window by GTK until it is destroyed.
  GtkWindow* window_ = nullptr;
  GtkWidget* name_ = nullptr;
  GtkWidget* refuse_ = nullptr;
  GtkWidget* allow_ = nullptr;
  std::vector<std::pair<Scope, GtkSwitch*>> scopes_;
  GtkCheckButton* all_existing_ = nullptr;
  GtkCheckButton* all_and_new_ = nullptr;
  AdwPreferencesGroup* accounts_group_ = nullptr;
  std::vector<GtkCheckButton*> accounts_;
  AdwComboRow* duration_ = nullptr;
  AdwComboRow* history_ = nullptr;
  std::unique_ptr<ChatPicker> picker_;
};

}  // namespace

FaceResult AskInWindow(const FaceInput& input) {
  // The name by which assistive tools know this program.
  g_set_prgname("postern-consent");
  if (!gtk_init_check()) return {FaceResult::Kind::kUnavailable, {}};
  adw_init();
  return ConsentWindow(input).Show();
}

}  // namespace postern::platform
