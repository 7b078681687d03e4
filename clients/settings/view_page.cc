// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/view_page.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <adwaita.h>

#include <utility>

#include "clients/owner/visible_text.h"
#include "clients/settings/event_words.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

}  // namespace

ViewPage::ViewPage(const Around& around)
    : around_(around),
      widget_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0)),
      now_(gtk_toggle_button_new_with_label(Tr("What it sees now"))),
      seen_(gtk_toggle_button_new_with_label(Tr("What it already saw"))),
      chat_filter_(NewDropDown(Tr("Chat"), {Tr("All chats")})) {
  gtk_toggle_button_set_group(GTK_TOGGLE_BUTTON(seen_), GTK_TOGGLE_BUTTON(now_));
  GtkWidget* which = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);
  gtk_widget_add_css_class(which, "linked");
  gtk_box_append(GTK_BOX(which), now_);
  gtk_box_append(GTK_BOX(which), seen_);
  GtkWidget* bar = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
  gtk_widget_set_margin_top(bar, 12);
  gtk_widget_set_margin_start(bar, 12);
  gtk_widget_set_margin_end(bar, 12);
  gtk_box_append(GTK_BOX(bar), which);
  gtk_widget_set_hexpand(GTK_WIDGET(chat_filter_), TRUE);
  gtk_widget_set_halign(GTK_WIDGET(chat_filter_), GTK_ALIGN_END);
  gtk_box_append(GTK_BOX(bar), GTK_WIDGET(chat_filter_));
  GtkWidget* clamp = adw_clamp_new();
  adw_clamp_set_maximum_size(ADW_CLAMP(clamp), 680);
  adw_clamp_set_child(ADW_CLAMP(clamp), bar);
  gtk_box_append(GTK_BOX(widget_), clamp);
  gtk_box_append(GTK_BOX(widget_), NewScroller(&column_));
  for (GtkWidget* button : {now_, seen_}) {
    Connect(button, "toggled", [this, button] {
      if (!filling_ && gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(button))) Read(true);
    });
  }
  Connect(chat_filter_, "notify::selected", [this] {
    if (!filling_) Read(true);
  });
}

ViewPage::~ViewPage() {
  if (slow_timer_ != 0) g_source_remove(slow_timer_);
}

void ViewPage::OnSlow() {
  slow_timer_ = 0;
  asked_ = busy_;
  if (busy_ && events_.empty()) Refill(column_, [this] { Fill(); });
}

void ViewPage::Show(const std::string& principal, bool already_seen) {
  principal_ = principal;
  filling_ = true;
  FillFilter();
  gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(already_seen ? seen_ : now_), TRUE);
  // An app that is out sees nothing now.
  gtk_widget_set_sensitive(now_, around_.model.access()->FindApp(principal) != nullptr);
  filling_ = false;
  Read(true);
}

std::string ViewPage::title() const {
  return around_.model.access() == nullptr
             ? ""
             : VisibleText(around_.model.access()->AppName(principal_));
}

void ViewPage::FillFilter() {
  chat_choices_ = {""};
  std::vector<std::string> texts = {Tr("All chats")};
  if (const ChatPicture* chats = around_.model.chats()) {
    for (const v1::Chat& chat : chats->chats) {
      chat_choices_.push_back(chat.id());
      texts.push_back(VisibleText(chats->ChatName(chat.id())));
    }
  }
  SetTexts(chat_filter_, texts, 0);
}

void ViewPage::Read(bool from_start) {
  v1::ViewAsAppRequest request;
  request.set_principal(principal_);
  const size_t chosen = gtk_drop_down_get_selected(chat_filter_);
  if (chosen < chat_choices_.size()) request.set_chat_id(chat_choices_[chosen]);
  request.set_page_size(kPageSize);
  request.set_already_seen(gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(seen_)));
  if (!from_start) request.set_page_token(next_page_token_);
  const int reading = ++reading_;
  busy_ = true;
  asked_ = false;
  if (slow_timer_ != 0) g_source_remove(slow_timer_);
  slow_timer_ = g_timeout_add(
      kSlowMilliseconds,
      [](gpointer self) -> gboolean {
        static_cast<ViewPage*>(self)->OnSlow();
        return G_SOURCE_REMOVE;
      },
      this);
  problem_ = absl::OkStatus();
  if (from_start) {
    events_.clear();
    next_page_token_.clear();
    Refill(column_, [this] { Fill(); });
  }
  around_.model.LookWhenAllowed(
      [request](owner::Owner& owner) { return owner.ViewAsApp(request); },
      [this, reading, from_start](absl::StatusOr<v1::ViewAsAppResponse> page) {
        OnPage(reading, from_start, std::move(page));
      });
}

