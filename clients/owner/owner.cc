// SPDX-License-Identifier: Apache-2.0
#include "clients/owner/owner.h"

#include <chrono>
#include <set>
#include <utility>

#include "clients/owner/owner_key.h"
#include "clients/sdk/client.h"
#include "clients/sdk/file_transfer.h"
#include "clients/sdk/stubs.h"
#include "platform/mutex.h"
#include "platform/status_macros.h"

namespace postern::owner {
namespace {

// Calls that look and narrow never wait for a person.
constexpr std::chrono::seconds kCallTimeout{10};
// Longer than any question of the broker's stays open, so that its answer is the broker's.
constexpr std::chrono::minutes kAnswerTimeout{15};
// A million records a second are checked, on a slow disk a tenth of that.
constexpr std::chrono::minutes kVerifyTimeout{10};
constexpr int kPageSize = 500;
// More pages than this is a broker that never ends its list.
constexpr int kPagesMax = 1000;

using OwnerStub = v1::OwnerService::Stub;

template <typename Request, typename Response>
using Method = grpc::Status (OwnerStub::*)(grpc::ClientContext*, const Request&, Response*);

}  // namespace

// The connection, and the calls that are under way on it.
class Owner::Calls {
 public:
  explicit Calls(std::unique_ptr<sdk::Client> client) : client_(std::move(client)) {}

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request,
                                std::chrono::seconds timeout = kCallTimeout) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    {
      platform::MutexLock lock(mutex_);
      running_.insert(&context);
    }
    Response response;
    const grpc::Status status = (*client_->stubs().owner.*method)(&context, request, &response);
    {
      platform::MutexLock lock(mutex_);
      running_.erase(&context);
    }
    if (!status.ok()) return sdk::ToStatus(status);
    return response;
  }

  // The same for a call that changes something.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Change(Method<Request, Response> method, Request request,
                                  std::chrono::seconds timeout = kCallTimeout) {
    request.set_request_id(sdk::MakeRequestId());
    return Call(method, request, timeout);
  }

  // 'items_of' takes the repeated field out of a response.
  template <typename Item, typename Request, typename Response, typename ItemsOf>
  absl::StatusOr<std::vector<Item>> AllPages(Method<Request, Response> method, Request request,
                                             ItemsOf items_of,
                                             std::chrono::seconds timeout = kCallTimeout) {
    std::vector<Item> all;
    request.set_page_size(kPageSize);
    for (int page = 0; page < kPagesMax; ++page) {
      ASSIGN_OR_RETURN(Response response, Call(method, request, timeout));
      for (Item& item : *items_of(response)) all.push_back(std::move(item));
      if (response.next_page_token().empty()) break;
      request.set_page_token(response.next_page_token());
    }
    return all;
  }

  sdk::Stubs& stubs() { return client_->stubs(); }

  void Cancel() {
    platform::MutexLock lock(mutex_);
    for (grpc::ClientContext* context : running_) context->TryCancel();
  }

 private:
  const std::unique_ptr<sdk::Client> client_;
  platform::Mutex mutex_;
  std::set<grpc::ClientContext*> running_ ABSL_GUARDED_BY(mutex_);
};

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

Owner::Owner(std::unique_ptr<sdk::Client> client)
    : calls_(std::make_unique<Calls>(std::move(client))) {}
Owner::~Owner() = default;

void Owner::CancelCalls() { calls_->Cancel(); }

absl::StatusOr<v1::GetStatusResponse> Owner::GetStatus() {
  return calls_->Call(&OwnerStub::GetStatus, v1::GetStatusRequest());
}

absl::StatusOr<std::vector<v1::App>> Owner::ListApps() {
  return calls_->AllPages<v1::App>(&OwnerStub::ListApps, v1::ListAppsRequest(),
                                   [](v1::ListAppsResponse& r) { return r.mutable_apps(); });
}

