// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/snapshot.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/repeated_field.h>

#include <algorithm>

#include "clients/owner/grant_state.h"
#include "clients/settings/translation.h"
#include "platform/status_macros.h"

namespace postern::settings {
namespace {

template <typename Item, typename Matches>
const Item* Find(const std::vector<Item>& items, Matches matches) {
  const auto place = std::find_if(items.begin(), items.end(), matches);
  return place == items.end() ? nullptr : &*place;
}

template <typename Item>
void Append(const std::vector<Item>& items, std::string& text) {
  for (const Item& item : items) absl::StrAppend(&text, item.SerializeAsString(), "\n");
  absl::StrAppend(&text, "\f");
}

bool Names(const google::protobuf::RepeatedPtrField<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

const v1::AppErasure* AccessPicture::ErasureOf(const std::string& principal) const {
  return Find(erasures,
              [&](const v1::AppErasure& erasure) { return erasure.principal() == principal; });
}

const v1::App* AccessPicture::FindApp(const std::string& principal) const {
  return Find(apps, [&](const v1::App& app) { return app.principal() == principal; });
}

std::string AccessPicture::AppName(const std::string& principal) const {
  if (const v1::App* app = FindApp(principal)) return app->display_name();
  const auto* grant =
      Find(grants, [&](const v1::OwnedGrant& owned) { return owned.principal() == principal; });
  return grant == nullptr ? Tr("An unknown app") : grant->app_display_name();
}

std::vector<const v1::OwnedGrant*> AccessPicture::GrantsOf(const std::string& principal,
                                                           bool ended) const {
  std::vector<const v1::OwnedGrant*> found;
  for (const v1::OwnedGrant& grant : grants) {
    if (grant.principal() == principal && owner::HasEnded(grant.grant()) == ended)
      found.push_back(&grant);
  }
  return found;
}

std::string AccessPicture::Fingerprint() const {
  // The rest moves all the time, and nobody is shown it.
  v1::GetStatusResponse shown;
  shown.set_paused(status.paused());
  *shown.mutable_warnings() = status.warnings();
  *shown.mutable_notices() = status.notices();
  std::string text = absl::StrCat(shown.SerializeAsString(), "\f");
  for (v1::App app : apps) {
    // It is in use now, or was last at some time.
    if (app.connection_count() > 0) {
      app.set_connection_count(1);
      if (!status.paused()) app.clear_last_seen_time();
    }
    absl::StrAppend(&text, app.SerializeAsString(), "\n");
  }
  absl::StrAppend(&text, "\f");
  for (v1::OwnedGrant owned : grants) {
    owned.clear_last_use_time();
    absl::StrAppend(&text, owned.SerializeAsString(), "\n");
  }
  absl::StrAppend(&text, "\f");
  Append(erasures, text);
  return text;
}

const v1::Account* ChatPicture::FindAccount(const std::string& id) const {
  return Find(accounts, [&](const v1::Account& account) { return account.id() == id; });
}

const v1::Chat* ChatPicture::FindChat(const std::string& id) const {
  return Find(chats, [&](const v1::Chat& chat) { return chat.id() == id; });
}

std::string ChatPicture::ChatName(const std::string& id) const {
  const v1::Chat* chat = FindChat(id);
  return chat == nullptr || chat->name().empty() ? Tr("A chat without a name") : chat->name();
}

const v1::SealedObject* ChatPicture::SealOf(const std::string& chat_id) const {
  return Find(seals, [&](const v1::SealedObject& seal) { return seal.chat_id() == chat_id; });
}

const v1::ChatDisclosure* ChatPicture::DisclosureOf(const std::string& chat_id) const {
  return Find(disclosures,
              [&](const v1::ChatDisclosure& shown) { return shown.chat_id() == chat_id; });
}

std::string ChatPicture::Fingerprint() const {
  std::string text;
  Append(accounts, text);
  for (const auto& [account, policy] : policies) absl::StrAppend(&text, account, " ", policy, "\n");
  for (const v1::Chat& chat : chats) {
    absl::StrAppend(&text, chat.id(), " ", chat.name(), " ", chat.account_id(), "\n");
  }
  absl::StrAppend(&text, "\f");
  Append(seals, text);
  Append(disclosures, text);
  return text;
}

absl::StatusOr<AccessPicture> LookAtAccess(owner::Owner& owner) {
  AccessPicture picture;
  ASSIGN_OR_RETURN(picture.status, owner.GetStatus());
  ASSIGN_OR_RETURN(picture.apps, owner.ListApps());
  ASSIGN_OR_RETURN(picture.grants, owner.ListGrants(true));
  ASSIGN_OR_RETURN(picture.erasures, owner.ListErasures());
  return picture;
}

absl::StatusOr<ChatPicture> LookAtChats(owner::Owner& owner) {
  ChatPicture picture;
  ASSIGN_OR_RETURN(picture.accounts, owner.ListAccounts(&picture.policies));
  ASSIGN_OR_RETURN(picture.chats, owner.ListChats());
  ASSIGN_OR_RETURN(picture.seals, owner.ListSeals());
  ASSIGN_OR_RETURN(picture.disclosures, owner.ListDisclosures());
  return picture;
}

bool Covers(const v1::Selection& selection, const v1::Chat& chat, const v1::Account* account) {
  const bool of_account = Names(selection.account_ids(), chat.account_id()) ||
                          (account != nullptr && Names(selection.networks(), account->network()));
  if (!of_account || Names(selection.excluded_chat_ids(), chat.id())) return false;
  if (selection.chat_choice() != v1::Selection::CHAT_CHOICE_ALL_AND_NEW &&
      !Names(selection.included_chat_ids(), chat.id())) {
    return false;
  }
  switch (selection.chat_kinds()) {
    case v1::Selection::CHAT_KINDS_DIRECT:
      return chat.kind() == v1::CHAT_KIND_DIRECT;
    case v1::Selection::CHAT_KINDS_GROUP:
      return chat.kind() == v1::CHAT_KIND_GROUP;
    default:
      return true;
  }
}

}  // namespace postern::settings
