// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "broker/parts.h"
#include "permissions/grant.h"
#include "postern/v1/owner_service.grpc.pb.h"

namespace postern::broker {

class StreamWatch;

// What the user's own tools may do: look, narrow, pause, take back. Nothing here creates or widens
// a grant: the owner's key can be read by any program on the unlocked session bus.
class OwnerService final : public v1::OwnerService::Service {
 public:
  // What the daemon is, for GetStatus.
  struct About {
    std::string software_version;
    std::string secret_store;
    std::string cipher_version;
    absl::Time start_time;
    std::vector<std::string> warnings;
  };

  OwnerService(const Parts& parts, About about) : parts_(parts), about_(std::move(about)) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const v1::GetStatusRequest* request,
                         v1::GetStatusResponse* response) override;
  grpc::Status ListApps(grpc::ServerContext* context, const v1::ListAppsRequest* request,
                        v1::ListAppsResponse* response) override;
  grpc::Status ListGrants(grpc::ServerContext* context, const v1::ListGrantsRequest* request,
                          v1::ListGrantsResponse* response) override;
  grpc::Status NarrowGrant(grpc::ServerContext* context, const v1::NarrowGrantRequest* request,
                           v1::NarrowGrantResponse* response) override;
  grpc::Status RevokeGrant(grpc::ServerContext* context, const v1::RevokeGrantRequest* request,
                           v1::RevokeGrantResponse* response) override;
  grpc::Status RevokeApp(grpc::ServerContext* context, const v1::RevokeAppRequest* request,
                         v1::RevokeAppResponse* response) override;
  grpc::Status SuspendGrant(grpc::ServerContext* context, const v1::SuspendGrantRequest* request,
                            v1::SuspendGrantResponse* response) override;
  grpc::Status ResumeGrant(grpc::ServerContext* context, const v1::ResumeGrantRequest* request,
                           v1::ResumeGrantResponse* response) override;
  // owner_consent.cc
  grpc::Status Purge(grpc::ServerContext* context, const v1::PurgeRequest* request,
                     v1::PurgeResponse* response) override;
  grpc::Status ExtendGrant(grpc::ServerContext* context, const v1::ExtendGrantRequest* request,
                           v1::ExtendGrantResponse* response) override;
  grpc::Status DismissNotices(grpc::ServerContext* context,
                              const v1::DismissNoticesRequest* request,
                              v1::DismissNoticesResponse* response) override;
  grpc::Status Pause(grpc::ServerContext* context, const v1::PauseRequest* request,
                     v1::PauseResponse* response) override;
  grpc::Status Resume(grpc::ServerContext* context, const v1::ResumeRequest* request,
                      v1::ResumeResponse* response) override;
  grpc::Status ListOwnedAccounts(grpc::ServerContext* context,
                                 const v1::ListOwnedAccountsRequest* request,
                                 v1::ListOwnedAccountsResponse* response) override;
  grpc::Status ListOwnedChats(grpc::ServerContext* context,
                              const v1::ListOwnedChatsRequest* request,
                              v1::ListOwnedChatsResponse* response) override;
  // In owner_seals.cc.
  grpc::Status Seal(grpc::ServerContext* context, const v1::SealRequest* request,
                    v1::SealResponse* response) override;
  grpc::Status Unseal(grpc::ServerContext* context, const v1::UnsealRequest* request,
                      v1::UnsealResponse* response) override;
  grpc::Status ListSeals(grpc::ServerContext* context, const v1::ListSealsRequest* request,
                         v1::ListSealsResponse* response) override;
  // In owner_disclosures.cc.
  grpc::Status ListDisclosures(grpc::ServerContext* context,
                               const v1::ListDisclosuresRequest* request,
                               v1::ListDisclosuresResponse* response) override;
  grpc::Status SetNoticePolicy(grpc::ServerContext* context,
                               const v1::SetNoticePolicyRequest* request,
                               v1::SetNoticePolicyResponse* response) override;
  // In owner_contacts.cc.
  grpc::Status ListOwnedContacts(grpc::ServerContext* context,
                                 const v1::ListOwnedContactsRequest* request,
                                 v1::ListOwnedContactsResponse* response) override;
  grpc::Status LinkContacts(grpc::ServerContext* context, const v1::LinkContactsRequest* request,
                            v1::LinkContactsResponse* response) override;
  grpc::Status UnlinkContact(grpc::ServerContext* context, const v1::UnlinkContactRequest* request,
                             v1::UnlinkContactResponse* response) override;
  // In owner_view.cc.
  grpc::Status ViewAsApp(grpc::ServerContext* context, const v1::ViewAsAppRequest* request,
                         v1::ViewAsAppResponse* response) override;
  // In owner_erasures.cc.
  grpc::Status ListErasures(grpc::ServerContext* context, const v1::ListErasuresRequest* request,
                            v1::ListErasuresResponse* response) override;
  // In owner_access.cc.
  grpc::Status ListAccessHistory(grpc::ServerContext* context,
                                 const v1::ListAccessHistoryRequest* request,
                                 v1::ListAccessHistoryResponse* response) override;
  grpc::Status SummarizeAccess(grpc::ServerContext* context,
                               const v1::SummarizeAccessRequest* request,
                               v1::SummarizeAccessResponse* response) override;
  grpc::Status Verify(grpc::ServerContext* context, const v1::VerifyRequest* request,
                      v1::VerifyResponse* response) override;

 private:
  v1::OwnedGrant Owned(const permissions::Grant& grant) const;
  bool AnySuspended() const;
  // Takes the streams of a principal down, or wakes them to decide again, after its grants changed;
  // returns what each was last sent.
  std::vector<v1::StreamEnd> Settle(const StreamWatch& watch,
                                    const permissions::Principal& principal);

  const Parts& parts_;
  const About about_;
};

}  // namespace postern::broker
