// SPDX-License-Identifier: Apache-2.0
// The keyring in all its states: posternd waits or says what to do, and never makes a key anew
// while an old database is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "platform/secret_store.h"
#include "tests/daemon/folder_picture.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;

constexpr int kSecrets = 6;
constexpr int kStorageRefused = 7;
constexpr int kStorageDamaged = 8;

class Keyring : public SessionTest {};

// A database with its key in the keyring; the daemon is stopped.
void MakeDatabase(const Profile& profile) {
  const auto daemon = Process::Start(profile);
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  ASSERT_EQ(daemon->Stop(), 0);
  ASSERT_TRUE(fs::exists(profile.data_dir() + "/events.db"));
}

TEST_F(Keyring, WithoutASessionBusItSaysWhatToDo) {
  const Profile profile(nullptr);
  const Ending ending = RunToEnd(profile);
  EXPECT_EQ(ending.code, kSecrets);
  EXPECT_THAT(ending.errors, IsOneLine("there is no session bus"));
  EXPECT_FALSE(fs::exists(profile.data_dir() + "/events.db"));
}

TEST(PassphraseFile, ThatCannotBeReadIsNamedAndNothingIsMade) {
  for (const bool open_to_others : {false, true}) {
    const Profile profile(nullptr);
    const std::string file = profile.home() + "/passphrase";
    WriteFile(profile.config_file(),
              "[secrets]\nstore = \"passphrase-file\"\npassphrase_file = \"" + file + "\"\n");
    if (open_to_others) {
      WriteFile(file, "correct horse", 0644);
      fs::permissions(file, fs::perms(0644));
    }
    const Ending ending = RunToEnd(profile);
    EXPECT_EQ(ending.code, kSecrets);
    EXPECT_THAT(ending.errors, IsOneLine("[secrets] passphrase_file " + file));
    EXPECT_FALSE(fs::exists(profile.data_dir() + "/events.db"));
  }
}

TEST_F(Keyring, WithoutAServiceItSaysWhatToDoAndMakesNothing) {
  const Profile profile(&session());
  session().KillKeyring();
  const Ending ending = RunToEnd(profile);
  ASSERT_TRUE(session().StartKeyring().ok());
  EXPECT_EQ(ending.code, kSecrets);
  EXPECT_THAT(ending.errors, IsOneLine("start gnome-keyring or KeePassXC"));
  EXPECT_FALSE(fs::exists(profile.data_dir() + "/events.db"));
  EXPECT_FALSE(fs::exists(profile.socket()));
}

TEST_F(Keyring, LockedItWaitsSaysSoAndServesOnceUnlocked) {
  const Profile profile(&session());
  ASSERT_NO_FATAL_FAILURE(MakeDatabase(profile));
  const FolderPicture before = TakePicture(profile.data_dir());
  ASSERT_TRUE(session().Lock().ok());
  const auto daemon = Process::Start(profile);
  EXPECT_TRUE(daemon->AwaitNotice("STATUS=waiting for the keyring to be unlocked"));
  EXPECT_THAT(daemon->errors(), IsOneLine("the keyring is locked; unlock it"));
  EXPECT_FALSE(fs::exists(profile.socket())) << "nobody's events are taken meanwhile";
  EXPECT_EQ(TakePicture(profile.data_dir()), before);
  ASSERT_TRUE(session().Unlock().ok());
  EXPECT_TRUE(daemon->AwaitReady()) << daemon->errors();
  EXPECT_EQ(daemon->Stop(), 0);
}

TEST_F(Keyring, LockedAtTheFirstStartNothingIsMadeAndSigtermEndsTheWait) {
  const Profile profile(&session());
  ASSERT_TRUE(session().Lock().ok());
  const auto daemon = Process::Start(profile);
  EXPECT_TRUE(daemon->AwaitNotice("STATUS=waiting for the keyring to be unlocked"));
  EXPECT_FALSE(fs::exists(profile.data_dir() + "/events.db"));
  EXPECT_EQ(daemon->Stop(), 0);
  ASSERT_TRUE(session().Unlock().ok());
}

TEST_F(Keyring, WithoutTheKeyOfADatabaseThatIsThereNothingIsMadeOrChanged) {
  const Profile profile(&session());
  ASSERT_NO_FATAL_FAILURE(MakeDatabase(profile));
  const auto secrets = platform::MakeSecretServiceStore(profile.data_dir());
  ASSERT_TRUE(secrets->Erase("database-key").ok());
  const FolderPicture before = TakePicture(profile.data_dir());
  const Ending ending = RunToEnd(profile);
  EXPECT_EQ(ending.code, kStorageRefused);
  EXPECT_THAT(ending.errors,
              IsOneLine("its key is gone from the secret store; restore the keyring"));
  EXPECT_EQ(TakePicture(profile.data_dir()), before);
  EXPECT_TRUE(absl::IsNotFound(secrets->Lookup("database-key").status())) << "no new key is made";
}

TEST_F(Keyring, WithTheKeyOfAnotherDatabaseNothingIsMadeOrChanged) {
  const Profile profile(&session());
  ASSERT_NO_FATAL_FAILURE(MakeDatabase(profile));
  const auto secrets = platform::MakeSecretServiceStore(profile.data_dir());
  const std::vector<uint8_t> other(32, 0x5A);
  ASSERT_TRUE(secrets->Store("database-key", other).ok());
  const FolderPicture before = TakePicture(profile.data_dir());
  const Ending ending = RunToEnd(profile);
  EXPECT_EQ(ending.code, kStorageRefused) << ending.errors;
  EXPECT_THAT(ending.errors, IsOneLine("belongs to another key; unlock the keyring"))
      << ending.errors;
  EXPECT_EQ(TakePicture(profile.data_dir()), before);
  const auto kept = secrets->Lookup("database-key");
  ASSERT_TRUE(kept.ok());
  EXPECT_TRUE(std::equal(other.begin(), other.end(), kept->span().begin(), kept->span().end()));
}

TEST_F(Keyring, KeysOfTwoProfilesDoNotMix) {
  const Profile first(&session());
  const Profile second(&session());
  ASSERT_NO_FATAL_FAILURE(MakeDatabase(first));
  ASSERT_NO_FATAL_FAILURE(MakeDatabase(second));
  fs::copy_file(first.data_dir() + "/events.db", second.data_dir() + "/events.db",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(RunToEnd(second).code, kStorageDamaged);
}

}  // namespace
}  // namespace postern::daemon_test
