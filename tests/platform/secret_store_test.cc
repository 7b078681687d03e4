// SPDX-License-Identifier: Apache-2.0
#include "platform/secret_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "platform/atomic_file.h"
#include "platform/secret_file_store.h"
#include "platform/unique_fd.h"
#include "tests/fakes/memory_secret_store.h"
#include "tests/fakes/session_bus.h"
#include "tests/platform/secret_store_contract.h"

namespace postern::platform {
namespace {

using fakes::MemorySecretStore;
using fakes::ScopedEnvironment;
using fakes::SessionBus;

// Hands calls on, so that several opens see one memory.
class Borrowed final : public SecretStore {
 public:
  explicit Borrowed(SecretStore& store) : store_(store) {}
  SecretStoreState State() override { return store_.State(); }
  absl::StatusOr<SecretBytes> Lookup(std::string_view name) override { return store_.Lookup(name); }
  absl::Status Store(std::string_view name, std::span<const uint8_t> secret) override {
    return store_.Store(name, secret);
  }
  absl::Status Erase(std::string_view name) override { return store_.Erase(name); }
  std::string Describe() const override { return store_.Describe(); }

 private:
  SecretStore& store_;
};

class MemoryWorld final : public SecretStoreWorld {
 public:
  std::unique_ptr<SecretStore> Open() override { return std::make_unique<Borrowed>(memory_); }
  bool Lock() override {
    memory_.SetState(SecretStoreState::kLocked);
    return true;
  }
  bool Unlock() override {
    memory_.SetState(SecretStoreState::kReady);
    return true;
  }

