// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/app_page.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/grant_words.h"
#include "clients/settings/narrow_dialog.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

constexpr int kAvatarSize = 72;
constexpr int kSpacing = 12;

GtkWidget* NewButtonBox() {
  GtkWidget* box = gtk_flow_box_new();
  gtk_flow_box_set_selection_mode(GTK_FLOW_BOX(box), GTK_SELECTION_NONE);
  gtk_flow_box_set_column_spacing(GTK_FLOW_BOX(box), kSpacing);
  gtk_flow_box_set_row_spacing(GTK_FLOW_BOX(box), kSpacing);
  gtk_flow_box_set_min_children_per_line(GTK_FLOW_BOX(box), 1);
  gtk_flow_box_set_max_children_per_line(GTK_FLOW_BOX(box), 4);
  gtk_flow_box_set_homogeneous(GTK_FLOW_BOX(box), TRUE);
  return box;
}

// Flow boxes put their own child in between, which would be a stop for the keyboard of its own.
void AddTo(GtkWidget* flow_box, GtkWidget* button, const std::string& name) {
  gtk_widget_set_name(button, name.c_str());
  gtk_flow_box_append(GTK_FLOW_BOX(flow_box), button);
  gtk_widget_set_focusable(gtk_widget_get_parent(button), FALSE);
}

}  // namespace

AppPage::AppPage(const Around& around) : around_(around), widget_(NewScroller(&column_)) {}

void AppPage::Show(const std::string& principal) {
  principal_ = principal;
  open_rows_.clear();
  Update();
}

std::string AppPage::title() const {
  return around_.model.access() == nullptr
             ? ""
             : VisibleText(around_.model.access()->AppName(principal_));
}

bool AppPage::Update() {
  if (principal_.empty()) return true;
  if (around_.model.access()->FindApp(principal_) == nullptr) {
    principal_.clear();
    return false;
  }
  Refill(column_, [this] { Fill(); });
  return true;
}

void AppPage::Fill() {
  const AccessPicture& access = *around_.model.access();
  const v1::App& app = *access.FindApp(principal_);
  AddHead(app);
  AddActs(app);
  const std::vector<const v1::OwnedGrant*> grants = access.GrantsOf(principal_, false);
  for (const v1::OwnedGrant* owned : grants) AddGrant(*owned);
  if (grants.empty()) {
    AdwPreferencesGroup* group = NewGroup(Tr("Access"));
    adw_preferences_group_add(
        group, GTK_WIDGET(NewRow(Tr("Nothing is open to it now"),
                                 Tr("It has to ask you again before it sees anything."))));
    gtk_box_append(column_, GTK_WIDGET(group));
  }
  AddErasure();
  AddProgram(app);
  AddPastGrants();
}

void AppPage::AddHead(const v1::App& app) {
  GtkWidget* head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, kSpacing * 2);
  gtk_box_append(GTK_BOX(head), NewAvatar(app.display_name(), kAvatarSize));
  GtkWidget* words = gtk_box_new(GTK_ORIENTATION_VERTICAL, kSpacing / 2);
  gtk_widget_set_hexpand(words, TRUE);
  gtk_widget_set_valign(words, GTK_ALIGN_CENTER);
  gtk_box_append(GTK_BOX(words), NewLabel(VisibleText(app.display_name()), "title-1"));
  if (!app.purpose().empty()) {
    gtk_box_append(GTK_BOX(words), NewLabel(VisibleText(app.purpose())));
  }
  GtkWidget* pills = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, kSpacing / 2);
  if (app.connection_count() > 0 && !around_.model.access()->status.paused()) {
    gtk_box_append(GTK_BOX(pills), NewPill(Tr("In use now"), "live"));
  } else if (app.has_last_seen_time()) {
    gtk_box_append(
        GTK_BOX(pills),
        NewPill(FillIn(Tr("Last here $0"), MomentWords(TimeOf(app.last_seen_time()), absl::Now())),
                "quiet"));
  }
  const bool leaves = app.data_destination().kind() == v1::DataDestination::KIND_LEAVES_DEVICE;
  GtkWidget* destination =
      NewPill(DestinationWords(app.data_destination()), leaves ? "away" : "quiet");
  gtk_label_set_ellipsize(GTK_LABEL(destination), PANGO_ELLIPSIZE_MIDDLE);
  gtk_box_append(GTK_BOX(pills), destination);
  gtk_box_append(GTK_BOX(words), pills);
  gtk_box_append(GTK_BOX(head), words);
  gtk_box_append(column_, head);
}

