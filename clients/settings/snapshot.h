// SPDX-License-Identifier: Apache-2.0
// What the broker said when it was last looked at. Plain values.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <vector>

#include "clients/owner/owner.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::settings {

// What changes while one looks: read often.
struct AccessPicture {
  v1::GetStatusResponse status;
  std::vector<v1::App> apps;
  // Ended ones too.
  std::vector<v1::OwnedGrant> grants;
  std::vector<v1::AppErasure> erasures;

  // Null when the app was never asked to erase anything.
  const v1::AppErasure* ErasureOf(const std::string& principal) const;
  const v1::App* FindApp(const std::string& principal) const;
  // The name of an app, also of one that is out.
  std::string AppName(const std::string& principal) const;
  // Of one app; 'ended' ones or those that stand.
  std::vector<const v1::OwnedGrant*> GrantsOf(const std::string& principal, bool ended) const;
  // Equal exactly when everything that the window shows of it is equal.
  std::string Fingerprint() const;
};

// What changes seldom and can be large.
struct ChatPicture {
  std::vector<v1::Account> accounts;
  // When the other people are told, by the account's id.
  std::map<std::string, v1::NoticePolicy> policies;
  std::vector<v1::Chat> chats;
  std::vector<v1::SealedObject> seals;
  std::vector<v1::ChatDisclosure> disclosures;

  const v1::Account* FindAccount(const std::string& id) const;
  const v1::Chat* FindChat(const std::string& id) const;
  // The name of a chat, or words for one that has none.
  std::string ChatName(const std::string& id) const;
  const v1::SealedObject* SealOf(const std::string& chat_id) const;
  const v1::ChatDisclosure* DisclosureOf(const std::string& chat_id) const;
  std::string Fingerprint() const;
};

// Block; errors as the owner's calls.
absl::StatusOr<AccessPicture> LookAtAccess(owner::Owner& owner);
absl::StatusOr<ChatPicture> LookAtChats(owner::Owner& owner);

// Whether a grant's selection covers a chat, as far as the owner's tools can tell: its account or
// network, its kind, and the lists. Seals are not looked at.
bool Covers(const v1::Selection& selection, const v1::Chat& chat, const v1::Account* account);

}  // namespace postern::settings
