// SPDX-License-Identifier: Apache-2.0
// The two folders that must be the user's alone: posternd does not run over any other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;

constexpr int kFolder = 4;
constexpr uid_t kSomebodyElse = 12345;

// Refused with the folder's code and one line that has 'text'; no database and no socket come of
// it.
void ExpectRefused(const Profile& profile, const std::string& text) {
  const Ending ending = RunToEnd(profile);
  EXPECT_EQ(ending.code, kFolder);
  EXPECT_THAT(ending.errors, IsOneLine(text)) << ending.errors;
  EXPECT_FALSE(fs::exists(profile.data_dir() + "/events.db"));
  EXPECT_FALSE(fs::exists(profile.socket()));
}

TEST(RuntimeFolder, MustBeNamed) {
  Profile profile(nullptr);
  profile.environment()["XDG_RUNTIME_DIR"] = "";
  ExpectRefused(profile, "XDG_RUNTIME_DIR is not set; log in");
  profile.environment()["XDG_RUNTIME_DIR"] = "run";
  ExpectRefused(profile, "XDG_RUNTIME_DIR is not set; log in");
}

TEST(RuntimeFolder, MustBeThere) {
  Profile profile(nullptr);
  profile.environment()["XDG_RUNTIME_DIR"] = profile.home() + "/missing";
  ExpectRefused(profile, "cannot be reached; create it");
  EXPECT_FALSE(fs::exists(profile.home() + "/missing"));
}

TEST(RuntimeFolder, MustBeShortEnoughForASocket) {
  Profile profile(nullptr);
  const std::string folder = profile.home() + "/" + std::string(100, 'r');
  ::mkdir(folder.c_str(), 0700);
  profile.environment()["XDG_RUNTIME_DIR"] = folder;
  ExpectRefused(profile, "longer than 107 bytes; set XDG_RUNTIME_DIR");
}

TEST(RuntimeFolder, OpenToOthersIsRefused) {
  for (const mode_t mode : {0755, 0750, 0701, 0777, 01700}) {
    const Profile profile(nullptr);
    const std::string folder = profile.runtime_dir() + "/postern";
    ::mkdir(folder.c_str(), 0700);
    ::chmod(folder.c_str(), mode);
    ExpectRefused(profile, "chmod it to 0700");
    struct stat status;
    ASSERT_EQ(::stat(folder.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode) << "it is not mended behind the user's back";
  }
}

TEST(RuntimeFolder, ThatIsALinkIsRefused) {
  const Profile profile(nullptr);
  ::mkdir((profile.home() + "/elsewhere").c_str(), 0700);
  fs::create_directory_symlink(profile.home() + "/elsewhere", profile.runtime_dir() + "/postern");
  ExpectRefused(profile, "is a symbolic link; remove it");
  EXPECT_TRUE(fs::is_empty(profile.home() + "/elsewhere"));
}

TEST(RuntimeFolder, ThatIsAFileIsRefused) {
  const Profile profile(nullptr);
  WriteFile(profile.runtime_dir() + "/postern", "not a folder");
  ExpectRefused(profile, "is not a folder; remove it");
}

TEST(RuntimeFolder, OfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const Profile inner(nullptr);
  const std::string folder = inner.runtime_dir() + "/postern";
  ::mkdir(folder.c_str(), 0700);
  ASSERT_EQ(::chown(folder.c_str(), kSomebodyElse, kSomebodyElse), 0);
  ExpectRefused(inner, "belongs to another user");

  const Profile outer(nullptr);
  ASSERT_EQ(::chown(outer.runtime_dir().c_str(), kSomebodyElse, kSomebodyElse), 0);
  ExpectRefused(outer, "belongs to another user");
}

TEST(RuntimeFolder, WhereAnybodyCouldReplaceItIsRefused) {
  const Profile profile(nullptr);
  ::chmod(profile.runtime_dir().c_str(), 0777);
  ExpectRefused(profile, "is writable by every user");
}

TEST(DataFolder, ThatIsNotOursAloneIsRefused) {
  const Profile open(nullptr);
  ::mkdir(open.data_dir().c_str(), 0700);
  ::chmod(open.data_dir().c_str(), 0755);
  ExpectRefused(open, "chmod it to 0700");

  const Profile link(nullptr);
  ::mkdir((link.home() + "/elsewhere").c_str(), 0700);
  fs::create_directory_symlink(link.home() + "/elsewhere", link.data_dir());
  ExpectRefused(link, "is a symbolic link");

  const Profile file(nullptr);
  WriteFile(file.data_dir(), "not a folder");
  ExpectRefused(file, "is not a folder");
}

TEST(DataFolder, NeedsAHome) {
  Profile profile(nullptr);
  profile.environment()["HOME"] = "";
  profile.environment()["XDG_DATA_HOME"] = "";
  ExpectRefused(profile, "HOME is not set; set it");
}

}  // namespace
}  // namespace postern::daemon_test