void ViewPage::OnPage(int reading, bool from_start, absl::StatusOr<v1::ViewAsAppResponse> page) {
  if (reading != reading_) return;
  busy_ = false;
  problem_ = page.status();
  if (page.ok()) {
    if (from_start) events_.clear();
    events_.insert(events_.end(), page->events().begin(), page->events().end());
    next_page_token_ = page->next_page_token();
    for (const v1::ViewedName& name : page->names()) names_[name.id()] = name.name();
  }
  Refill(column_, [this] { Fill(); });
}

GtkWidget* ViewPage::NewCard(const v1::Event& event) const {
  const EventWords words = WordsOf(event);
  GtkWidget* card = gtk_box_new(GTK_ORIENTATION_VERTICAL, 4);
  gtk_widget_add_css_class(card, "card");
  gtk_widget_add_css_class(card, "event-card");
  GtkWidget* head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget* title = NewLabel(words.title, event.has_message_created() ? "heading" : "dim-label");
  gtk_widget_set_hexpand(title, TRUE);
  gtk_box_append(GTK_BOX(head), title);
  const auto name = names_.find(event.chat_id());
  const absl::Time time = TimeOf(event.has_event_time() ? event.event_time() : event.record_time());
  const std::string when = MomentWords(time, absl::Now());
  const std::string place =
      name == names_.end() ? when : FillIn(Tr("$0 · $1"), VisibleText(name->second), when);
  gtk_box_append(GTK_BOX(head), NewLabel(place, "dim-label"));
  gtk_box_append(GTK_BOX(card), head);
  if (!words.body.empty()) gtk_box_append(GTK_BOX(card), NewLabel(words.body));
  if (!words.hidden.empty()) {
    GtkWidget* hidden = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    gtk_widget_add_css_class(hidden, "dim-label");
    gtk_box_append(GTK_BOX(hidden), gtk_image_new_from_icon_name("view-conceal-symbolic"));
    gtk_box_append(GTK_BOX(hidden), NewLabel(words.hidden));
    gtk_box_append(GTK_BOX(card), hidden);
  }
  return card;
}

void ViewPage::FillProblem() {
  const ProblemWords words = WhyNothingIsShown(problem_);
  gtk_box_append(column_, NewStatusPage("dialog-error-symbolic", words.title, words.advice));
  GtkWidget* again = NewButton(Tr("_Try again"), [this] { Read(true); });
  gtk_widget_set_halign(again, GTK_ALIGN_CENTER);
  gtk_widget_set_name(again, "again");
  gtk_box_append(column_, again);
}

void ViewPage::Fill() {
  const bool seen = gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(seen_)) != FALSE;
  gtk_box_append(
      column_,
      NewLabel(seen
                   ? Tr("What was handed to the app already, with the access it had then. What was "
                        "deleted since shows without its text.")
                   : Tr("Through the same rules that serve the app. Looking here does not count as "
                        "its reading. Chats are named for you; the app may know them by a number "
                        "only."),
               "dim-label"));
  if (!problem_.ok()) return FillProblem();
  if (events_.empty() && busy_) {
    gtk_box_append(
        column_, asked_
                     ? NewStatusPage("dialog-question-symbolic", Tr("Waiting for your answer"),
                                     Tr("Postern asks you, in a window of its own, whether to show "
                                        "messages here."))
                     : NewBusyPage());
    return;
  }
  if (events_.empty() && next_page_token_.empty()) {
    // It may have been handed what is sealed or gone now.
    gtk_box_append(column_,
                   seen ? NewStatusPage("view-conceal-symbolic", Tr("Nothing to show"),
                                        Tr("Nothing of what it was handed is kept and open. "
                                           "What was sealed since is left out; the history "
                                           "counts what it read."))
                        : NewStatusPage("view-conceal-symbolic", Tr("It sees nothing"),
                                        Tr("Nothing that is kept is open to it now.")));
    return;
  }
  GtkWidget* cards = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);
  for (const v1::Event& event : events_) gtk_box_append(GTK_BOX(cards), NewCard(event));
  gtk_box_append(column_, cards);
  if (!next_page_token_.empty()) {
    GtkWidget* more = NewButton(Tr("Show _older"), [this] { Read(false); });
    gtk_widget_set_halign(more, GTK_ALIGN_CENTER);
    gtk_widget_set_name(more, "older");
    gtk_box_append(column_, more);
  }
}

}  // namespace postern::settings