void AppPage::AddActs(const v1::App& app) {
  GtkWidget* box = NewButtonBox();
  AddTo(
      box,
      NewButton(Tr("See it as the app _sees it"), [this] { around_.open_view(principal_, false); }),
      "view");
  AddTo(box,
        NewButton(Tr("What did it _already see?"), [this] { around_.open_view(principal_, true); }),
        "seen");
  GtkWidget* revoke = NewButton(Tr("_Take everything back…"), [] {});
  Connect(revoke, "clicked", [this, revoke, name = VisibleText(app.display_name())] {
    Confirm(
        revoke, FillIn(Tr("Take everything back from $0?"), name),
        Tr("It stops at once and for good. What it saw it has. To come back it has to ask you "
           "anew."),
        Tr("Yes, take it back"), [this, revoke, name] {
          Act(
              around_, revoke,
              [principal = principal_](owner::Owner& owner) { return owner.RevokeApp(principal); },
              FillIn(Tr("$0 is out."), name));
        });
  });
  AddTo(box, revoke, "revoke");
  gtk_box_append(column_, box);
}

GtkWidget* AppPage::NewGrantActs(const v1::OwnedGrant& owned) {
  const std::string& id = owned.grant().id();
  GtkWidget* box = NewButtonBox();
  gtk_widget_set_margin_top(box, kSpacing);
  if (owned.grant().state() == v1::Grant::STATE_SUSPENDED) {
    GtkWidget* resume = NewButton(Tr("_Resume"), [] {});
    Connect(resume, "clicked", [this, resume, id] {
      Act(
          around_, resume, [id](owner::Owner& owner) { return owner.ResumeGrant(id); },
          Tr("The access works again."));
    });
    AddTo(box, resume, absl::StrCat("suspend ", id));
  } else {
    GtkWidget* suspend = NewButton(Tr("Sus_pend"), [] {});
    Connect(suspend, "clicked", [this, suspend, id] {
      Act(
          around_, suspend, [id](owner::Owner& owner) { return owner.SuspendGrant(id); },
          Tr("The access is suspended until you resume it."));
    });
    AddTo(box, suspend, absl::StrCat("suspend ", id));
  }
  GtkWidget* narrow = NewButton(Tr("_Narrow…"), [] {});
  Connect(narrow, "clicked", [this, narrow, id] { OpenNarrowDialog(around_, narrow, id); });
  AddTo(box, narrow, absl::StrCat("narrow ", id));
  if (owned.grant().validity().kind() == v1::Validity::KIND_UNTIL) {
    GtkWidget* extend = NewButton(Tr("_Extend…"), [] {});
    Connect(extend, "clicked", [this, extend, id] {
      Ask(
          around_, extend, [id](owner::Owner& owner) { return owner.ExtendGrant(id); },
          Tr("Postern asks you how long, in a window of its own."), Tr("The access lasts longer."));
    });
    AddTo(box, extend, absl::StrCat("extend ", id));
  }
  GtkWidget* revoke = NewButton(Tr("Take _back…"), [] {});
  Connect(revoke, "clicked", [this, revoke, id] {
    Confirm(revoke, Tr("Take this access back?"),
            Tr("It ends at once and for good. What the app saw it has."), Tr("Yes, take it back"),
            [this, revoke, id] {
              Act(
                  around_, revoke, [id](owner::Owner& owner) { return owner.RevokeGrant(id); },
                  Tr("The access was taken back."));
            });
  });
  AddTo(box, revoke, absl::StrCat("revoke ", id));
  return box;
}

