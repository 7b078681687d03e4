// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/window_subject.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <absl/time/clock.h>

#include <string>
#include <vector>

#include "platform/linux/consent_texts.h"
#include "platform/linux/terminal.h"
#include "platform/linux/window_rows.h"

namespace postern::platform {
namespace {

using permissions::QuestionKind;

// A long message is scrolled to, and the buttons stay in view.
constexpr int kMessageHeight = 300;
// In bytes: up to here it is some lines.
constexpr size_t kShortMessage = 200;

void Add(AdwPreferencesGroup* group, const std::string& title, const std::string& text) {
  adw_preferences_group_add(group, GTK_WIDGET(NewTextRow(title, text)));
}

// The message as it would be sent, with what cannot be seen written out.
std::string MessageText(const std::string& text) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) lines.push_back(Printable(line));
  return absl::StrJoin(lines, "\n");
}

}  // namespace

bool WindowSubject::AsksForName() const {
  return permissions::AsksForAccess(question_.kind) ||
         question_.kind == QuestionKind::kEnrollGatekeeper;
}

void WindowSubject::AppendTo(GtkBox* content) {
  GtkLabel* heading = NewNote(texts::TitleOf(question_), "title-2");
  gtk_label_set_justify(heading, GTK_JUSTIFY_CENTER);
  gtk_label_set_xalign(heading, 0.5f);
  gtk_box_append(content, GTK_WIDGET(heading));
  AddWho(content);
  switch (question_.kind) {
    case QuestionKind::kEnrollGatekeeper:
      AddNetworks(content);
      break;
    case QuestionKind::kExtendGrant:
      AddExtension(content);
      break;
    case QuestionKind::kSendMessage:
      AddMessage(content);
      break;
    case QuestionKind::kUnseal:
    case QuestionKind::kExport:
    case QuestionKind::kPurge:
    case QuestionKind::kView:
      AddThing(content);
      break;
    case QuestionKind::kEnrollApp:
    case QuestionKind::kWidenGrant:
      break;
  }
}

void WindowSubject::AddWho(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup("");
  const auto add = [&](Text title, const std::string& text) {
    if (!text.empty()) Add(group, Say(title), text);
  };
  // The user's own tools have no name to claim; the evidence says which one it is.
  add(texts::kClaimedName, question_.claimed_name);
  add(texts::kKnownName, question_.known_name);
  add(texts::kItsName, texts::NameWarningOf(question_));
  add(texts::kPurpose, question_.purpose);
  if (AsksForName()) {
    GtkWidget* name = adw_entry_row_new();
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(name), Say(texts::kYourName));
    name_ = GTK_EDITABLE(name);
    gtk_editable_set_text(name_, NameFrom(question_, "").c_str());
    adw_preferences_group_add(group, name);
  }
  adw_preferences_group_add(group, NewEvidence());
  gtk_box_append(content, GTK_WIDGET(group));
}

GtkWidget* WindowSubject::NewEvidence() {
  auto* evidence = ADW_EXPANDER_ROW(adw_expander_row_new());
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(evidence), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(evidence), Say(texts::kEvidence));
  const std::string program = input_.evidence.executable.empty()
                                  ? std::string(Say(texts::kUnknown))
                                  : Printable(input_.evidence.executable);
  adw_expander_row_set_subtitle(evidence, program.c_str());
  const auto add = [&](const std::string& label, const std::string& value) {
    adw_expander_row_add_row(evidence, GTK_WIDGET(NewTextRow(label, value)));
  };
  if (!question_.app_id.empty()) {
    add(Say(texts::kAppId), absl::StrCat(question_.app_id, " ", question_.software_version));
  }
  for (const auto& [label, value] : texts::EvidenceLines(input_.evidence, question_)) {
    add(label, Printable(value));
  }
  return GTK_WIDGET(evidence);
}

void WindowSubject::AddNetworks(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup("");
  Add(group, Say(texts::kNetworks), absl::StrJoin(question_.networks, ", "));
  Add(group, Say(texts::kFeeds), "");
  gtk_box_append(content, GTK_WIDGET(group));
}

void WindowSubject::AddExtension(GtkBox* content) {
  AdwPreferencesGroup* held = NewGroup(Say(texts::kHolds));
  for (const permissions::Scope scope : question_.held_scopes.ToVector()) {
    Add(held, texts::SentenceOf(scope), "");
  }
  if (!question_.subject.empty()) Add(held, Say(texts::kInChats), question_.subject);
  Add(held, Say(texts::kHeldUntil), texts::TimeText(question_.held_until));
  gtk_box_append(content, GTK_WIDGET(held));

  AdwPreferencesGroup* group = NewGroup("");
  std::vector<std::string> choices;
  for (const texts::DurationChoice& choice : texts::ExtensionChoices()) {
    choices.emplace_back(Say(choice.text));
  }
  extension_ = AddComboRow(group, Say(texts::kDuration), choices, texts::kExtensionDefault);
  gtk_box_append(content, GTK_WIDGET(group));
}

void WindowSubject::AddMessage(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup("");
  Add(group, Say(texts::kTo), question_.subject);
  gtk_box_append(content, GTK_WIDGET(group));

  AdwPreferencesGroup* message = NewGroup(Say(texts::kMessage));
  GtkWidget* view = gtk_text_view_new();
  gtk_text_view_set_editable(GTK_TEXT_VIEW(view), FALSE);
  gtk_text_view_set_cursor_visible(GTK_TEXT_VIEW(view), FALSE);
  gtk_text_view_set_wrap_mode(GTK_TEXT_VIEW(view), GTK_WRAP_WORD_CHAR);
  // Tab goes on, as everywhere in the window.
  gtk_text_view_set_accepts_tab(GTK_TEXT_VIEW(view), FALSE);
  for (const auto set_margin : {gtk_text_view_set_left_margin, gtk_text_view_set_right_margin,
                                gtk_text_view_set_top_margin, gtk_text_view_set_bottom_margin}) {
    set_margin(GTK_TEXT_VIEW(view), 12);
  }
  gtk_text_buffer_set_text(gtk_text_view_get_buffer(GTK_TEXT_VIEW(view)),
                           MessageText(question_.message_text).c_str(), -1);
  SetAccessibleLabel(view, Say(texts::kMessage));
  GtkWidget* scrolled = gtk_scrolled_window_new();
  gtk_scrolled_window_set_propagate_natural_height(GTK_SCROLLED_WINDOW(scrolled), TRUE);
  gtk_scrolled_window_set_max_content_height(GTK_SCROLLED_WINDOW(scrolled), kMessageHeight);
  // A text does not say beforehand how high it will be at this width.
  if (question_.message_text.size() > kShortMessage) {
    gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(scrolled), kMessageHeight);
  }
  gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), view);
  GtkWidget* frame = gtk_frame_new(nullptr);
  gtk_frame_set_child(GTK_FRAME(frame), scrolled);
  adw_preferences_group_add(message, frame);
  gtk_box_append(content, GTK_WIDGET(message));
}

void WindowSubject::AddThing(GtkBox* content) {
  AdwPreferencesGroup* group = NewGroup("");
  const texts::Thing thing = texts::ThingOf(question_);
  if (!question_.subject.empty()) Add(group, Say(thing.title), question_.subject);
  Add(group, Say(thing.note), "");
  gtk_box_append(content, GTK_WIDGET(group));
}

void WindowSubject::Fill(Choices& choices) const {
  if (name_ != nullptr) choices.name = gtk_editable_get_text(name_);
  if (extension_ != nullptr) choices.extension = SelectedOf(extension_);
}

}  // namespace postern::platform
