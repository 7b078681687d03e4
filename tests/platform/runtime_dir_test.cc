// SPDX-License-Identifier: Apache-2.0
#include "platform/runtime_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "platform/atomic_file.h"
#include "platform/instance_lock.h"

namespace postern::platform {
namespace {

class Folders : public ::testing::Test {
 protected:
  Folders() {
    char name[] = "/tmp/postern-folders-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  ~Folders() override { std::filesystem::remove_all(root_); }

  static absl::StatusCode Runtime(const std::string& path) {
    return PrepareRuntimeDirectory(path).status().code();
  }
  static mode_t ModeOf(const std::string& path) {
    struct stat status = {};
    ::stat(path.c_str(), &status);
    return status.st_mode & 07777;
  }

  std::string root_;
};

constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;

TEST_F(Folders, RefusesASymbolicLinkEvenToAFolderOfOurs) {
  std::filesystem::create_directory(root_ + "/real");
  ::chmod((root_ + "/real").c_str(), 0700);
  ASSERT_EQ(::symlink((root_ + "/real").c_str(), (root_ + "/postern").c_str()), 0);
  EXPECT_EQ(Runtime(root_ + "/postern"), kRefused);
}

TEST_F(Folders, RefusesAFileAndALinkToNowhere) {
  std::ofstream(root_ + "/file") << "x";
  EXPECT_EQ(Runtime(root_ + "/file"), kRefused);
  ASSERT_EQ(::symlink("/nonexistent", (root_ + "/dangling").c_str()), 0);
  EXPECT_EQ(Runtime(root_ + "/dangling"), kRefused);
}

TEST_F(Folders, RefusesAFolderOpenToOthersAndLeavesItSo) {
  for (const mode_t mode : {0755, 0750, 0701, 01700, 0777}) {
    const std::string path = root_ + "/postern";
    ::mkdir(path.c_str(), 0700);
    ::chmod(path.c_str(), mode);
    EXPECT_EQ(Runtime(path), kRefused) << std::oct << mode;
    EXPECT_EQ(ModeOf(path), mode);
  }
}

TEST_F(Folders, RefusesAFolderThatAnybodyCouldReplace) {
  const std::string shared = root_ + "/shared";
  ::mkdir(shared.c_str(), 0700);
  ::mkdir((shared + "/run").c_str(), 0700);
  ::chmod(shared.c_str(), 0777);
  EXPECT_EQ(Runtime(shared + "/postern"), kRefused);
  EXPECT_EQ(Runtime(shared + "/run/postern"), kRefused);
  ::chmod(shared.c_str(), 01777);
  EXPECT_EQ(Runtime(shared + "/run/postern"), absl::StatusCode::kOk);
}

TEST_F(Folders, RefusesAnotherUsersFolder) {
  if (::geteuid() != 0) {
    EXPECT_EQ(Runtime("/root"), kRefused);
    return;
  }
  const std::string path = root_ + "/postern";
  ::mkdir(path.c_str(), 0700);
  ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
  EXPECT_EQ(Runtime(path), kRefused);
  ASSERT_EQ(::chown(root_.c_str(), 12345, 12345), 0);
  EXPECT_EQ(Runtime(root_ + "/other"), kRefused);
}

TEST_F(Folders, RefusesARuntimeFolderWhoseParentIsMissing) {
  EXPECT_EQ(Runtime(root_ + "/missing/postern"), kRefused);
  EXPECT_EQ(Runtime("relative/postern"), kRefused);
  EXPECT_EQ(Runtime(""), kRefused);
  EXPECT_EQ(Runtime("/"), kRefused);
}

TEST_F(Folders, AreMadeForTheOwnerAloneWhateverTheUmask) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(PrepareRuntimeDirectory(root_ + "/postern").ok());
  EXPECT_TRUE(PrepareRuntimeDirectory(root_ + "/postern").ok());
  EXPECT_TRUE(PrepareDataDirectory(root_ + "/.local/share/postern").ok());
  ::umask(before);
  EXPECT_EQ(ModeOf(root_ + "/postern"), 0700);
  EXPECT_EQ(ModeOf(root_ + "/.local/share/postern"), 0700);
  EXPECT_EQ(ModeOf(root_ + "/.local"), 0700);
}

TEST_F(Folders, MayLieBelowALinkOfTheAdministrators) {
  std::filesystem::create_directory(root_ + "/srv");
  ASSERT_EQ(::symlink((root_ + "/srv").c_str(), (root_ + "/home").c_str()), 0);
  EXPECT_TRUE(PrepareDataDirectory(root_ + "/home/postern").ok());
}

absl::StatusOr<Paths> PathsIn(const std::map<std::string, std::string>& environment) {
  return FindPaths([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(FindPaths, RefusesWithoutARuntimeFolderOrAHome) {
  EXPECT_EQ(PathsIn({{"HOME", "/home/a"}}).status().code(), kRefused);
  EXPECT_EQ(PathsIn({{"HOME", "/home/a"}, {"XDG_RUNTIME_DIR", "run"}}).status().code(), kRefused);
  EXPECT_EQ(PathsIn({{"XDG_RUNTIME_DIR", "/run/user/1"}}).status().code(), kRefused);
}

TEST(FindPaths, RefusesASocketPathThatTheKernelWouldCut) {
  const std::string tail = "/postern/postern.sock";
  const std::string fits = "/" + std::string(kSocketPathBytesMax - tail.size() - 1, 'r');
  auto paths = PathsIn({{"HOME", "/home/a"}, {"XDG_RUNTIME_DIR", fits}});
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->socket.size(), kSocketPathBytesMax);
  EXPECT_EQ(PathsIn({{"HOME", "/home/a"}, {"XDG_RUNTIME_DIR", fits + "r"}}).status().code(),
            kRefused);
}

TEST(FindPaths, FollowsTheSpecification) {
  auto paths = PathsIn({{"HOME", "/home/a"},
                        {"XDG_RUNTIME_DIR", "/run/user/1/"},
                        {"XDG_DATA_HOME", "relative"},
                        {"XDG_CONFIG_HOME", "/etc/a"}});
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(paths->socket, "/run/user/1/postern/postern.sock");
  EXPECT_EQ(paths->data_dir, "/home/a/.local/share/postern");
  EXPECT_EQ(paths->config_file, "/etc/a/postern/posternd.toml");
  EXPECT_EQ(paths->clients_dir, "/home/a/.local/share/postern-clients");
}

TEST_F(Folders, ReadNoSecretThatOthersCouldRead) {
  const std::string path = root_ + "/key.pem";
  ASSERT_TRUE(WriteFileAtomically(path, std::string("secret")).ok());
  EXPECT_EQ(ModeOf(path), 0600);
  EXPECT_TRUE(ReadSecretFile(path, 100).ok());
  EXPECT_EQ(ReadSecretFile(path, 5).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReadSecretFile(path + "x", 5).status().code(), absl::StatusCode::kNotFound);
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(ReadSecretFile(path, 100).status().code(), kRefused);
  EXPECT_TRUE(ReadTrustedFile(path, 100).ok());
  ::chmod(path.c_str(), 0664);
  EXPECT_EQ(ReadTrustedFile(path, 100).status().code(), kRefused);
}

TEST_F(Folders, ReadNoLinkNoFolderAndNoPipe) {
  ASSERT_TRUE(WriteFileAtomically(root_ + "/key.pem", std::string("secret")).ok());
  ASSERT_EQ(::symlink("key.pem", (root_ + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  for (const char* name : {"/link", "/pipe", ""}) {
    EXPECT_EQ(ReadSecretFile(root_ + name, 100).status().code(), kRefused) << name;
  }
}

TEST_F(Folders, KeepTheOldFileWhenTheNewOneCannotTakeItsPlace) {
  std::filesystem::create_directories(root_ + "/taken/by-a-folder");
  EXPECT_FALSE(WriteFileAtomically(root_ + "/taken", std::string("x")).ok());
  EXPECT_TRUE(std::filesystem::exists(root_ + "/taken/by-a-folder"));
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(root_)) ++files;
  EXPECT_EQ(files, 1) << "a draft was left behind";
}

TEST_F(Folders, AreHeldByOneProcessOnly) {
  auto folder = PrepareDataDirectory(root_ + "/postern");
  ASSERT_TRUE(folder.ok()) << folder.status();
  {
    auto first = InstanceLock::Acquire(*folder);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(InstanceLock::Acquire(*folder).status().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_TRUE(InstanceLock::Acquire(*folder).ok());
}

}  // namespace
}  // namespace postern::platform
