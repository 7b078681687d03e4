// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/history_page.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <adwaita.h>

#include <algorithm>
#include <utility>

#include "clients/owner/visible_text.h"
#include "clients/settings/access_words.h"
#include "clients/settings/history_export.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

struct VerbChoice {
  const char* text;
  std::vector<v1::AccessVerb> verbs;
};

const std::vector<VerbChoice>& VerbChoices() {
  static const std::vector<VerbChoice> choices = {
      {TrLater("Everything"), {}},
      {TrLater("Reads"), {v1::ACCESS_VERB_READ, v1::ACCESS_VERB_WITHHELD}},
      {TrLater("Sends"), {v1::ACCESS_VERB_SEND, v1::ACCESS_VERB_WRITE}},
      {TrLater("Refusals"), {v1::ACCESS_VERB_REFUSED, v1::ACCESS_VERB_DENIED}},
      {TrLater("Decisions"),
       {v1::ACCESS_VERB_ASKED, v1::ACCESS_VERB_GRANTED, v1::ACCESS_VERB_DENIED,
        v1::ACCESS_VERB_NARROWED, v1::ACCESS_VERB_REVOKED, v1::ACCESS_VERB_SUSPENDED,
        v1::ACCESS_VERB_RESUMED, v1::ACCESS_VERB_SEALED, v1::ACCESS_VERB_UNSEALED,
        v1::ACCESS_VERB_EXPORTED}}};
  return choices;
}

struct TimeChoice {
  const char* text;
  absl::Duration back;
};
constexpr TimeChoice kTimes[] = {{TrLater("Any time"), absl::InfiniteDuration()},
                                 {TrLater("Last 24 hours"), absl::Hours(24)},
                                 {TrLater("Last 7 days"), absl::Hours(24 * 7)},
                                 {TrLater("Last 30 days"), absl::Hours(24 * 30)}};

}  // namespace

HistoryPage::HistoryPage(const Around& around)
    : around_(around),
      app_choices_({""}),
      chat_choices_({""}),
      widget_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0)),
      app_filter_(NewDropDown(Tr("App"), {Tr("All apps")})),
      chat_filter_(NewDropDown(Tr("Chat"), {Tr("All chats")})),
      exported_(NewLabel("", "dim-label")) {
  std::vector<std::string> verbs;
  for (const VerbChoice& choice : VerbChoices()) verbs.push_back(Tr(choice.text));
  verb_filter_ = NewDropDown(Tr("What"), verbs);
  std::vector<std::string> times;
  for (const TimeChoice& choice : kTimes) times.push_back(Tr(choice.text));
  time_filter_ = NewDropDown(Tr("When"), times);
  export_ = NewButton(Tr("E_xport…"), [this] { AskWhereToExport(); });

  GtkWidget* bar = gtk_flow_box_new();
  gtk_flow_box_set_selection_mode(GTK_FLOW_BOX(bar), GTK_SELECTION_NONE);
  gtk_flow_box_set_max_children_per_line(GTK_FLOW_BOX(bar), 5);
  gtk_flow_box_set_column_spacing(GTK_FLOW_BOX(bar), 6);
  gtk_flow_box_set_row_spacing(GTK_FLOW_BOX(bar), 6);
  gtk_widget_set_margin_top(bar, 12);
  for (GtkWidget* filter : {GTK_WIDGET(app_filter_), GTK_WIDGET(chat_filter_),
                            GTK_WIDGET(verb_filter_), GTK_WIDGET(time_filter_), export_}) {
    gtk_flow_box_append(GTK_FLOW_BOX(bar), filter);
    gtk_widget_set_focusable(gtk_widget_get_parent(filter), FALSE);
  }
  for (GtkDropDown* filter : {app_filter_, chat_filter_, verb_filter_, time_filter_}) {
    Connect(filter, "notify::selected", [this] {
      if (filling_filters_) return;
      gtk_widget_set_visible(exported_, FALSE);
      Read(true);
    });
  }
  gtk_widget_set_visible(exported_, FALSE);
  GtkWidget* top = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append(GTK_BOX(top), bar);
  gtk_box_append(GTK_BOX(top), exported_);
  GtkWidget* clamp = adw_clamp_new();
  adw_clamp_set_maximum_size(ADW_CLAMP(clamp), 680);
  adw_clamp_set_child(ADW_CLAMP(clamp), top);
  gtk_widget_set_margin_start(clamp, 12);
  gtk_widget_set_margin_end(clamp, 12);
  gtk_box_append(GTK_BOX(widget_), clamp);
  gtk_box_append(GTK_BOX(widget_), NewScroller(&column_));
}

