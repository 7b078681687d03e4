// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/owner.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "clients/postern/pick.h"
#include "clients/sdk/client.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

// Those from 'former' on are out.
absl::StatusOr<v1::App> PickApp(const std::vector<v1::App>& apps, const std::string& text,
                                const std::string& what, size_t former = SIZE_MAX) {
  std::vector<Candidate> candidates;
  for (const v1::App& app : apps) {
    candidates.push_back({app.principal(),
                          {app.display_name(), app.app_id(), app.claimed_name()},
                          candidates.size() >= former});
  }
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, what));
  return apps[index];
}

// Adds the apps that are out, as far as grants of theirs tell of them.
absl::Status AddFormer(Owner& owner, std::vector<v1::App>& apps) {
  ASSIGN_OR_RETURN(const std::vector<v1::OwnedGrant> grants, owner.ListGrants(true));
  std::set<std::string> known;
  for (const v1::App& app : apps) known.insert(app.principal());
  for (const v1::OwnedGrant& grant : grants) {
    if (!known.insert(grant.principal()).second) continue;
    v1::App& app = apps.emplace_back();
    app.set_principal(grant.principal());
    app.set_display_name(grant.app_display_name());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Owner>> Owner::Connect(const owner::Paths& paths) {
  ASSIGN_OR_RETURN(auto client, ConnectClient(paths));
  return std::unique_ptr<Owner>(new Owner(std::move(client)));
}

absl::StatusOr<v1::App> Owner::FindApp(const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<v1::App> apps, ListApps());
  return PickApp(apps, text, "app");
}

absl::StatusOr<v1::App> Owner::FindAnyApp(const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<v1::App> apps, ListApps());
  RETURN_IF_ERROR(AddFormer(*this, apps));
  return PickApp(apps, text, "app");
}

absl::StatusOr<v1::App> Owner::FindViewedApp(const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<v1::App> apps, ListApps());
  std::erase_if(apps, [](const v1::App& app) { return app.role() != v1::ROLE_APP; });
  const size_t former = apps.size();
  RETURN_IF_ERROR(AddFormer(*this, apps));
  return PickApp(apps, text, "app", former);
}

absl::StatusOr<v1::Chat> Owner::FindChat(const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<v1::Chat> chats, ListChats());
  std::vector<Candidate> candidates;
  for (const v1::Chat& chat : chats) candidates.push_back({chat.id(), {chat.name()}});
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "chat"));
  return std::move(chats[index]);
}

absl::StatusOr<v1::App> Owner::FindHolder(const std::string& text,
                                          const std::vector<v1::OwnedGrant>& grants) {
  ASSIGN_OR_RETURN(std::vector<v1::App> apps, ListApps());
  std::erase_if(apps, [&](const v1::App& app) {
    return std::none_of(grants.begin(), grants.end(), [&](const v1::OwnedGrant& grant) {
      return grant.principal() == app.principal();
    });
  });
  return PickApp(apps, text, "app that holds a grant");
}

absl::StatusOr<v1::OwnedGrant> Owner::FindGrant(const std::string& text) {
  ASSIGN_OR_RETURN(std::vector<v1::OwnedGrant> grants, ListGrants(true));
  std::vector<Candidate> candidates;
  // By id only: an app may hold several grants, and the commands that mean all of them say --app.
  for (const v1::OwnedGrant& grant : grants) candidates.push_back({grant.grant().id(), {}});
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "grant"));
  return std::move(grants[index]);
}

}  // namespace postern::cli
