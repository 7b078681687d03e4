// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/window_access.h"

#include <absl/strings/str_cat.h>

#include "platform/linux/consent_texts.h"
#include "platform/linux/window_rows.h"

namespace postern::platform {
namespace {

using permissions::Scope;

template <typename Choices>
std::vector<std::string> TextsOf(const Choices& choices) {
  std::vector<std::string> said;
  for (const auto& choice : choices) said.emplace_back(Say(choice.text));
  return said;
}

}  // namespace

WindowAccess::WindowAccess(const permissions::ConsentQuestion& question,
                           std::function<void()> changed)
    : question_(question), changed_(std::move(changed)) {}

void WindowAccess::AppendTo(GtkBox* content) {
  AddHeld(content);
  AddScopes(content);
  AddDestination(content);
  AddChats(content);
  AddTime(content);
  preview_.AppendTo(content);
  Update();
}

void WindowAccess::AddHeld(GtkBox* content) {
  if (question_.held_scopes.empty()) return;
  AdwPreferencesGroup* group = NewGroup(Say(texts::kHolds));
  for (const Scope scope : question_.held_scopes.ToVector()) {
    adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(texts::SentenceOf(scope), "")));
  }
  gtk_box_append(content, GTK_WIDGET(group));
}

// Writing is set apart from reading.
void WindowAccess::AddScopes(GtkBox* content) {
  for (const bool write : {false, true}) {
    AdwPreferencesGroup* group = nullptr;
    for (const Scope scope : Asked().ToVector()) {
      if (permissions::IsWriteScope(scope) != write) continue;
      if (group == nullptr) {
        group = NewGroup(Say(write ? texts::kWriting : texts::kReading));
        gtk_box_append(content, GTK_WIDGET(group));
      }
      const bool required = question_.required_scopes.Has(scope);
      GtkSwitch* toggle = AddSwitchRow(group, texts::SentenceOf(scope),
                                       Say(required ? texts::kRequired : texts::kOptional));
      g_signal_connect_swapped(toggle, "notify::active", G_CALLBACK(OnChanged), this);
      scopes_.emplace_back(scope, toggle);
    }
  }
}

void WindowAccess::AddDestination(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup(Say(texts::kDestination));
  adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(texts::DestinationOf(question_), "")));
  gtk_box_append(content, GTK_WIDGET(group));
}

void WindowAccess::AddChats(GtkBox* content) {
  if (question_.accounts.empty()) {
    AdwPreferencesGroup* group = NewGroup(Say(texts::kChats));
    adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(Say(texts::kNoChatsLater), "")));
    gtk_box_append(content, GTK_WIDGET(group));
    return;
  }
  chats_ = std::make_unique<WindowChats>(question_, [this] { changed_(); });
  chats_->AppendTo(content);
}

void WindowAccess::AddTime(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup("");
  duration_ = AddComboRow(group, Say(texts::kDuration), TextsOf(texts::DurationChoices()),
                          texts::kDurationDefault);
  if (Asked().Has(Scope::kMessagesHistory)) {
    history_ = AddComboRow(group, Say(texts::kHistory), TextsOf(texts::HistoryChoices()),
                           texts::kHistoryDefault);
  }
  if (Sends(Asked())) {
    sends_ = AddComboRow(group, Say(texts::kSendsPerHour), TextsOf(texts::SendsChoices()),
                         texts::kSendsDefault);
  }
  for (AdwComboRow* row : {duration_, history_, sends_}) {
    if (row == nullptr) continue;
    g_signal_connect_swapped(row, "notify::selected", G_CALLBACK(OnChanged), this);
  }
  only_unlocked_ = AddSwitchRow(group, Say(texts::kOnlyUnlocked), "");
  if (!question_.systemd_unit.empty()) {
    may_start_ = AddSwitchRow(group, Say(texts::kMayStart),
                              Say(texts::kMayStartUnit, question_.systemd_unit));
  }
  gtk_box_append(content, GTK_WIDGET(group));
}

permissions::ScopeSet WindowAccess::Ticked() const {
  permissions::ScopeSet ticked;
  for (const auto& [scope, toggle] : scopes_) {
    if (gtk_switch_get_active(toggle)) ticked.Add(scope);
  }
  return ticked;
}

// What belongs to a scope is there once the scope is on.
void WindowAccess::Update() {
  const permissions::ScopeSet ticked = Ticked();
  if (history_ != nullptr) {
    gtk_widget_set_visible(GTK_WIDGET(history_), ticked.Has(Scope::kMessagesHistory));
  }
  if (sends_ != nullptr) gtk_widget_set_visible(GTK_WIDGET(sends_), Sends(ticked));
}

void WindowAccess::Fill(Choices& choices) const {
  choices.scopes = Ticked();
  if (chats_ != nullptr) chats_->Fill(choices);
  choices.duration = SelectedOf(duration_);
  if (history_ != nullptr) choices.history = SelectedOf(history_);
  if (sends_ != nullptr) choices.sends = SelectedOf(sends_);
  choices.only_while_unlocked = gtk_switch_get_active(only_unlocked_) != 0;
  if (may_start_ != nullptr) choices.may_start = gtk_switch_get_active(may_start_) != 0;
}

void WindowAccess::OnChanged(gpointer data) {
  auto* self = static_cast<WindowAccess*>(data);
  self->Update();
  self->changed_();
}

}  // namespace postern::platform