 private:
  MemorySecretStore memory_;
};

SecretBytes Passphrase(std::string_view text) {
  return SecretBytes(std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/postern-secrets-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file() const { return path_ + "/secrets"; }

 private:
  std::string path_;
};

class FileWorld final : public SecretStoreWorld {
 public:
  std::unique_ptr<SecretStore> Open() override {
    auto store = OpenPassphraseFileStore(folder_.file(), Passphrase("correct horse"));
    return store.ok() ? *std::move(store) : nullptr;
  }
  bool Lock() override { return false; }
  bool Unlock() override { return false; }

 private:
  TemporaryFolder folder_;
};

class SecretServiceWorld final : public SecretStoreWorld {
 public:
  explicit SecretServiceWorld(std::unique_ptr<SessionBus> session)
      : session_(std::move(session)), environment_(session_->Environment()) {}
  std::unique_ptr<SecretStore> Open() override { return MakeSecretServiceStore("/profile"); }
  bool Lock() override { return session_->Lock().ok(); }
  bool Unlock() override { return session_->Unlock().ok(); }

 private:
  std::unique_ptr<SessionBus> session_;
  ScopedEnvironment environment_;
};

std::unique_ptr<SecretStoreWorld> MakeSecretServiceWorld() {
  auto session = SessionBus::Start();
  if (!session.ok()) {
    ADD_FAILURE() << session.status();
    return nullptr;
  }
  return std::make_unique<SecretServiceWorld>(*std::move(session));
}

INSTANTIATE_TEST_SUITE_P(Memory, SecretStoreContract, ::testing::Values(MakeWorld([] {
                           return std::make_unique<MemoryWorld>();
                         })));
INSTANTIATE_TEST_SUITE_P(PassphraseFile, SecretStoreContract, ::testing::Values(MakeWorld([] {
                           return std::make_unique<FileWorld>();
                         })));
INSTANTIATE_TEST_SUITE_P(GnomeKeyring, SecretStoreContract,
                         ::testing::Values(MakeWorld(MakeSecretServiceWorld)));

TEST(SecretService, SaysThatThereIsNoBus) {
  const ScopedEnvironment nowhere({{"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"}});
  auto store = MakeSecretServiceStore("/profile");
  EXPECT_EQ(store->State(), SecretStoreState::kNoSessionBus);
  EXPECT_EQ(store->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
}

TEST(SecretService, SaysThatNobodyOffersSecretsAndRecovers) {
  auto session = SessionBus::Start();
  ASSERT_TRUE(session.ok()) << session.status();
  const ScopedEnvironment environment((*session)->Environment());
  auto store = MakeSecretServiceStore("/profile");
  const std::vector<uint8_t> secret = {1, 2, 3};
  ASSERT_TRUE(store->Store("database-key", secret).ok());
  (*session)->KillKeyring();
  EXPECT_EQ(store->State(), SecretStoreState::kNoService);
  EXPECT_EQ(store->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store->Store("database-key", secret).code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE((*session)->StartKeyring().ok());
  EXPECT_TRUE(store->Lookup("database-key").ok());
  (*session)->KillBus();
  EXPECT_EQ(store->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
}

TEST(SecretService, IsGoneToASessionWhenItIs) {
  auto bus = SessionBus::Start();
  ASSERT_TRUE(bus.ok()) << bus.status();
  const ScopedEnvironment environment((*bus)->Environment());
  auto store = MakeSecretServiceStore("/profile");
  const auto session = store->OpenSession();
  ASSERT_NE(session, nullptr);
  const absl::Status stored = session->Store("database-key", std::vector<uint8_t>{1});
  ASSERT_TRUE(stored.ok()) << stored;
  (*bus)->KillKeyring();
  EXPECT_EQ(session->State(), SecretStoreState::kNoService);
  // Never "there is none": that would have a new key made.
  EXPECT_EQ(session->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE((*bus)->StartKeyring().ok());
  EXPECT_EQ(session->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(store->OpenSession()->Lookup("database-key").ok());
  (*bus)->KillBus();
  EXPECT_EQ(session->State(), SecretStoreState::kNoSessionBus);
}

TEST(SecretService, KeepsTwoProfilesApart) {
  auto session = SessionBus::Start();
  ASSERT_TRUE(session.ok()) << session.status();
  const ScopedEnvironment environment((*session)->Environment());
  auto one = MakeSecretServiceStore("/one");
  auto two = MakeSecretServiceStore("/two");
  ASSERT_TRUE(one->Store("database-key", std::vector<uint8_t>{1}).ok());
  EXPECT_EQ(two->Lookup("database-key").status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(two->Erase("database-key").ok());
  EXPECT_TRUE(one->Lookup("database-key").ok());
}

TEST(SecretService, DoesNotHangOnABusThatSaysNothing) {
  // Listens and never answers, as a stopped daemon does.
  const std::string path = ::testing::TempDir() + "postern-mute-" + std::to_string(::getpid());
  const UniqueFd mute(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(mute.get(), 8), 0);
  const ScopedEnvironment environment({{"DBUS_SESSION_BUS_ADDRESS", "unix:path=" + path}});
  auto store = MakeSecretServiceStore("/profile", absl::Milliseconds(200));
  EXPECT_EQ(store->Lookup("database-key").status().code(), absl::StatusCode::kUnavailable);
  ::unlink(path.c_str());
}

TEST(PassphraseFile, DoesNotOpenWithAnotherPassphrase) {
  const TemporaryFolder folder;
  auto store = OpenPassphraseFileStore(folder.file(), Passphrase("right"));
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Store("database-key", std::vector<uint8_t>{1}).ok());
  EXPECT_EQ(OpenPassphraseFileStore(folder.file(), Passphrase("wrong")).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(OpenPassphraseFileStore(folder.file(), Passphrase("")).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(PassphraseFile, SaysThatAChangedFileIsDamagedAndNeverThatItIsEmpty) {
  const TemporaryFolder folder;
  auto store = OpenPassphraseFileStore(folder.file(), Passphrase("right"));
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_TRUE((*store)->Store("database-key", std::vector<uint8_t>(32, 7)).ok());
  auto whole = ReadSecretFile(folder.file(), 65536);
  ASSERT_TRUE(whole.ok()) << whole.status();
  for (size_t i = 0; i < whole->size(); ++i) {
    SecretBytes changed = whole->Clone();  // the second owner is this test
    changed.data()[i] ^= 1;
    ASSERT_TRUE(WriteFileAtomically(folder.file(), changed.span()).ok());
    EXPECT_EQ((*store)->Lookup("database-key").status().code(), absl::StatusCode::kDataLoss) << i;
  }
  ASSERT_TRUE(WriteFileAtomically(folder.file(), whole->span().first(10)).ok());
  EXPECT_EQ((*store)->Lookup("database-key").status().code(), absl::StatusCode::kDataLoss);
  std::filesystem::remove(folder.file());
  EXPECT_EQ((*store)->Lookup("database-key").status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace postern::platform
