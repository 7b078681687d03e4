// SPDX-License-Identifier: Apache-2.0
// Which chats are skipped, over runs and renames.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "clients/translator/skipped_chats.h"
#include "tests/sdk/temporary_folder.h"

namespace postern::translator {
namespace {

class SkippedChatsTest : public testing::Test {
 protected:
  std::string Path() const { return folder_.path() + "/skipped"; }
  // A run with these settings.
  SkippedChats Run(std::vector<std::string> names) {
    SkippedChats skipped(std::move(names), Path(), screen_);
    EXPECT_TRUE(skipped.Load().ok());
    return skipped;
  }
  void Write(const std::string& text) {
    std::ofstream(Path()) << text;
    ::chmod(Path().c_str(), 0600);
  }

  const sdk::TemporaryFolder folder_;
  Screen screen_;
};

TEST_F(SkippedChatsTest, AChatIsSkippedByNameOrId) {
  SkippedChats skipped = Run({"friday DINNER", "chat-2"});
  EXPECT_TRUE(skipped.Has("chat-1", "Friday dinner"));
  EXPECT_TRUE(skipped.Has("chat-2", "Work"));
  EXPECT_FALSE(skipped.Has("chat-3", "Home"));
  EXPECT_TRUE(skipped.Found("friday DINNER"));
  EXPECT_FALSE(skipped.Found("Home"));
}

TEST_F(SkippedChatsTest, WhatIsRenamedStaysSkippedInThisRunAndTheNext) {
  const std::vector<std::string> names = {"Friday dinner", "Two\nlines and a \\"};
  {
    SkippedChats skipped = Run(names);
    EXPECT_TRUE(skipped.Has("chat-1", "Friday dinner"));
    EXPECT_TRUE(skipped.Has("chat-2", "Two\nlines and a \\"));
    EXPECT_TRUE(skipped.Has("chat-1", "Saturday lunch"));
  }
  {
    SkippedChats skipped = Run(names);
    EXPECT_TRUE(skipped.Has("chat-1", "Sunday brunch"));
    EXPECT_TRUE(skipped.Has("chat-2", "Sunday brunch"));
    EXPECT_TRUE(skipped.Found("Friday dinner"));
    // Another chat takes the name: it cannot take the first one's place.
    EXPECT_TRUE(skipped.Has("chat-3", "Friday dinner"));
  }
  SkippedChats skipped = Run(names);
  EXPECT_TRUE(skipped.Has("chat-1", "Sunday brunch"));
  EXPECT_TRUE(skipped.Has("chat-3", "Monday"));
  struct stat info {};
  ASSERT_EQ(::stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST_F(SkippedChatsTest, ANameThatLeavesTheSettingsTakesItsChatsAlong) {
  EXPECT_TRUE(Run({"Friday dinner", "Work"}).Has("chat-1", "Friday dinner"));
  EXPECT_FALSE(Run({"Work"}).Has("chat-1", "Saturday lunch"));
  // Also from the disk: the name comes back without them.
  EXPECT_FALSE(Run({"Friday dinner"}).Has("chat-1", "Saturday lunch"));
}

TEST_F(SkippedChatsTest, NothingIsKeptWhenTheAccessIsOver) {
  SkippedChats skipped = Run({"Friday dinner"});
  EXPECT_TRUE(skipped.Has("chat-1", "Friday dinner"));
  ASSERT_TRUE(std::filesystem::exists(Path()));
  skipped.Forget();
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  EXPECT_FALSE(skipped.Has("chat-1", "Saturday lunch"));
  skipped.Forget();
}

TEST_F(SkippedChatsTest, AFileThatIsNotTheirsStopsTheProgram) {
  for (const std::string text : {"no-name\n", "chat-1 \n", " Friday dinner\n", "chat-1 \\q\n"}) {
    Write(text);
    EXPECT_TRUE(absl::IsFailedPrecondition(SkippedChats({}, Path(), screen_).Load())) << text;
  }
  Write("chat-1 Friday dinner\n");
  ::chmod(Path().c_str(), 0666);
  EXPECT_TRUE(absl::IsFailedPrecondition(SkippedChats({}, Path(), screen_).Load()));
}

TEST_F(SkippedChatsTest, WhatCannotBeKeptIsSkippedAllTheSameAndSaid) {
  SkippedChats skipped({"Friday dinner"}, folder_.path() + "/missing/skipped", screen_);
  ASSERT_TRUE(skipped.Load().ok());
  testing::internal::CaptureStderr();
  EXPECT_TRUE(skipped.Has("chat-1", "Friday dinner"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("skip: "));
  EXPECT_TRUE(skipped.Has("chat-1", "Saturday lunch"));
}

TEST_F(SkippedChatsTest, WhatCouldNotBeReadBackIsNotWrittenAndTheFileBeforeItStays) {
  const std::string name(1000, 'x');
  SkippedChats skipped = Run({name});
  testing::internal::CaptureStderr();
  for (int i = 0; i < 70; ++i) EXPECT_TRUE(skipped.Has("chat-" + std::to_string(i), name)) << i;
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("too many chats"));
  EXPECT_TRUE(skipped.Has("chat-69", "another"));
  EXPECT_TRUE(Run({name}).Has("chat-0", "another"));
  EXPECT_FALSE(Run({name}).Has("chat-69", "another"));
}

TEST_F(SkippedChatsTest, WhatAKilledRunLeftIsNotInTheWay) {
  std::ofstream(Path() + ".new") << "half of a li";
  EXPECT_TRUE(Run({"Friday dinner"}).Has("chat-1", "Friday dinner"));
  EXPECT_TRUE(Run({"Friday dinner"}).Has("chat-1", "Saturday lunch"));
}

}  // namespace
}  // namespace postern::translator
