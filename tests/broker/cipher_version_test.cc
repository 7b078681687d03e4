// SPDX-License-Identifier: Apache-2.0
#include "broker/cipher_version.h"

#include <gtest/gtest.h>

namespace postern::broker {
namespace {

TEST(CipherVersion, OlderThanWhatTheFormatNeedsIsRefused) {
  // Debian 12's own is 3.4.1; a plain SQLite says nothing.
  for (const char* version : {"3.4.1", "4.5.6 community", "4.5", "0.9", "4", "", "4.", ".6", "4.x",
                              "four.six", "-4.6", "99999999999999999999.6"}) {
    const absl::Status status = CheckCipherVersion(version);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << version << ": " << status;
    EXPECT_NE(status.message().find("needs SQLCipher 4.6 or newer"), absl::string_view::npos)
        << version;
  }
}

TEST(CipherVersion, OldestThatWillDoAndNewerAreTaken) {
  for (const char* version : {"4.6.0", "4.6.1", "4.6.1 community", "4.10.0", "5.0.0 commercial"}) {
    EXPECT_TRUE(CheckCipherVersion(version).ok()) << version;
  }
}

}  // namespace
}  // namespace postern::broker