absl::StatusOr<std::vector<v1::OwnedGrant>> Owner::ListGrants(bool include_ended) {
  v1::ListGrantsRequest request;
  request.set_include_ended(include_ended);
  return calls_->AllPages<v1::OwnedGrant>(
      &OwnerStub::ListGrants, request,
      [](v1::ListGrantsResponse& r) { return r.mutable_grants(); });
}

absl::StatusOr<std::vector<v1::Chat>> Owner::ListChats() {
  return calls_->AllPages<v1::Chat>(
      &OwnerStub::ListOwnedChats, v1::ListOwnedChatsRequest(),
      [](v1::ListOwnedChatsResponse& r) { return r.mutable_chats(); });
}

absl::StatusOr<std::vector<v1::Account>> Owner::ListAccounts(NoticePolicies* policies) {
  return calls_->AllPages<v1::Account>(&OwnerStub::ListOwnedAccounts,
                                       v1::ListOwnedAccountsRequest(),
                                       [policies](v1::ListOwnedAccountsResponse& r) {
                                         if (policies != nullptr) {
                                           for (const auto& [id, policy] : r.notice_policies())
                                             (*policies)[id] = policy;
                                         }
                                         return r.mutable_accounts();
                                       });
}

absl::StatusOr<std::vector<v1::Contact>> Owner::ListContacts() {
  return calls_->AllPages<v1::Contact>(
      &OwnerStub::ListOwnedContacts, v1::ListOwnedContactsRequest(),
      [](v1::ListOwnedContactsResponse& r) { return r.mutable_contacts(); }, kAnswerTimeout);
}

absl::StatusOr<std::vector<v1::SealedObject>> Owner::ListSeals() {
  return calls_->AllPages<v1::SealedObject>(
      &OwnerStub::ListSeals, v1::ListSealsRequest(),
      [](v1::ListSealsResponse& r) { return r.mutable_seals(); });
}

absl::StatusOr<std::vector<v1::AppErasure>> Owner::ListErasures() {
  return calls_->AllPages<v1::AppErasure>(
      &OwnerStub::ListErasures, v1::ListErasuresRequest(),
      [](v1::ListErasuresResponse& r) { return r.mutable_erasures(); });
}

absl::StatusOr<std::vector<v1::ChatDisclosure>> Owner::ListDisclosures() {
  return calls_->AllPages<v1::ChatDisclosure>(
      &OwnerStub::ListDisclosures, v1::ListDisclosuresRequest(),
      [](v1::ListDisclosuresResponse& r) { return r.mutable_disclosures(); });
}

absl::StatusOr<std::vector<v1::AccessSummary>> Owner::SummarizeAccess(
    const v1::SummarizeAccessRequest& request) {
  ASSIGN_OR_RETURN(const v1::SummarizeAccessResponse response,
                   calls_->Call(&OwnerStub::SummarizeAccess, request));
  return std::vector<v1::AccessSummary>(response.summaries().begin(), response.summaries().end());
}

absl::StatusOr<v1::VerifyResponse> Owner::Verify() {
  return calls_->Call(&OwnerStub::Verify, v1::VerifyRequest(), kVerifyTimeout);
}

absl::Status Owner::Export(const v1::ExportRequest& request,
                           absl::FunctionRef<absl::Status(std::string_view)> take) {
  return sdk::TakeExport(calls_->stubs(), request, take);
}

absl::StatusOr<v1::ListAccessHistoryResponse> Owner::ListAccessHistory(
    const v1::ListAccessHistoryRequest& request) {
  return calls_->Call(&OwnerStub::ListAccessHistory, request);
}

absl::StatusOr<v1::ViewAsAppResponse> Owner::ViewAsApp(const v1::ViewAsAppRequest& request) {
  return calls_->Call(&OwnerStub::ViewAsApp, request, kAnswerTimeout);
}

