// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/owner.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>

#include "clients/postern/owner_key.h"
#include "clients/postern/pick.h"
#include "clients/sdk/client.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

// Owner calls look and narrow, and never wait for a person.
constexpr std::chrono::seconds kCallTimeout{10};
constexpr int kPageSize = 500;
// More pages than this is a broker that never ends its list.
constexpr int kPagesMax = 1000;

using OwnerStub = v1::OwnerService::Stub;

template <typename Request, typename Response>
using Method = grpc::Status (OwnerStub::*)(grpc::ClientContext*, const Request&, Response*);

template <typename Request, typename Response>
absl::StatusOr<Response> Call(sdk::Client& client, Method<Request, Response> method,
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  Response response;
  const grpc::Status status = (*client.stubs().owner.*method)(&context, request, &response);
  if (!status.ok()) return sdk::ToStatus(status);
  return response;
}

// 'items_of' takes the repeated field out of a response.
template <typename Item, typename Request, typename Response, typename ItemsOf>
absl::StatusOr<std::vector<Item>> AllPages(sdk::Client& client, Method<Request, Response> method,
                                           Request request, ItemsOf items_of) {
  std::vector<Item> all;
  request.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    ASSIGN_OR_RETURN(Response response, Call(client, method, request));
    for (Item& item : *items_of(response)) all.push_back(std::move(item));
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  return all;
}

absl::StatusOr<v1::App> PickApp(const std::vector<v1::App>& apps, const std::string& text,
                                const std::string& what) {
  std::vector<Candidate> candidates;
  for (const v1::App& app : apps) {
    candidates.push_back({app.principal(), {app.display_name(), app.app_id(), app.claimed_name()}});
  }
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, what));
  return apps[index];
}

}  // namespace

absl::StatusOr<std::unique_ptr<Owner>> Owner::Connect(const Paths& paths) {
  // Looked at before the keyring: where nothing runs, that is what the user needs to hear.
  RETURN_IF_ERROR(CheckSocketIsThere(paths));
  ASSIGN_OR_RETURN(const OwnerIdentity identity, ReadOwnerIdentity(paths));
  sdk::ClientOptions options;
  options.socket_path = paths.socket;
  options.broker_certificate_path = paths.broker_certificate;
  ASSIGN_OR_RETURN(auto client, sdk::Client::ConnectWithKey(identity.key_pem,
                                                            identity.certificate_pem, options));
  return std::unique_ptr<Owner>(new Owner(std::move(client)));
}

Owner::Owner(std::unique_ptr<sdk::Client> client) : client_(std::move(client)) {}
Owner::~Owner() = default;

absl::StatusOr<v1::GetStatusResponse> Owner::GetStatus() {
  return Call(*client_, &OwnerStub::GetStatus, v1::GetStatusRequest());
}

absl::StatusOr<std::vector<v1::App>> Owner::ListApps() {
  return AllPages<v1::App>(*client_, &OwnerStub::ListApps, v1::ListAppsRequest(),
                           [](v1::ListAppsResponse& r) { return r.mutable_apps(); });
}

absl::StatusOr<std::vector<v1::OwnedGrant>> Owner::ListGrants(bool include_ended) {
  v1::ListGrantsRequest request;
  request.set_include_ended(include_ended);
  return AllPages<v1::OwnedGrant>(*client_, &OwnerStub::ListGrants, request,
                                  [](v1::ListGrantsResponse& r) { return r.mutable_grants(); });
}

absl::StatusOr<std::vector<v1::Chat>> Owner::ListChats() {
  return AllPages<v1::Chat>(*client_, &OwnerStub::ListOwnedChats, v1::ListOwnedChatsRequest(),
                            [](v1::ListOwnedChatsResponse& r) { return r.mutable_chats(); });
}

absl::StatusOr<std::vector<v1::Account>> Owner::ListAccounts() {
  return AllPages<v1::Account>(
      *client_, &OwnerStub::ListOwnedAccounts, v1::ListOwnedAccountsRequest(),
      [](v1::ListOwnedAccountsResponse& r) { return r.mutable_accounts(); });
}

absl::StatusOr<v1::NarrowGrantResponse> Owner::NarrowGrant(v1::NarrowGrantRequest request) {
  request.set_request_id(sdk::MakeRequestId());
  return Call(*client_, &OwnerStub::NarrowGrant, request);
}

absl::StatusOr<v1::RevokeGrantResponse> Owner::RevokeGrant(const std::string& grant_id) {
  v1::RevokeGrantRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_grant_id(grant_id);
  return Call(*client_, &OwnerStub::RevokeGrant, request);
}

absl::StatusOr<v1::RevokeAppResponse> Owner::RevokeApp(const std::string& principal) {
  v1::RevokeAppRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_principal(principal);
  return Call(*client_, &OwnerStub::RevokeApp, request);
}

absl::StatusOr<v1::SuspendGrantResponse> Owner::SuspendGrant(const std::string& grant_id) {
  v1::SuspendGrantRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_grant_id(grant_id);
  return Call(*client_, &OwnerStub::SuspendGrant, request);
}

absl::StatusOr<v1::ResumeGrantResponse> Owner::ResumeGrant(const std::string& grant_id) {
  v1::ResumeGrantRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_grant_id(grant_id);
  return Call(*client_, &OwnerStub::ResumeGrant, request);
}

absl::StatusOr<v1::PauseResponse> Owner::Pause() {
  return Call(*client_, &OwnerStub::Pause, v1::PauseRequest());
}

absl::StatusOr<v1::ResumeResponse> Owner::Resume() {
  return Call(*client_, &OwnerStub::Resume, v1::ResumeRequest());
}

absl::StatusOr<v1::App> Owner::FindApp(const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<v1::App> apps, ListApps());
  return PickApp(apps, text, "app");
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
