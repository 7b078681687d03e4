// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/chats_page.h"

#include <absl/strings/str_cat.h>

#include <vector>

#include "clients/owner/visible_text.h"
#include "clients/settings/grant_words.h"
#include "clients/settings/translation.h"
#include "clients/settings/widgets.h"

namespace postern::settings {
namespace {

using owner::VisibleText;

// Apps beyond this many are counted, not named.
constexpr size_t kAppsNamedMax = 3;

GtkBox* NewBox() { return GTK_BOX(gtk_box_new(GTK_ORIENTATION_VERTICAL, 0)); }

std::string Folded(const std::string& text) {
  char* folded = g_utf8_casefold(text.c_str(), static_cast<gssize>(text.size()));
  std::string result = folded;
  g_free(folded);
  return result;
}

// Who sees it, in one line.
std::string SeenByWords(const v1::ChatDisclosure* disclosure) {
  if (disclosure == nullptr || disclosure->apps().empty()) return Tr("No app sees this chat");
  std::vector<std::string> names;
  for (const v1::DisclosedApp& app : disclosure->apps()) names.push_back(app.display_name());
  return FillIn(Tr("Seen by $0"), ListWords(names, kAppsNamedMax));
}

}  // namespace

ChatsPage::ChatsPage(const Around& around)
    : around_(around),
      widget_(NewScroller(&column_)),
      search_(gtk_search_entry_new()),
      chats_box_(NewBox()),
      people_box_(NewBox()),
      accounts_box_(NewBox()) {
  SetAccessibleName(search_, Tr("Find a chat"));
  g_object_set(search_, "placeholder-text", Tr("Find a chat"), nullptr);
  Connect(search_, "search-changed", [this] {
    sought_ = Folded(gtk_editable_get_text(GTK_EDITABLE(search_)));
    if (around_.model.chats() != nullptr) Refill(chats_box_, [this] { FillChats(); });
  });
  gtk_box_append(column_, search_);
  gtk_box_append(column_, GTK_WIDGET(chats_box_));
  gtk_box_append(column_, GTK_WIDGET(people_box_));
  gtk_box_append(column_, GTK_WIDGET(accounts_box_));
}

void ChatsPage::Update() {
  const ChatPicture* chats = around_.model.chats();
  gtk_widget_set_visible(search_, chats != nullptr && !chats->chats.empty());
  if (chats == nullptr) {
    Refill(chats_box_, [this] { gtk_box_append(chats_box_, NewBusyPage()); });
    return;
  }
  Refill(chats_box_, [this] { FillChats(); });
  Refill(people_box_, [this] { FillSealedPeople(); });
  Refill(accounts_box_, [this] { FillAccounts(); });
}

void ChatsPage::FillChats() {
  const ChatPicture& chats = *around_.model.chats();
  if (chats.chats.empty()) {
    gtk_box_append(chats_box_,
                   NewStatusPage("user-available-symbolic", Tr("No chats yet"),
                                 Tr("They appear once a messaging client has brought them in.")));
    return;
  }
  AdwPreferencesGroup* group = NewGroup(Tr("Chats"));
  size_t rows = 0;
  size_t more = 0;
  for (const v1::Chat& chat : chats.chats) {
    const std::string name = chats.ChatName(chat.id());
    if (!sought_.empty() && Folded(name).find(sought_) == std::string::npos) continue;
    if (rows == kRowsMax) {
      ++more;
      continue;
    }
    ++rows;
    const v1::ChatDisclosure* disclosure = chats.DisclosureOf(chat.id());
    const v1::SealedObject* seal = chats.SealOf(chat.id());
    AdwActionRow* row = NewRow(VisibleText(name), SeenByWords(disclosure));
    adw_action_row_add_prefix(row, gtk_image_new_from_icon_name(chat.kind() == v1::CHAT_KIND_GROUP
                                                                    ? "system-users-symbolic"
                                                                    : "avatar-default-symbolic"));
    if (seal != nullptr) {
      adw_action_row_add_suffix(row, NewPill(Tr("Sealed"), "quiet"));
    } else if (disclosure != nullptr && disclosure->leaves_device()) {
      adw_action_row_add_suffix(row, NewPill(Tr("Leaves device"), "away"));
    }
    adw_action_row_add_suffix(row, gtk_image_new_from_icon_name("go-next-symbolic"));
    gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
    gtk_widget_set_name(GTK_WIDGET(row), chat.id().c_str());
    Connect(row, "activated", [this, id = chat.id()] { around_.open_chat(id); });
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (rows == 0) {
    adw_preferences_group_add(group, GTK_WIDGET(NewRow(Tr("No chat is called that"))));
  }
  if (more > 0) {
    adw_preferences_group_add(
        group, GTK_WIDGET(NewRow(FillIn(TrCount("$0 more chat", "$0 more chats", more), more),
                                 Tr("Find it by a part of its name."))));
  }
  gtk_box_append(chats_box_, GTK_WIDGET(group));
}

void ChatsPage::FillSealedPeople() {
  AdwPreferencesGroup* group =
      NewGroup(Tr("Sealed people"), Tr("What they write reaches no app, or none that takes it off "
                                       "this device."));
  bool any = false;
  for (const v1::SealedObject& seal : around_.model.chats()->seals) {
    if (seal.contact_id().empty()) continue;
    any = true;
    AdwActionRow* row =
        NewRow(VisibleText(seal.name()), seal.objected() ? Tr("They asked for it themselves")
                                         : seal.reach() == v1::SEAL_REACH_OFF_DEVICE
                                             ? Tr("To apps that take text off this device")
                                             : Tr("To every app"));
    GtkWidget* open = NewButton(Tr("Open again…"), [] {});
    SetAccessibleName(open, FillIn(Tr("Open $0 again"), VisibleText(seal.name())));
    gtk_widget_set_name(open, absl::StrCat("unseal ", seal.contact_id()).c_str());
    Connect(open, "clicked", [this, open, id = seal.contact_id()] {
      v1::UnsealRequest request;
      request.set_contact_id(id);
      Ask(
          around_, open, [request](owner::Owner& owner) { return owner.Unseal(request); },
          Tr("Postern asks you, in a window of its own."), Tr("It is open again."));
    });
    adw_action_row_add_suffix(row, open);
    adw_preferences_group_add(group, GTK_WIDGET(row));
  }
  if (any) {
    gtk_box_append(people_box_, GTK_WIDGET(group));
  } else {
    g_object_ref_sink(group);
    g_object_unref(group);
  }
}

void ChatsPage::FillAccounts() {
  const ChatPicture& chats = *around_.model.chats();
  if (chats.accounts.empty()) return;
  AdwPreferencesGroup* group =
      NewGroup(Tr("Telling the other people"),
               Tr("A short notice in the chat says which apps can see it, and how to object."));
  static constexpr v1::NoticePolicy kPolicies[] = {
      v1::NOTICE_POLICY_OFF, v1::NOTICE_POLICY_WHEN_LEAVING, v1::NOTICE_POLICY_ALWAYS};
  std::vector<std::string> texts;
  for (const v1::NoticePolicy policy : kPolicies) texts.push_back(NoticePolicyWords(policy));
  for (const v1::Account& account : chats.accounts) {
    const auto known = chats.policies.find(account.id());
    const v1::NoticePolicy policy =
        known == chats.policies.end() ? v1::NOTICE_POLICY_WHEN_LEAVING : known->second;
    const std::string title =
        VisibleText(account.display_name().empty() ? account.network() : account.display_name());
    AdwComboRow* row = AddComboRow(group, title, texts, static_cast<guint>(policy) - 1);
    adw_action_row_set_subtitle(ADW_ACTION_ROW(row), VisibleText(account.network()).c_str());
    gtk_widget_set_name(GTK_WIDGET(row), absl::StrCat("policy ", account.id()).c_str());
    Connect(row, "notify::selected", [this, row, id = account.id()] {
      const guint chosen = adw_combo_row_get_selected(row);
      if (chosen >= std::size(kPolicies)) return;
      Act(
          around_, GTK_WIDGET(row),
          [id, policy = kPolicies[chosen]](owner::Owner& owner) {
            return owner.SetNoticePolicy(id, policy);
          },
          Tr("From now on it is done so."));
    });
  }
  gtk_box_append(accounts_box_, GTK_WIDGET(group));
}

}  // namespace postern::settings