absl::StatusOr<v1::NarrowGrantResponse> Owner::NarrowGrant(v1::NarrowGrantRequest request) {
  return calls_->Change(&OwnerStub::NarrowGrant, std::move(request));
}

absl::StatusOr<v1::RevokeGrantResponse> Owner::RevokeGrant(const std::string& grant_id) {
  v1::RevokeGrantRequest request;
  request.set_grant_id(grant_id);
  return calls_->Change(&OwnerStub::RevokeGrant, std::move(request));
}

absl::StatusOr<v1::RevokeAppResponse> Owner::RevokeApp(const std::string& principal) {
  v1::RevokeAppRequest request;
  request.set_principal(principal);
  return calls_->Change(&OwnerStub::RevokeApp, std::move(request));
}

absl::StatusOr<v1::SuspendGrantResponse> Owner::SuspendGrant(const std::string& grant_id) {
  v1::SuspendGrantRequest request;
  request.set_grant_id(grant_id);
  return calls_->Change(&OwnerStub::SuspendGrant, std::move(request));
}

absl::StatusOr<v1::ResumeGrantResponse> Owner::ResumeGrant(const std::string& grant_id) {
  v1::ResumeGrantRequest request;
  request.set_grant_id(grant_id);
  return calls_->Change(&OwnerStub::ResumeGrant, std::move(request));
}

absl::StatusOr<v1::PauseResponse> Owner::Pause() {
  return calls_->Call(&OwnerStub::Pause, v1::PauseRequest());
}

absl::StatusOr<v1::ResumeResponse> Owner::Resume() {
  return calls_->Call(&OwnerStub::Resume, v1::ResumeRequest());
}

absl::StatusOr<v1::SealResponse> Owner::Seal(v1::SealRequest request) {
  return calls_->Change(&OwnerStub::Seal, std::move(request));
}

absl::StatusOr<v1::LinkContactsResponse> Owner::LinkContacts(const std::vector<std::string>& ids) {
  v1::LinkContactsRequest request;
  request.mutable_contact_ids()->Assign(ids.begin(), ids.end());
  return calls_->Change(&OwnerStub::LinkContacts, std::move(request), kAnswerTimeout);
}

absl::StatusOr<v1::UnlinkContactResponse> Owner::UnlinkContact(const std::string& id) {
  v1::UnlinkContactRequest request;
  request.set_contact_id(id);
  return calls_->Change(&OwnerStub::UnlinkContact, std::move(request), kAnswerTimeout);
}

absl::StatusOr<v1::SetNoticePolicyResponse> Owner::SetNoticePolicy(const std::string& account_id,
                                                                   v1::NoticePolicy policy) {
  v1::SetNoticePolicyRequest request;
  request.set_account_id(account_id);
  request.set_policy(policy);
  return calls_->Change(&OwnerStub::SetNoticePolicy, std::move(request));
}

absl::StatusOr<v1::DismissNoticesResponse> Owner::DismissNotices(
    const std::vector<std::string>& ids) {
  v1::DismissNoticesRequest request;
  request.mutable_ids()->Assign(ids.begin(), ids.end());
  return calls_->Call(&OwnerStub::DismissNotices, request);
}

absl::StatusOr<v1::ExtendGrantResponse> Owner::ExtendGrant(const std::string& grant_id) {
  v1::ExtendGrantRequest request;
  request.set_grant_id(grant_id);
  return calls_->Change(&OwnerStub::ExtendGrant, std::move(request), kAnswerTimeout);
}

absl::StatusOr<v1::PurgeResponse> Owner::Purge() {
  return calls_->Change(&OwnerStub::Purge, v1::PurgeRequest(), kAnswerTimeout);
}

absl::StatusOr<v1::UnsealResponse> Owner::Unseal(v1::UnsealRequest request) {
  return calls_->Change(&OwnerStub::Unseal, std::move(request), kAnswerTimeout);
}

}  // namespace postern::owner
