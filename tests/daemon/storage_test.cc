// SPDX-License-Identifier: Apache-2.0
// A database that cannot be opened, and a disk that cannot be written: a typed refusal that says
// what to do, nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/daemon/folder_picture.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kStorageRefused = 7;
constexpr int kStorageDamaged = 8;
constexpr int kStorageUnavailable = 9;

constexpr char kMoveAway[] = "move it away";
constexpr char kRestore[] = "restore the data folder from a backup, or move it away";

class Storage : public SessionTest {
 protected:
  // A database with its key in the keyring; the daemon is stopped.
  void MakeDatabase(const Profile& profile) {
    const auto daemon = Process::Start(profile);
    ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
    ASSERT_EQ(daemon->Stop(), 0);
  }

  // Refused with 'code' and one line that says what is wrong and what to do; the folder is as it
  // was.
  void ExpectRefused(const Profile& profile, int code, const std::string& text,
                     const std::string& advice) {
    const FolderPicture before = TakePicture(profile.data_dir());
    const Ending ending = RunToEnd(profile);
    EXPECT_EQ(ending.code, code) << ending.errors;
    EXPECT_THAT(ending.errors, IsOneLine(text)) << ending.errors;
    EXPECT_THAT(ending.errors, HasSubstr("; " + advice));
    EXPECT_EQ(TakePicture(profile.data_dir()), before);
  }
};

void WritePlainDatabase(const std::string& path) {
  fs::remove(path);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE notes(text); INSERT INTO notes VALUES('mine')",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
}

TEST_F(Storage, PlainDatabaseIsRefused) {
  const Profile profile(&session());
  MakeDatabase(profile);
  WritePlainDatabase(profile.data_dir() + "/events.db");
  ExpectRefused(profile, kStorageRefused, "events.db is not encrypted", kMoveAway);
}

TEST_F(Storage, PlainDatabaseAtTheFirstStartIsRefused) {
  const Profile profile(&session());
  ::mkdir(profile.data_dir().c_str(), 0700);
  WriteFile(profile.data_dir() + "/posternd.lock", "");
  WritePlainDatabase(profile.data_dir() + "/events.db");
  ExpectRefused(profile, kStorageRefused, "its key is gone", "restore the keyring");
}

TEST_F(Storage, WhatIsNoDatabaseIsRefused) {
  const Profile profile(&session());
  MakeDatabase(profile);
  WriteFile(profile.data_dir() + "/events.db", std::string(64 * 1024, 'g'));
  ExpectRefused(profile, kStorageDamaged, "events.db is damaged", kRestore);
}

TEST_F(Storage, EmptyFileInItsPlaceIsRefused) {
  const Profile profile(&session());
  MakeDatabase(profile);
  WriteFile(profile.data_dir() + "/events.db", "");
  ExpectRefused(profile, kStorageDamaged, "events.db is missing", kRestore);
}

TEST_F(Storage, DatabaseThatIsGoneWhileItsMarkIsThereIsRefused) {
  const Profile profile(&session());
  MakeDatabase(profile);
  fs::remove(profile.data_dir() + "/events.db");
  ExpectRefused(profile, kStorageDamaged, "events.db is missing", kRestore);
}

TEST_F(Storage, DatabaseWithoutItsMarkIsRefused) {
  const Profile profile(&session());
  MakeDatabase(profile);
  fs::remove(profile.data_dir() + "/high-water");
  ExpectRefused(profile, kStorageDamaged, "high-water is missing", kRestore);
}

// A small disk of its own in the place of the profile's data/.
class SmallDisk {
 public:
  explicit SmallDisk(const Profile& profile) : path_(profile.home() + "/data") {
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=2m,mode=0700") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  bool SetReadOnly(bool read_only) {
    return ::mount("tmpfs", path_.c_str(), "tmpfs",
                   MS_REMOUNT | (read_only ? static_cast<unsigned long>(MS_RDONLY) : 0UL),
                   "size=2m,mode=0700") == 0;
  }
  void Fill() {
    std::ofstream file(path_ + "/filler", std::ios::binary);
    const std::string block(4096, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void MakeRoom() { fs::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST_F(Storage, ReadOnlyDiskIsRefusedAndServesAgainWhenItIsWritable) {
  const Profile profile(&session());
  SmallDisk disk(profile);
  if (!disk.mounted()) GTEST_SKIP() << "only root can mount a disk";
  MakeDatabase(profile);
  ASSERT_TRUE(disk.SetReadOnly(true));
  ExpectRefused(profile, kStorageUnavailable, "read-only", "make it writable");
  ASSERT_TRUE(disk.SetReadOnly(false));
  MakeDatabase(profile);
}

TEST_F(Storage, FullDiskAtTheFirstStartIsRefusedAndServesOnceThereIsRoom) {
  const Profile profile(&session());
  SmallDisk disk(profile);
  if (!disk.mounted()) GTEST_SKIP() << "only root can mount a disk";
  ::mkdir(profile.data_dir().c_str(), 0700);
  disk.Fill();
  const Ending ending = RunToEnd(profile);
  EXPECT_EQ(ending.code, kStorageUnavailable);
  EXPECT_THAT(ending.errors, IsOneLine("full; make room")) << ending.errors;
  disk.MakeRoom();
  MakeDatabase(profile);
}

TEST_F(Storage, FullDiskKeepsWhatIsStored) {
  const Profile profile(&session());
  SmallDisk disk(profile);
  if (!disk.mounted()) GTEST_SKIP() << "only root can mount a disk";
  MakeDatabase(profile);
  disk.Fill();
  const Ending ending = RunToEnd(profile, {});
  // It may find room in pages it has; if it does not run, it says why.
  EXPECT_EQ(ending.code, kStorageUnavailable) << ending.errors;
  EXPECT_THAT(ending.errors, IsOneLine("full; make room")) << ending.errors;
  disk.MakeRoom();
  MakeDatabase(profile);
}

}  // namespace
}  // namespace postern::daemon_test
