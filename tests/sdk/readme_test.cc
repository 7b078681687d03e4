// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "clients/sdk/manifest.h"
#include "tests/sdk/fake_broker.h"

namespace postern::sdk {
namespace {

constexpr char kManifest[] = R"(app_id = "org.example.reader"
display_name = "Reader"
purpose = "Reads your chats aloud."
required_scopes = ["messages:read"]
[data_destination]
kind = "stays_on_device"
)";

// The README's program, run as a user would: it enrols, prints, acknowledges, and ends when
// revoked.
TEST(ReadmeSubscriber, PrintsWhatComesAndEndsWhenRevoked) {
  const char* program = std::getenv("POSTERN_README_SUBSCRIBER");
  if (program == nullptr) GTEST_SKIP() << "run by ctest, which names the program";
  const TemporaryFolder folder;
  const std::string home = folder.path();
  // Where the program looks without being told.
  std::filesystem::create_directories(home + "/run/postern");
  std::filesystem::create_directories(home + "/data/postern");
  FakeBroker broker(home + "/run/postern");
  std::filesystem::rename(home + "/run/postern/broker.pem", home + "/data/postern/broker.pem");
  std::filesystem::create_symlink("broker.sock", home + "/run/postern/postern.sock");
  std::ofstream(home + "/reader.toml") << kManifest;
  broker.state.enrolled = false;

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::setenv("XDG_RUNTIME_DIR", (home + "/run").c_str(), 1);
    ::setenv("XDG_DATA_HOME", (home + "/data").c_str(), 1);
    if (::chdir(home.c_str()) != 0 || std::freopen("out", "w", stdout) == nullptr ||
        std::freopen("err", "w", stderr) == nullptr) {
      ::_exit(100);
    }
    ::execl(program, program, static_cast<char*>(nullptr));
    ::_exit(101);
  }
  broker.WaitFor([&] { return broker.state.subscribe_calls == 1; });
  broker.AddEvents(2);
  broker.WaitFor([&] { return broker.state.acknowledged["main"] == 2; });
  broker.Revoke();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 1);
  std::ostringstream out, err;
  out << std::ifstream(home + "/out").rdbuf();
  err << std::ifstream(home + "/err").rdbuf();
  EXPECT_EQ(out.str(), ": hello\n: hello\n");
  EXPECT_THAT(err.str(), ::testing::HasSubstr("GRANT_REVOKED"));
}

}  // namespace
}  // namespace postern::sdk
