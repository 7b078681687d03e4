// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/apps_page.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/grant_words.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

constexpr int kAvatarSize = 40;
// A row says the gist; the app's page says all.
constexpr int kScopesNamedMax = 2;

std::string Gist(const v1::OwnedGrant& owned, const ChatPicture* chats, absl::Time now) {
  const v1::Grant& grant = owned.grant();
  return absl::StrCat(ScopesWords(grant, kScopesNamedMax), "\n",
                      SelectionWords(grant.selection(), chats), ", ",
                      ValidityWords(grant.validity(), now));
}

bool AllSuspended(const std::vector<const v1::OwnedGrant*>& grants) {
  return !grants.empty() &&
         std::all_of(grants.begin(), grants.end(), [](const v1::OwnedGrant* owned) {
           return owned->grant().state() == v1::Grant::STATE_SUSPENDED;
         });
}

}  // namespace

AppsPage::AppsPage(const Around& around)
    : around_(around),
      widget_(NewScroller(&column_)),
      lists_(GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, gtk_box_get_spacing(column_)))) {
  gtk_box_append(column_, GTK_WIDGET(lists_));
}

void AppsPage::Update() {
  if (pause_ == nullptr) AddPause();
  UpdatePause();
  Refill(lists_, [this] { Fill(); });
}

void AppsPage::Fill() {
  AddApps();
  AddGatekeepers();
  AddFormerApps();
}

void AppsPage::AddPause() {
  AdwPreferencesGroup* group = NewGroup("");
  pause_ = AddSwitchRow(group, Tr("Pause all apps"), "", false);
  gtk_widget_set_name(GTK_WIDGET(pause_), "pause");
  Connect(pause_, "notify::active", [this] {
    if (filling_) return;
    if (gtk_switch_get_active(pause_)) {
      Act(
          around_, GTK_WIDGET(pause_), [](owner::Owner& owner) { return owner.Pause(); },
          Tr("All apps are paused."));
    } else {
      Act(
          around_, GTK_WIDGET(pause_), [](owner::Owner& owner) { return owner.Resume(); },
          Tr("Apps work again."));
    }
  });
  gtk_box_prepend(column_, GTK_WIDGET(group));
}

void AppsPage::UpdatePause() {
  const bool paused = around_.model.access()->status.paused();
  const std::string words =
      paused ? Tr("No app sees or sends anything now. What was allowed stays as it is.")
             : Tr("Stops every app at once. What was allowed stays as it is.");
  GtkWidget* row = gtk_widget_get_ancestor(GTK_WIDGET(pause_), ADW_TYPE_ACTION_ROW);
  adw_action_row_set_subtitle(ADW_ACTION_ROW(row), words.c_str());
  SetAccessibleDescription(row, words);
  SetAccessibleDescription(pause_, words);
  // Being told what it knows would end its turn.
  if ((gtk_switch_get_active(pause_) != FALSE) == paused) return;
  filling_ = true;
  gtk_switch_set_active(pause_, paused);
  filling_ = false;
}