void HistoryPage::Shown() { Read(true); }

void HistoryPage::Update() {
  FillFilters();
  Refill(column_, [this] { FillRows(); });
}

void HistoryPage::FillFilters() {
  const auto refill = [](GtkDropDown* filter, std::vector<std::string>& choices,
                         std::vector<std::string> ids, const std::vector<std::string>& texts) {
    if (ids == choices) return;
    const guint before = gtk_drop_down_get_selected(filter);
    const std::string chosen = before < choices.size() ? choices[before] : "";
    choices = std::move(ids);
    const auto place = std::find(choices.begin(), choices.end(), chosen);
    SetTexts(filter, texts,
             place == choices.end() ? 0 : static_cast<guint>(place - choices.begin()));
  };
  filling_filters_ = true;
  std::vector<std::string> ids = {""};
  std::vector<std::string> texts = {Tr("All apps")};
  for (const v1::OwnedGrant& owned : around_.model.access()->grants) {
    if (std::find(ids.begin(), ids.end(), owned.principal()) != ids.end()) continue;
    ids.push_back(owned.principal());
    texts.push_back(VisibleText(owned.app_display_name()));
  }
  refill(app_filter_, app_choices_, ids, texts);
  if (const ChatPicture* chats = around_.model.chats()) {
    ids = {""};
    texts = {Tr("All chats")};
    for (const v1::Chat& chat : chats->chats) {
      ids.push_back(chat.id());
      texts.push_back(VisibleText(chats->ChatName(chat.id())));
    }
    refill(chat_filter_, chat_choices_, ids, texts);
  }
  filling_filters_ = false;
}

v1::ListAccessHistoryRequest HistoryPage::Request() const {
  v1::ListAccessHistoryRequest request;
  const auto choice = [](GtkDropDown* filter, size_t choices) {
    const size_t chosen = gtk_drop_down_get_selected(filter);
    return chosen < choices ? chosen : 0;
  };
  request.set_principal(app_choices_[choice(app_filter_, app_choices_.size())]);
  request.set_chat_id(chat_choices_[choice(chat_filter_, chat_choices_.size())]);
  for (const v1::AccessVerb verb :
       VerbChoices()[choice(verb_filter_, VerbChoices().size())].verbs) {
    request.add_verbs(verb);
  }
  const absl::Duration back = kTimes[choice(time_filter_, std::size(kTimes))].back;
  if (back != absl::InfiniteDuration()) {
    *request.mutable_start_time() = ToTimestamp(absl::Now() - back);
  }
  return request;
}

void HistoryPage::Read(bool from_start) {
  v1::ListAccessHistoryRequest request = Request();
  request.set_page_size(kPageSize);
  if (!from_start) request.set_page_token(next_page_token_);
  const int reading = ++reading_;
  busy_ = true;
  around_.model.Look(
      [request](owner::Owner& owner) { return owner.ListAccessHistory(request); },
      [this, reading, from_start](absl::StatusOr<v1::ListAccessHistoryResponse> page) {
        OnPage(reading, from_start, std::move(page));
      });
}

void HistoryPage::OnPage(int reading, bool from_start,
                         absl::StatusOr<v1::ListAccessHistoryResponse> page) {
  if (reading != reading_) return;
  busy_ = false;
  problem_ = page.status();
  if (page.ok()) {
    if (from_start) entries_.clear();
    entries_.insert(entries_.end(), page->entries().begin(), page->entries().end());
    next_page_token_ = page->next_page_token();
  }
  Refill(column_, [this] { FillRows(); });
}

