// SPDX-License-Identifier: Apache-2.0
// `postern` as the owner's tool: the owner's calls, and finding what a person names.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "clients/owner/owner.h"
#include "clients/owner/paths.h"

namespace postern::cli {

class Owner final : public owner::Owner {
 public:
  // As owner::Owner::Connect.
  static absl::StatusOr<std::unique_ptr<Owner>> Connect(const owner::Paths& paths);

  // The app, chat or grant that a person names; see pick.h. INVALID_ARGUMENT when none or several
  // fit.
  absl::StatusOr<v1::App> FindApp(const std::string& text);
  absl::StatusOr<v1::Chat> FindChat(const std::string& text);
  // An app that is allowed now, or ever was: what it did it has done. Of one that is out only
  // principal and name are known.
  absl::StatusOr<v1::App> FindAnyApp(const std::string& text);
  // The same without gatekeepers, and of several that bear a name the one that is not out.
  absl::StatusOr<v1::App> FindViewedApp(const std::string& text);
  // An app among those that hold one of 'grants': an app that came back under a new key bears the
  // name of its former self.
  absl::StatusOr<v1::App> FindHolder(const std::string& text,
                                     const std::vector<v1::OwnedGrant>& grants);
  absl::StatusOr<v1::OwnedGrant> FindGrant(const std::string& text);

 private:
  using owner::Owner::Owner;
};

}  // namespace postern::cli