void AppsPage::AddApps() {
  const AccessPicture& access = *around_.model.access();
  const absl::Time now = absl::Now();
  AdwPreferencesGroup* group = NewGroup(Tr("Apps that have access"));
  bool any = false;
  for (const v1::App& app : access.apps) {
    if (app.role() != v1::ROLE_APP) continue;
    any = true;
    const std::vector<const v1::OwnedGrant*> grants = access.GrantsOf(app.principal(), false);
    std::string gist = grants.empty() ? Tr("Nothing is open to it now") : "";
    for (const v1::OwnedGrant* owned : grants) {
      absl::StrAppend(&gist, gist.empty() ? "" : "\n", Gist(*owned, around_.model.chats(), now));
    }
    AdwActionRow* row = NewRow(VisibleText(app.display_name()), gist);
    adw_action_row_add_prefix(row, NewAvatar(app.display_name(), kAvatarSize));
    if (app.data_destination().kind() == v1::DataDestination::KIND_LEAVES_DEVICE) {
      adw_action_row_add_suffix(row, NewPill(Tr("Leaves device"), "away"));
    }
    if (AllSuspended(grants)) {
      adw_action_row_add_suffix(row, NewPill(Tr("Suspended"), "quiet"));
    } else if (app.connection_count() > 0 && !access.status.paused()) {
      adw_action_row_add_suffix(row, NewPill(Tr("In use now"), "live"));
    }
    adw_action_row_add_suffix(row, gtk_image_new_from_icon_name("go-next-symbolic"));
    gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
    gtk_widget_set_name(GTK_WIDGET(row), app.principal().c_str());
    Connect(row, "activated", [this, principal = app.principal()] { around_.open_app(principal); });
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (any) {
    gtk_box_append(lists_, GTK_WIDGET(group));
    return;
  }
  g_object_ref_sink(group);
  g_object_unref(group);
  gtk_box_append(lists_,
                 NewStatusPage("security-high-symbolic", Tr("No app has access"),
                               Tr("When a program asks to see your chats, Postern asks you. What "
                                  "you allow appears here, and can be taken back here.")));
}

void AppsPage::AddGatekeepers() {
  AdwPreferencesGroup* group =
      NewGroup(Tr("Messaging clients"), Tr("They bring your chats in. They see no app's doings."));
  bool any = false;
  for (const v1::App& app : around_.model.access()->apps) {
    if (app.role() != v1::ROLE_GATEKEEPER) continue;
    any = true;
    AdwActionRow* row =
        NewRow(VisibleText(app.display_name()), VisibleText(absl::StrJoin(app.networks(), ", ")));
    adw_action_row_add_prefix(row, NewAvatar(app.display_name(), kAvatarSize));
    adw_action_row_add_suffix(row, app.connection_count() > 0 ? NewPill(Tr("Connected"), "live")
                                                              : NewPill(Tr("Away"), "quiet"));
    GtkWidget* remove = NewButton(Tr("Remove…"), [] {});
    Connect(remove, "clicked", [this, remove, app] {
      Confirm(remove, FillIn(Tr("Remove $0?"), VisibleText(app.display_name())),
              Tr("It brings in no more messages. What it brought in stays. To come back it has to "
                 "ask you anew."),
              Tr("Yes, remove it"), [this, remove, principal = app.principal()] {
                Act(
                    around_, remove,
                    [principal](owner::Owner& owner) { return owner.RevokeApp(principal); },
                    Tr("It is out."));
              });
    });
    SetAccessibleName(remove, FillIn(Tr("Remove $0"), VisibleText(app.display_name())));
    gtk_widget_set_name(remove, absl::StrCat("remove ", app.principal()).c_str());
    adw_action_row_add_suffix(row, remove);
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (any) {
    gtk_box_append(lists_, GTK_WIDGET(group));
  } else {
    g_object_ref_sink(group);
    g_object_unref(group);
  }
}

void AppsPage::AddFormerApps() {
  const AccessPicture& access = *around_.model.access();
  // An app that is out leaves its grants behind. In order of name.
  std::map<std::string, std::string> former;
  for (const v1::OwnedGrant& owned : access.grants) {
    if (access.FindApp(owned.principal()) == nullptr) {
      former[owned.app_display_name() + owned.principal()] = owned.principal();
    }
  }
  if (former.empty()) return;
  AdwPreferencesGroup* group =
      NewGroup(Tr("Apps that are out"), Tr("They see nothing any more. What they saw, they have."));
  for (const auto& [key, principal] : former) {
    AdwActionRow* row = NewDoor(VisibleText(access.AppName(principal)), Tr("What did it see?"),
                                [this, whose = principal] { around_.open_view(whose, true); });
    adw_action_row_add_prefix(row, NewAvatar(access.AppName(principal), kAvatarSize));
    gtk_widget_set_name(GTK_WIDGET(row), principal.c_str());
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  gtk_box_append(lists_, GTK_WIDGET(group));
}

}  // namespace postern::settings
