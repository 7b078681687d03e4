// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/chat_page.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <string>
#include <utility>
#include <vector>

#include "clients/owner/grant_state.h"
#include "clients/owner/visible_text.h"
#include "clients/settings/grant_words.h"
#include "clients/settings/time_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {

using owner::VisibleText;

ChatPage::ChatPage(const Around& around) : around_(around), widget_(NewScroller(&column_)) {}

void ChatPage::Show(const std::string& chat_id) {
  chat_id_ = chat_id;
  Update();
}

std::string ChatPage::title() const {
  return around_.model.chats() == nullptr ? ""
                                          : VisibleText(around_.model.chats()->ChatName(chat_id_));
}

bool ChatPage::Update() {
  if (chat_id_.empty()) return true;
  if (around_.model.chats()->FindChat(chat_id_) == nullptr) {
    chat_id_.clear();
    return false;
  }
  Refill(column_, [this] { Fill(); });
  return true;
}

void ChatPage::Fill() {
  const ChatPicture& chats = *around_.model.chats();
  const v1::Chat& chat = *chats.FindChat(chat_id_);
  const v1::Account* account = chats.FindAccount(chat.account_id());
  GtkWidget* head = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
  gtk_box_append(GTK_BOX(head), NewLabel(VisibleText(chats.ChatName(chat_id_)), "title-1"));
  std::string about = chat.kind() == v1::CHAT_KIND_GROUP ? Tr("Group") : Tr("Between two people");
  if (account != nullptr) {
    about = FillIn(Tr("$0 on $1"), about,
                   VisibleText(account->display_name().empty() ? account->network()
                                                               : account->display_name()));
  }
  gtk_box_append(GTK_BOX(head), NewLabel(about, "dim-label"));
  gtk_box_append(column_, head);
  AddSeal();
  AddApps();
  AddTold();
}

void ChatPage::SetSeal(GtkWidget* pressed, v1::SealReach reach) {
  if (reach == v1::SEAL_REACH_UNSPECIFIED) {
    v1::UnsealRequest request;
    request.set_chat_id(chat_id_);
    Ask(
        around_, pressed, [request](owner::Owner& owner) { return owner.Unseal(request); },
        Tr("Postern asks you, in a window of its own."), Tr("It is open again."));
    return;
  }
  v1::SealRequest request;
  request.set_chat_id(chat_id_);
  request.set_reach(reach);
  Act(
      around_, pressed, [request](owner::Owner& owner) { return owner.Seal(request); },
      Tr("The chat is sealed."));
}

void ChatPage::AddSeal() {
  const v1::SealedObject* seal = around_.model.chats()->SealOf(chat_id_);
  v1::SealReach reach = v1::SEAL_REACH_UNSPECIFIED;
  if (seal != nullptr) {
    reach = seal->reach() == v1::SEAL_REACH_OFF_DEVICE ? v1::SEAL_REACH_OFF_DEVICE
                                                       : v1::SEAL_REACH_ALL_APPS;
  }
  AdwPreferencesGroup* group =
      NewGroup(Tr("Seal"), seal != nullptr && seal->objected()
                               ? Tr("Somebody in this chat asked that apps do not read it. Opening "
                                    "it tells them so.")
                               : Tr("A sealed chat stays closed whatever apps were allowed."));
  struct Choice {
    v1::SealReach reach;
    const char* title;
    const char* subtitle;
  };
  const Choice choices[] = {
      {v1::SEAL_REACH_UNSPECIFIED, Tr("Open, as allowed"), ""},
      {v1::SEAL_REACH_OFF_DEVICE, Tr("Sealed to apps that take text off this device"),
       Tr("They get a mark in place of each message.")},
      {v1::SEAL_REACH_ALL_APPS, Tr("Sealed to every app"), Tr("As if the chat were not there.")}};
  std::vector<std::pair<GtkCheckButton*, v1::SealReach>> checks;
  for (const Choice& choice : choices) {
    GtkCheckButton* check =
        AddCheckRow(group, choice.title, choice.subtitle, choice.reach == reach);
    if (!checks.empty()) gtk_check_button_set_group(check, checks.front().first);
    gtk_widget_set_name(GTK_WIDGET(check), absl::StrCat("seal ", choice.reach).c_str());
    checks.emplace_back(check, choice.reach);
  }
  // Connected once all are one group and one is ticked: only what the person does is heard.
  for (const auto& [check, chosen] : checks) {
    Connect(check, "toggled", [this, button = check, reach = chosen] {
      if (gtk_check_button_get_active(button)) SetSeal(GTK_WIDGET(button), reach);
    });
  }
  gtk_box_append(column_, GTK_WIDGET(group));
}

