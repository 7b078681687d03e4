// SPDX-License-Identifier: Apache-2.0
// The calls of OwnerService, with the key that posternd keeps in the Secret Service: what the
// command line and the settings window are made of. They look, narrow, pause and take back; no call
// grants. Those that widen ask the person first, in Postern's own question, and wait for the
// answer.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "clients/owner/paths.h"
#include "postern/v1/export_service.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::sdk {
class Client;
}

namespace postern::owner {

// Thread-safe. Errors of its calls are the broker's, with their reasons (clients/sdk/errors.h);
// DEADLINE_EXCEEDED when it does not answer in time.
class Owner {
 public:
  // Reads the owner's key and prepares the connection; the first call makes it.
  // UNAVAILABLE when there is no socket; FAILED_PRECONDITION, saying what to do, when the keyring
  // is locked, absent, or holds no owner's key.
  static absl::StatusOr<std::unique_ptr<Owner>> Connect(const Paths& paths);
  virtual ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // Looking. Lists are whole: all their pages, in the broker's order.
  absl::StatusOr<v1::GetStatusResponse> GetStatus();
  absl::StatusOr<std::vector<v1::App>> ListApps();
  absl::StatusOr<std::vector<v1::OwnedGrant>> ListGrants(bool include_ended);
  absl::StatusOr<std::vector<v1::Chat>> ListChats();
  // By the account's id.
  using NoticePolicies = std::map<std::string, v1::NoticePolicy>;
  // Also says when the other people are told, if 'policies' is not null.
  absl::StatusOr<std::vector<v1::Account>> ListAccounts(NoticePolicies* policies = nullptr);
  absl::StatusOr<std::vector<v1::SealedObject>> ListSeals();
  absl::StatusOr<std::vector<v1::ChatDisclosure>> ListDisclosures();
  // Those that have not confirmed first.
  absl::StatusOr<std::vector<v1::AppErasure>> ListErasures();
  absl::StatusOr<std::vector<v1::AccessSummary>> SummarizeAccess(
      const v1::SummarizeAccessRequest& request);
  // Takes as long as reading everything that is stored does.
  absl::StatusOr<v1::VerifyResponse> Verify();
  // One page each.
  absl::StatusOr<v1::ListAccessHistoryResponse> ListAccessHistory(
      const v1::ListAccessHistoryRequest& request);

  // Taking back. Each fills in the request id.
  absl::StatusOr<v1::NarrowGrantResponse> NarrowGrant(v1::NarrowGrantRequest request);
  absl::StatusOr<v1::RevokeGrantResponse> RevokeGrant(const std::string& grant_id);
  absl::StatusOr<v1::RevokeAppResponse> RevokeApp(const std::string& principal);
  absl::StatusOr<v1::SuspendGrantResponse> SuspendGrant(const std::string& grant_id);
  absl::StatusOr<v1::ResumeGrantResponse> ResumeGrant(const std::string& grant_id);
  absl::StatusOr<v1::PauseResponse> Pause();
  absl::StatusOr<v1::ResumeResponse> Resume();
  absl::StatusOr<v1::SealResponse> Seal(v1::SealRequest request);
  absl::StatusOr<v1::SetNoticePolicyResponse> SetNoticePolicy(const std::string& account_id,
                                                              v1::NoticePolicy policy);
  // No ids: all notices.
  absl::StatusOr<v1::DismissNoticesResponse> DismissNotices(const std::vector<std::string>& ids);

  // These ask the person first and wait for the answer, minutes if need be. ViewAsApp (one page
  // each) and the address book ask once for some time.
  absl::StatusOr<v1::ViewAsAppResponse> ViewAsApp(const v1::ViewAsAppRequest& request);
  absl::StatusOr<std::vector<v1::Contact>> ListContacts();
  // Says which contacts are one person. Nothing else follows from it.
  absl::StatusOr<v1::LinkContactsResponse> LinkContacts(const std::vector<std::string>& ids);
  absl::StatusOr<v1::UnlinkContactResponse> UnlinkContact(const std::string& id);
  absl::StatusOr<v1::ExtendGrantResponse> ExtendGrant(const std::string& grant_id);
  absl::StatusOr<v1::UnsealResponse> Unseal(v1::UnsealRequest request);
  absl::StatusOr<v1::PurgeResponse> Purge();
  // Takes the messages of these chats out (of all, when empty), as JSON lines: 'take' gets the
  // bytes in order, each once.
  absl::Status Export(const v1::ExportRequest& request,
                      absl::FunctionRef<absl::Status(std::string_view)> take);

  // Ends the calls that are under way with CANCELLED (but an Export, which 'take' ends): for a
  // program that closes while a question of its waits for the answer.
  void CancelCalls();

 protected:
  explicit Owner(std::unique_ptr<sdk::Client> client);
  static absl::StatusOr<std::unique_ptr<sdk::Client>> ConnectClient(const Paths& paths);

 private:
  class Calls;
  const std::unique_ptr<Calls> calls_;
};

}  // namespace postern::owner