void HistoryPage::FillRows() {
  if (!problem_.ok()) {
    const ProblemWords words = WhyNothingIsShown(problem_);
    gtk_box_append(column_, NewStatusPage("dialog-error-symbolic", words.title, words.advice));
    return;
  }
  if (entries_.empty()) {
    gtk_box_append(column_,
                   busy_ ? NewBusyPage()
                         : NewStatusPage("document-open-recent-symbolic", Tr("Nothing happened"),
                                         Tr("What apps read, send and are refused appears here, "
                                            "and what you decide. Never what was in it.")));
    return;
  }
  const absl::Time now = absl::Now();
  const absl::TimeZone zone = absl::LocalTimeZone();
  AdwPreferencesGroup* group = nullptr;
  absl::CivilDay day;
  for (const v1::AccessEntry& entry : entries_) {
    const absl::Time time = TimeOf(entry.record_time());
    if (group == nullptr || absl::ToCivilDay(time, zone) != day) {
      day = absl::ToCivilDay(time, zone);
      const absl::CivilDay today = absl::ToCivilDay(now, zone);
      group = NewGroup(day == today       ? Tr("Today")
                       : day == today - 1 ? Tr("Yesterday")
                                          : DayWords(time));
      gtk_box_append(column_, GTK_WIDGET(group));
    }
    const std::string detail = EntryDetail(entry);
    AdwActionRow* row =
        NewRow(EntryWords(entry, around_.model.chats()),
               detail.empty() ? ClockWords(time) : FillIn(Tr("$0 · $1"), ClockWords(time), detail));
    adw_action_row_add_prefix(row, gtk_image_new_from_icon_name(VerbIcon(entry.verb())));
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (!next_page_token_.empty()) {
    GtkWidget* more = NewButton(Tr("Show _older"), [this] { Read(false); });
    gtk_widget_set_halign(more, GTK_ALIGN_CENTER);
    gtk_widget_set_name(more, "older");
    gtk_box_append(column_, more);
  }
}

void HistoryPage::AskWhereToExport() {
  GtkFileChooserNative* chooser = gtk_file_chooser_native_new(
      Tr("Export the history"), GTK_WINDOW(gtk_widget_get_root(widget_)),
      GTK_FILE_CHOOSER_ACTION_SAVE, Tr("_Export"), Tr("_Cancel"));
  gtk_native_dialog_set_modal(GTK_NATIVE_DIALOG(chooser), TRUE);
  gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(chooser), "postern-history.jsonl");
  g_signal_connect(chooser, "response",
                   G_CALLBACK(+[](GtkNativeDialog* dialog, int response, gpointer self) {
                     if (response == GTK_RESPONSE_ACCEPT) {
                       GFile* file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
                       char* path = file == nullptr ? nullptr : g_file_get_path(file);
                       if (path != nullptr) static_cast<HistoryPage*>(self)->Export(path);
                       g_free(path);
                       g_clear_object(&file);
                     }
                     g_object_unref(dialog);
                   }),
                   this);
  gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

void HistoryPage::Export(const std::string& path) {
  gtk_widget_set_sensitive(export_, FALSE);
  gtk_widget_set_visible(exported_, FALSE);
  around_.model.Look(
      [request = Request(), path](owner::Owner& owner) {
        return ExportHistory(owner, request, path);
      },
      [this](absl::StatusOr<uint64_t> rows) {
        gtk_widget_set_sensitive(export_, TRUE);
        const std::string words =
            rows.ok()
                ? FillIn(TrCount("$0 row was written.", "$0 rows were written.", *rows), *rows)
                : WhyNotDone(rows.status());
        gtk_label_set_text(GTK_LABEL(exported_), words.c_str());
        gtk_widget_set_visible(exported_, TRUE);
      });
}

}  // namespace postern::settings