AdwExpanderRow* AppPage::NewExpander(const std::string& key, const std::string& title,
                                     const std::string& subtitle) {
  GtkWidget* row = adw_expander_row_new();
  adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
  adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), title.c_str());
  adw_expander_row_set_subtitle(ADW_EXPANDER_ROW(row), subtitle.c_str());
  adw_expander_row_set_expanded(ADW_EXPANDER_ROW(row), open_rows_.contains(key));
  SetAccessibleName(row, title);
  SetAccessibleDescription(row, subtitle);
  Connect(row, "notify::expanded", [this, row, key] {
    if (adw_expander_row_get_expanded(ADW_EXPANDER_ROW(row))) {
      open_rows_.insert(key);
    } else {
      open_rows_.erase(key);
    }
  });
  return ADW_EXPANDER_ROW(row);
}

void AppPage::AddChats(AdwPreferencesGroup* group, const v1::Grant& grant) {
  const v1::Selection& selection = grant.selection();
  const ChatPicture* chats = around_.model.chats();
  const std::string words = SelectionWords(selection, chats);
  const bool listed = selection.chat_choice() != v1::Selection::CHAT_CHOICE_ALL_AND_NEW;
  const auto& ids = listed ? selection.included_chat_ids() : selection.excluded_chat_ids();
  if (ids.empty() || chats == nullptr) {
    AdwActionRow* row = NewRow(Tr("Chats"), words);
    adw_action_row_add_prefix(row, gtk_image_new_from_icon_name("user-available-symbolic"));
    adw_preferences_group_add(group, GTK_WIDGET(row));
    return;
  }
  AdwExpanderRow* row = NewExpander(absl::StrCat("chats ", grant.id()),
                                    listed ? Tr("Chats") : Tr("All chats but these"), words);
  adw_expander_row_add_prefix(row, gtk_image_new_from_icon_name("user-available-symbolic"));
  gtk_widget_set_name(GTK_WIDGET(row), absl::StrCat("chats ", grant.id()).c_str());
  for (const std::string& id : ids) {
    AdwActionRow* chat =
        NewDoor(VisibleText(chats->ChatName(id)), "", [this, id] { around_.open_chat(id); });
    adw_expander_row_add_row(row, GTK_WIDGET(chat));
  }
  adw_preferences_group_add(group, GTK_WIDGET(row));
}

