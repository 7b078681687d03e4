// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/spool_key.h"

#include <absl/strings/str_cat.h>

#include "clients/sdk/file_key.h"

namespace postern::sdk {

absl::StatusOr<platform::SecretBytes> LoadSpoolKey(platform::SecretStore& secrets,
                                                   const std::string& app_id,
                                                   const std::string& spool_path) {
  return LoadNamedFileKey(secrets, absl::StrCat("spool-key:", app_id), "spool", spool_path);
}

}  // namespace postern::sdk
