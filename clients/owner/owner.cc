// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/owner.h"

#include <chrono>
#include <utility>

#include "clients/owner/owner_key.h"
#include "clients/sdk/client.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::owner {
namespace {

// Calls that look and narrow never wait for a person.
constexpr std::chrono::seconds kCallTimeout{10};
// Longer than any question of the broker's stays open, so that its answer is the broker's.
constexpr std::chrono::minutes kAnswerTimeout{15};
constexpr int kPageSize = 500;
// More pages than this is a broker that never ends its list.
constexpr int kPagesMax = 1000;

using OwnerStub = v1::OwnerService::Stub;

template <typename Request, typename Response>
using Method = grpc::Status (OwnerStub::*)(grpc::ClientContext*, const Request&, Response*);

template <typename Request, typename Response>
absl::StatusOr<Response> Call(sdk::Client& client, Method<Request, Response> method,
                              const Request& request, std::chrono::seconds timeout = kCallTimeout) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  Response response;
  const grpc::Status status = (*client.stubs().owner.*method)(&context, request, &response);
  if (!status.ok()) return sdk::ToStatus(status);
  return response;
}

// The same for a call that changes something.
template <typename Request, typename Response>
absl::StatusOr<Response> Change(sdk::Client& client, Method<Request, Response> method,
                                Request request, std::chrono::seconds timeout = kCallTimeout) {
  request.set_request_id(sdk::MakeRequestId());
  return Call(client, method, request, timeout);
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

}  // namespace

absl::StatusOr<std::unique_ptr<sdk::Client>> Owner::ConnectClient(const Paths& paths) {
  // Looked at before the keyring: where nothing runs, that is what the user needs to hear.
  RETURN_IF_ERROR(CheckSocketIsThere(paths));
  ASSIGN_OR_RETURN(const OwnerIdentity identity, ReadOwnerIdentity(paths));
  sdk::ClientOptions options;
  options.socket_path = paths.socket;
  options.broker_certificate_path = paths.broker_certificate;
  return sdk::Client::ConnectWithKey(identity.key_pem, identity.certificate_pem, options);
}

absl::StatusOr<std::unique_ptr<Owner>> Owner::Connect(const Paths& paths) {
  ASSIGN_OR_RETURN(auto client, ConnectClient(paths));
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

absl::StatusOr<std::vector<v1::SealedObject>> Owner::ListSeals() {
  return AllPages<v1::SealedObject>(*client_, &OwnerStub::ListSeals, v1::ListSealsRequest(),
                                    [](v1::ListSealsResponse& r) { return r.mutable_seals(); });
}

absl::StatusOr<std::vector<v1::ChatDisclosure>> Owner::ListDisclosures() {
  return AllPages<v1::ChatDisclosure>(
      *client_, &OwnerStub::ListDisclosures, v1::ListDisclosuresRequest(),
      [](v1::ListDisclosuresResponse& r) { return r.mutable_disclosures(); });
}

absl::StatusOr<std::vector<v1::AccessSummary>> Owner::SummarizeAccess(
    const v1::SummarizeAccessRequest& request) {
  ASSIGN_OR_RETURN(const v1::SummarizeAccessResponse response,
                   Call(*client_, &OwnerStub::SummarizeAccess, request));
  return std::vector<v1::AccessSummary>(response.summaries().begin(), response.summaries().end());
}

absl::StatusOr<v1::ListAccessHistoryResponse> Owner::ListAccessHistory(
    const v1::ListAccessHistoryRequest& request) {
  return Call(*client_, &OwnerStub::ListAccessHistory, request);
}

absl::StatusOr<v1::ViewAsAppResponse> Owner::ViewAsApp(const v1::ViewAsAppRequest& request) {
  return Call(*client_, &OwnerStub::ViewAsApp, request);
}

absl::StatusOr<v1::NarrowGrantResponse> Owner::NarrowGrant(v1::NarrowGrantRequest request) {
  return Change(*client_, &OwnerStub::NarrowGrant, std::move(request));
}

absl::StatusOr<v1::RevokeGrantResponse> Owner::RevokeGrant(const std::string& grant_id) {
  v1::RevokeGrantRequest request;
  request.set_grant_id(grant_id);
  return Change(*client_, &OwnerStub::RevokeGrant, std::move(request));
}

absl::StatusOr<v1::RevokeAppResponse> Owner::RevokeApp(const std::string& principal) {
  v1::RevokeAppRequest request;
  request.set_principal(principal);
  return Change(*client_, &OwnerStub::RevokeApp, std::move(request));
}

absl::StatusOr<v1::SuspendGrantResponse> Owner::SuspendGrant(const std::string& grant_id) {
  v1::SuspendGrantRequest request;
  request.set_grant_id(grant_id);
  return Change(*client_, &OwnerStub::SuspendGrant, std::move(request));
}

absl::StatusOr<v1::ResumeGrantResponse> Owner::ResumeGrant(const std::string& grant_id) {
  v1::ResumeGrantRequest request;
  request.set_grant_id(grant_id);
  return Change(*client_, &OwnerStub::ResumeGrant, std::move(request));
}

absl::StatusOr<v1::PauseResponse> Owner::Pause() {
  return Call(*client_, &OwnerStub::Pause, v1::PauseRequest());
}

absl::StatusOr<v1::ResumeResponse> Owner::Resume() {
  return Call(*client_, &OwnerStub::Resume, v1::ResumeRequest());
}

absl::StatusOr<v1::SealResponse> Owner::Seal(v1::SealRequest request) {
  return Change(*client_, &OwnerStub::Seal, std::move(request));
}

absl::StatusOr<v1::SetNoticePolicyResponse> Owner::SetNoticePolicy(const std::string& account_id,
                                                                   v1::NoticePolicy policy) {
  v1::SetNoticePolicyRequest request;
  request.set_account_id(account_id);
  request.set_policy(policy);
  return Change(*client_, &OwnerStub::SetNoticePolicy, std::move(request));
}

absl::StatusOr<v1::DismissNoticesResponse> Owner::DismissNotices(
    const std::vector<std::string>& ids) {
  v1::DismissNoticesRequest request;
  request.mutable_ids()->Assign(ids.begin(), ids.end());
  return Call(*client_, &OwnerStub::DismissNotices, request);
}

absl::StatusOr<v1::ExtendGrantResponse> Owner::ExtendGrant(const std::string& grant_id) {
  v1::ExtendGrantRequest request;
  request.set_grant_id(grant_id);
  return Change(*client_, &OwnerStub::ExtendGrant, std::move(request), kAnswerTimeout);
}

absl::StatusOr<v1::UnsealResponse> Owner::Unseal(v1::UnsealRequest request) {
  return Change(*client_, &OwnerStub::Unseal, std::move(request), kAnswerTimeout);
}

}  // namespace postern::owner
