// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/new_file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace postern::cli {
namespace {

namespace fs = std::filesystem;

class NewFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/postern-new-file-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string folder_;
};

TEST_F(NewFileTest, BearsItsNameOnlyOnceItIsWholeAndIsTheUsersAlone) {
  const std::string path = folder_ + "/history";
  auto file = NewFile::Make(path);
  ASSERT_TRUE(file.ok()) << file.status();
  file->Write("one\n");
  EXPECT_FALSE(fs::exists(path));
  ASSERT_TRUE(file->Finish().ok());
  std::ifstream stream(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), "one\n");
  struct stat about {};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(NewFileTest, LeavesNothingOfWhatWasNotFinished) {
  std::optional<NewFile> file(*NewFile::Make(folder_ + "/history"));
  file->Write("half");
  file.reset();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(NewFileTest, RefusesAFileThatIsThereAndAFolderThatIsNot) {
  std::ofstream(folder_ + "/there") << "mine";
  EXPECT_EQ(NewFile::Make(folder_ + "/there").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(NewFile::Make(folder_ + "/none/file").status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Another code would be told as a posternd that does not run.
TEST_F(NewFileTest, SaysThatItWasNotWritten) {
  auto file = NewFile::Make(folder_ + "/history");
  ASSERT_TRUE(file.ok());
  fs::remove_all(folder_);
  const absl::Status status = file->Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(std::string(status.message()).find("was not written"), std::string::npos);
}

}  // namespace
}  // namespace postern::cli
