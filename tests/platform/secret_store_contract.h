// SPDX-License-Identifier: Apache-2.0
// What every SecretStore promises. Each implementation passes this suite: see secret_store_test.cc.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "platform/secret_store.h"

namespace postern::platform {

// One implementation in a world of its own.
class SecretStoreWorld {
 public:
  virtual ~SecretStoreWorld() = default;
  // A new object over the same secrets, as after a restart.
  virtual std::unique_ptr<SecretStore> Open() = 0;
  // Makes it locked, or gone. False: this implementation has no such state.
  virtual bool Lock() = 0;
  virtual bool Unlock() = 0;
};

using MakeWorld = std::function<std::unique_ptr<SecretStoreWorld>()>;

class SecretStoreContract : public ::testing::TestWithParam<MakeWorld> {
 protected:
  void SetUp() override {
    world_ = GetParam()();
    ASSERT_NE(world_, nullptr) << "this store's world did not start";
    store_ = world_->Open();
    ASSERT_NE(store_, nullptr);
  }
  static std::vector<uint8_t> Bytes(std::initializer_list<uint8_t> bytes) { return bytes; }
  static std::vector<uint8_t> Of(const SecretBytes& secret) {
    return {secret.span().begin(), secret.span().end()};
  }

  std::unique_ptr<SecretStoreWorld> world_;
  std::unique_ptr<SecretStore> store_;
};

TEST_P(SecretStoreContract, RefusesNamesAndSecretsOutOfBounds) {
  const auto secret = Bytes({1});
  for (const std::string& name : {std::string(), std::string(kSecretNameBytesMax + 1, 'a'),
                                  std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(store_->Store(name, secret).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(store_->Lookup(name).status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(store_->Erase(name).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(store_->Store("name", {}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Store("name", std::vector<uint8_t>(kSecretBytesMax + 1)).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(SecretStoreContract, SaysNotFoundOnlyForWhatIsAbsent) {
  EXPECT_EQ(store_->State(), SecretStoreState::kReady);
  EXPECT_EQ(store_->Lookup("database-key").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(SecretStoreContract, NeverSaysNotFoundWhileLocked) {
  ASSERT_TRUE(store_->Store("database-key", Bytes({1, 2, 3})).ok());
  if (!world_->Lock()) return;  // a store with no locked state keeps this promise by having none
  EXPECT_EQ(store_->State(), SecretStoreState::kLocked);
  EXPECT_EQ(store_->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Lookup("no-such").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Store("database-key", Bytes({9})).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Erase("database-key").code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(world_->Unlock());
  EXPECT_EQ(store_->State(), SecretStoreState::kReady);
  auto secret = store_->Lookup("database-key");
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(Of(*secret), Bytes({1, 2, 3}));
}

TEST_P(SecretStoreContract, GivesBackTheSameBytesAfterARestart) {
  std::vector<uint8_t> every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<uint8_t>(byte));
  const std::vector<uint8_t> largest(kSecretBytesMax, 0);
  ASSERT_TRUE(store_->Store("every", every).ok());
  ASSERT_TRUE(store_->Store("largest", largest).ok());
  store_ = world_->Open();
  auto secret = store_->Lookup("every");
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(Of(*secret), every);
  secret = store_->Lookup("largest");
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(Of(*secret), largest);
}

TEST_P(SecretStoreContract, KeepsItsPromisesWithinASession) {
  const std::unique_ptr<SecretStore> session = store_->OpenSession();
  SecretStore& secrets = session != nullptr ? *session : *store_;
  EXPECT_EQ(secrets.Describe(), store_->Describe());
  EXPECT_EQ(secrets.Lookup("database-key").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(secrets.Store("database-key", Bytes({1, 2, 3})).ok());
  EXPECT_EQ(Of(*secrets.Lookup("database-key")), Bytes({1, 2, 3}));
  EXPECT_EQ(Of(*store_->Lookup("database-key")), Bytes({1, 2, 3}));
  EXPECT_TRUE(secrets.Erase("database-key").ok());
  EXPECT_EQ(secrets.Lookup("database-key").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(SecretStoreContract, NeverSaysNotFoundInASessionThatALockCameInto) {
  const std::unique_ptr<SecretStore> session = store_->OpenSession();
  SecretStore& secrets = session != nullptr ? *session : *store_;
  ASSERT_TRUE(secrets.Store("database-key", Bytes({1, 2, 3})).ok());
  if (!world_->Lock()) return;  // as above
  EXPECT_EQ(secrets.State(), SecretStoreState::kLocked);
  EXPECT_EQ(secrets.Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(secrets.Lookup("no-such").status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(world_->Unlock());
  // Some are unlocked by being started anew: that is another session.
  const auto again = secrets.Lookup("database-key");
  EXPECT_TRUE(again.ok() || absl::IsUnavailable(again.status())) << again.status();
  EXPECT_EQ(Of(*store_->Lookup("database-key")), Bytes({1, 2, 3}));
}

TEST_P(SecretStoreContract, ReplacesAndErases) {
  ASSERT_TRUE(store_->Store("name", Bytes({1})).ok());
  ASSERT_TRUE(store_->Store("name", Bytes({2})).ok());
  ASSERT_TRUE(store_->Store("other", Bytes({3})).ok());
  EXPECT_EQ(Of(*store_->Lookup("name")), Bytes({2}));
  EXPECT_TRUE(store_->Erase("name").ok());
  EXPECT_TRUE(store_->Erase("name").ok());
  EXPECT_EQ(store_->Lookup("name").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Of(*store_->Lookup("other")), Bytes({3}));
}

}  // namespace postern::platform
