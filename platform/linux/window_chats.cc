// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/window_chats.h"

#include "platform/linux/consent_texts.h"

namespace postern::platform {

using permissions::ChatChoice;
using permissions::ChatKinds;

WindowChats::WindowChats(const permissions::ConsentQuestion& question,
                         std::function<void()> changed)
    : question_(question),
      changed_(std::move(changed)),
      included_(question, Say(texts::kChosenChats), texts::kChatsChosen, [this] { changed_(); }),
      excluded_(question, Say(texts::kLeaveOut), texts::kChatsLeftOut, [this] { changed_(); }) {}

void WindowChats::AppendTo(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup(Say(texts::kChats));
  all_existing_ = AddCheckRow(group, Say(texts::kAllExisting));
  all_and_new_ = AddCheckRow(group, Say(texts::kAllAndNew));
  for (GtkCheckButton* check : {all_existing_, all_and_new_}) {
    g_signal_connect(check, "toggled", G_CALLBACK(OnAllToggled), this);
  }
  gtk_box_append(content, GTK_WIDGET(group));
  gtk_box_append(content, included_.widget());
  AddNarrowing(content);
  Update();
}

void WindowChats::AddNarrowing(GtkBox* content) {
  auto* box = GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, 12));
  narrowing_ = GTK_WIDGET(box);
  // With one account "all" says which; with several the person does.
  if (question_.accounts.size() > 1) {
    AdwPreferencesGroup* group = NewGroup(Say(texts::kWhichAccounts));
    for (const permissions::OfferedAccount& account : question_.accounts) {
      GtkCheckButton* check = AddCheckRow(group, texts::AccountLine(account));
      g_signal_connect_swapped(check, "toggled", G_CALLBACK(OnChanged), this);
      accounts_.push_back(check);
    }
    gtk_box_append(box, GTK_WIDGET(group));
  }
  AdwPreferencesGroup* group = NewGroup("");
  std::vector<std::string> kinds;
  for (const texts::KindChoice& choice : texts::KindChoices()) kinds.emplace_back(Say(choice.text));
  kinds_ = AddComboRow(group, Say(texts::kChatKinds), kinds, 0);
  std::vector<std::string> people;
  for (const texts::PeopleChoice& choice : texts::PeopleChoices()) {
    people.emplace_back(Say(choice.text));
  }
  people_ = AddComboRow(group, Say(texts::kPeople), people, 0);
  for (AdwComboRow* row : {kinds_, people_}) {
    g_signal_connect_swapped(row, "notify::selected", G_CALLBACK(OnChanged), this);
  }
  leave_out_ = AddCheckRow(group, Say(texts::kLeaveOut));
  g_signal_connect_swapped(leave_out_, "toggled", G_CALLBACK(OnChanged), this);
  gtk_box_append(box, GTK_WIDGET(group));
  gtk_box_append(box, excluded_.widget());
  gtk_box_append(content, narrowing_);
}

bool WindowChats::ChoseAll() const {
  return gtk_check_button_get_active(all_existing_) || gtk_check_button_get_active(all_and_new_);
}

void WindowChats::Update() {
  gtk_widget_set_visible(included_.widget(), !ChoseAll());
  gtk_widget_set_visible(narrowing_, ChoseAll());
  const bool groups_only = texts::KindChoices().at(SelectedOf(kinds_)).kind == ChatKinds::kGroup;
  gtk_widget_set_visible(GTK_WIDGET(people_), !groups_only);
  gtk_widget_set_visible(excluded_.widget(), gtk_check_button_get_active(leave_out_) != 0);
}

void WindowChats::Fill(Choices& choices) const {
  choices.chats = included_.ticked();
  if (!ChoseAll()) return;
  choices.chat_choice =
      gtk_check_button_get_active(all_and_new_) ? ChatChoice::kAllAndNew : ChatChoice::kAllExisting;
  for (uint32_t place = 0; place < accounts_.size(); ++place) {
    if (gtk_check_button_get_active(accounts_[place])) choices.accounts.insert(place);
  }
  choices.kinds = SelectedOf(kinds_);
  choices.people = SelectedOf(people_);
  if (gtk_check_button_get_active(leave_out_)) choices.excluded_chats = excluded_.ticked();
}

void WindowChats::OnAllToggled(GtkCheckButton* check, gpointer data) {
  auto* self = static_cast<WindowChats*>(data);
  if (gtk_check_button_get_active(check)) {
    GtkCheckButton* other = check == self->all_existing_ ? self->all_and_new_ : self->all_existing_;
    gtk_check_button_set_active(other, FALSE);
  }
  OnChanged(data);
}

void WindowChats::OnChanged(gpointer data) {
  auto* self = static_cast<WindowChats*>(data);
  self->Update();
  self->changed_();
}

}  // namespace postern::platform
