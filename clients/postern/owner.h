// SPDX-License-Identifier: Apache-2.0
// `postern` as the owner's tool: the calls of OwnerService, with the key that posternd keeps in the
// Secret Service. It can look, narrow, pause and take back; no call of it grants.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/postern/paths.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::sdk {
class Client;
}

namespace postern::cli {

// Not thread-safe.
class Owner {
 public:
  // Reads the owner's key and prepares the connection; the first call makes it.
  // UNAVAILABLE when there is no socket; FAILED_PRECONDITION, saying what to do, when the keyring
  // is locked, absent, or holds no owner's key.
  static absl::StatusOr<std::unique_ptr<Owner>> Connect(const Paths& paths);
  ~Owner();

  absl::StatusOr<v1::GetStatusResponse> GetStatus();
  absl::StatusOr<std::vector<v1::App>> ListApps();
  absl::StatusOr<std::vector<v1::OwnedGrant>> ListGrants(bool include_ended);
  absl::StatusOr<std::vector<v1::Chat>> ListChats();
  absl::StatusOr<std::vector<v1::Account>> ListAccounts();
  absl::StatusOr<v1::NarrowGrantResponse> NarrowGrant(v1::NarrowGrantRequest request);
  absl::StatusOr<v1::RevokeGrantResponse> RevokeGrant(const std::string& grant_id);
  absl::StatusOr<v1::RevokeAppResponse> RevokeApp(const std::string& principal);
  absl::StatusOr<v1::SuspendGrantResponse> SuspendGrant(const std::string& grant_id);
  absl::StatusOr<v1::ResumeGrantResponse> ResumeGrant(const std::string& grant_id);
  absl::StatusOr<v1::PauseResponse> Pause();
  absl::StatusOr<v1::ResumeResponse> Resume();

  // The app, or the grant, that a person names; see pick.h. INVALID_ARGUMENT when none or several
  // fit.
  absl::StatusOr<v1::App> FindApp(const std::string& text);
  // The same among the apps that hold one of 'grants': an app that came back under a new key bears
  // the name of its former self.
  absl::StatusOr<v1::App> FindHolder(const std::string& text,
                                     const std::vector<v1::OwnedGrant>& grants);
  absl::StatusOr<v1::OwnedGrant> FindGrant(const std::string& text);

 private:
  explicit Owner(std::unique_ptr<sdk::Client> client);
  std::unique_ptr<sdk::Client> client_;
};

}  // namespace postern::cli