void ChatPage::AddApps() {
  const AccessPicture& access = *around_.model.access();
  const ChatPicture& chats = *around_.model.chats();
  const v1::Chat& chat = *chats.FindChat(chat_id_);
  AdwPreferencesGroup* group = NewGroup(Tr("Apps that were allowed this chat"));
  bool any = false;
  for (const v1::OwnedGrant& owned : access.grants) {
    if (owner::HasEnded(owned.grant())) continue;
    if (!Covers(owned.grant().selection(), chat, chats.FindAccount(chat.account_id()))) continue;
    any = true;
    AddApp(owned, group);
  }
  if (!any) {
    adw_preferences_group_add(group, GTK_WIDGET(NewRow(Tr("No app sees this chat"))));
  }
  gtk_box_append(column_, GTK_WIDGET(group));
}

void ChatPage::AddApp(const v1::OwnedGrant& owned, AdwPreferencesGroup* group) {
  const v1::Grant& grant = owned.grant();
  const std::string name = VisibleText(owned.app_display_name());
  std::string words = absl::StrCat(ScopesWords(grant, grant.scopes_size()), "\n",
                                   ValidityWords(grant.validity(), absl::Now()));
  AdwActionRow* row = NewRow(name, words);
  gtk_widget_set_name(GTK_WIDGET(row), absl::StrCat("app ", grant.id()).c_str());
  const v1::App* app = around_.model.access()->FindApp(owned.principal());
  if (app != nullptr && app->data_destination().kind() == v1::DataDestination::KIND_LEAVES_DEVICE) {
    adw_action_row_add_suffix(row, NewPill(Tr("Leaves device"), "away"));
  }
  if (grant.state() == v1::Grant::STATE_SUSPENDED) {
    adw_action_row_add_suffix(row, NewPill(StateWords(grant.state()), "quiet"));
  }
  GtkWidget* take_out = NewButton(Tr("Take out"), [] {});
  SetAccessibleName(take_out, FillIn(Tr("Take this chat from $0"), name));
  gtk_widget_set_name(take_out, absl::StrCat("take out ", grant.id()).c_str());
  Connect(take_out, "clicked", [this, take_out, name, id = grant.id()] {
    v1::NarrowGrantRequest request;
    request.set_grant_id(id);
    request.add_remove_chat_ids(chat_id_);
    Act(
        around_, take_out, [request](owner::Owner& owner) { return owner.NarrowGrant(request); },
        FillIn(Tr("$0 no longer sees this chat."), name));
  });
  adw_action_row_add_suffix(row, take_out);
  gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
  Connect(row, "activated", [this, principal = owned.principal()] { around_.open_app(principal); });
  adw_preferences_group_add(group, GTK_WIDGET(row));
}

void ChatPage::AddTold() {
  const v1::ChatDisclosure* disclosure = around_.model.chats()->DisclosureOf(chat_id_);
  if (disclosure == nullptr) return;
  AdwPreferencesGroup* group = NewGroup(Tr("Telling the other people"));
  adw_preferences_group_add(
      group, GTK_WIDGET(NewRow(disclosure->notice_posted()
                                   ? Tr("They were told which apps can see this chat")
                                   : Tr("They were not told of this"),
                               FillIn(Tr("They are told: $0. This is set for the whole account."),
                                      NoticePolicyWords(disclosure->notice_policy())))));
  gtk_box_append(column_, GTK_WIDGET(group));
}

}  // namespace postern::settings
