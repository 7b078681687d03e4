// SPDX-License-Identifier: Apache-2.0
#include "platform/digest.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

namespace postern::platform {
namespace {

// The examples of FIPS 180-4, and a byte of zero, which ends no string.
TEST(Digest, IsSha256OfAllBytes) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_NE(Sha256(std::string("abc\0", 4)), Sha256("abc"));
}

}  // namespace
}  // namespace postern::platform