void AppPage::AddGrant(const v1::OwnedGrant& owned) {
  const v1::Grant& grant = owned.grant();
  const absl::Time now = absl::Now();
  AdwPreferencesGroup* group =
      NewGroup(FillIn(Tr("Access $0"), ValidityWords(grant.validity(), now)),
               FillIn(Tr("Allowed $0"), MomentWords(TimeOf(grant.create_time()), now)));
  if (grant.state() == v1::Grant::STATE_SUSPENDED) {
    adw_preferences_group_set_header_suffix(group, NewPill(StateWords(grant.state()), "quiet"));
  }
  for (const bool writing : {false, true}) {
    for (const int number : grant.scopes()) {
      const auto scope = static_cast<v1::Scope>(number);
      if (IsWriting(scope) != writing) continue;
      std::string more;
      if (scope == v1::SCOPE_MESSAGES_HISTORY && grant.has_history_start_time()) {
        more = FillIn(Tr("Not older than $0"), DayWords(TimeOf(grant.history_start_time())));
      }
      if (scope == v1::SCOPE_MESSAGES_SEND && grant.limits().sends_per_hour() > 0) {
        const uint64_t most = grant.limits().sends_per_hour();
        more = FillIn(TrCount("At most $0 an hour", "At most $0 an hour", most), most);
      }
      AdwActionRow* row = NewRow(ScopeWords(scope), more);
      adw_action_row_add_prefix(row,
                                gtk_image_new_from_icon_name(writing ? "document-edit-symbolic"
                                                                     : "view-reveal-symbolic"));
      adw_preferences_group_add(group, GTK_WIDGET(row));
    }
  }
  AddChats(group, grant);
  if (grant.only_while_unlocked()) {
    AdwActionRow* row = NewRow(Tr("Only while your screen is unlocked"));
    adw_action_row_add_prefix(row, gtk_image_new_from_icon_name("changes-prevent-symbolic"));
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (grant.may_start()) {
    AdwActionRow* row = NewRow(Tr("Postern starts it when something arrives for it"));
    adw_action_row_add_prefix(row, gtk_image_new_from_icon_name("system-run-symbolic"));
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  GtkWidget* both = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append(GTK_BOX(both), GTK_WIDGET(group));
  gtk_box_append(GTK_BOX(both), NewGrantActs(owned));
  gtk_box_append(column_, both);
}

// One line: what it was asked to erase, and whether it said that it did.
void AppPage::AddErasure() {
  const v1::AppErasure* erasure = around_.model.access()->ErasureOf(principal_);
  if (erasure == nullptr) return;
  const absl::Time now = absl::Now();
  const bool all = erasure->everything_asked() && !erasure->everything_confirmed();
  const uint64_t count = erasure->unconfirmed_count();
  AdwActionRow* row = nullptr;
  if (all) {
    row = NewRow(
        Tr("It was asked to erase everything"),
        FillIn(Tr("Not confirmed since $0"), MomentWords(TimeOf(erasure->oldest_ask_time()), now)));
  } else if (count > 0) {
    row = NewRow(
        FillIn(TrCount("It was asked to erase $0 thing", "It was asked to erase $0 things", count),
               count),
        FillIn(Tr("Not confirmed since $0"), MomentWords(TimeOf(erasure->oldest_ask_time()), now)));
  } else {
    row = NewRow(Tr("It says that it erased what it was asked to"),
                 MomentWords(TimeOf(erasure->confirm_time()), now));
  }
  gtk_widget_set_name(GTK_WIDGET(row), "erasure");
  adw_action_row_add_prefix(row, gtk_image_new_from_icon_name("user-trash-symbolic"));
  AdwPreferencesGroup* group = NewGroup("");
  adw_preferences_group_add(group, GTK_WIDGET(row));
  gtk_box_append(column_, GTK_WIDGET(group));
}

void AppPage::AddProgram(const v1::App& app) {
  AdwPreferencesGroup* group = NewGroup("");
  AdwExpanderRow* row = NewExpander("program", Tr("The program"), VisibleText(app.executable()));
  gtk_widget_set_name(GTK_WIDGET(row), "program");
  const auto add = [row](const char* title, const std::string& text) {
    if (text.empty()) return;
    AdwActionRow* line = NewRow(title, VisibleText(text));
    adw_expander_row_add_row(row, GTK_WIDGET(line));
  };
  add(Tr("It calls itself"), app.claimed_name());
  add(Tr("Its app id"), app.app_id());
  add(Tr("Allowed first"), MomentWords(TimeOf(app.enroll_time()), absl::Now()));
  add(Tr("Its systemd unit"), app.systemd_unit());
  add(Tr("Its key"), app.principal());
  adw_preferences_group_add(group, GTK_WIDGET(row));
  gtk_box_append(column_, GTK_WIDGET(group));
}

void AppPage::AddPastGrants() {
  const std::vector<const v1::OwnedGrant*> past =
      around_.model.access()->GrantsOf(principal_, true);
  if (past.empty()) return;
  AdwPreferencesGroup* group = NewGroup("");
  const uint64_t count = past.size();
  AdwExpanderRow* row = NewExpander("past", Tr("Access that has ended"),
                                    FillIn(TrCount("$0 grant", "$0 grants", count), count));
  gtk_widget_set_name(GTK_WIDGET(row), "past");
  for (const v1::OwnedGrant* owned : past) {
    const v1::Grant& grant = owned->grant();
    AdwActionRow* line = NewRow(ScopesWords(grant, grant.scopes_size()),
                                FillIn(Tr("$0. Allowed $1, $2"), StateWords(grant.state()),
                                       MomentWords(TimeOf(grant.create_time()), absl::Now()),
                                       SelectionWords(grant.selection(), around_.model.chats())));
    adw_expander_row_add_row(row, GTK_WIDGET(line));
  }
  adw_preferences_group_add(group, GTK_WIDGET(row));
  gtk_box_append(column_, GTK_WIDGET(group));
}

}  // namespace postern::settings
