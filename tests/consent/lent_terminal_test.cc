// SPDX-License-Identifier: Apache-2.0
// Questions on a terminal that a person lends, where there is no display.
#include "broker/lent_terminal.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <future>

#include "platform/linux/message_channel.h"
#include "platform/linux/terminal_lender.h"
#include "tests/consent/asking.h"

namespace postern::consent_test {
namespace {

using broker::ConsentCancellation;
using broker::ConsentFace;
using broker::ConsentOutcome;
using broker::ConsentProcess;
using fakes::ScriptedPerson;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using testing::HasSubstr;
using Kind = ConsentOutcome::Kind;

class LentTerminal : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/postern_lent.XXXXXX";
    runtime_dir_ = ::mkdtemp(pattern);
    ::setenv("XDG_RUNTIME_DIR", runtime_dir_.c_str(), 1);
    for (const char* display : {"DISPLAY", "WAYLAND_DISPLAY"}) ::unsetenv(display);
    socket_ = platform::TerminalSocketPath(runtime_dir_ + "/postern");
  }
  void TearDown() override { std::filesystem::remove_all(runtime_dir_); }

  // Has the person lend their terminal.
  void Lend(ScriptedPerson& person) {
    lender_ = person.Run(std::vector<std::string>{AgentPath(), "--lend-terminal"});
    ASSERT_GT(lender_, 0);
    ASSERT_TRUE(person.Expect("questions come to this terminal")) << person.screen();
  }
  std::future<ConsentOutcome> Ask(const ConsentQuestion& question) {
    return std::async(std::launch::async, [this, question] {
      return ConsentProcess(AgentPath(), ConsentFace::kAuto, socket_)
          .Ask(question, platform::UniqueFd(), cancellation_, PreviewOfDraft);
    });
  }

  std::string runtime_dir_;
  std::string socket_;
  pid_t lender_ = 0;
  ConsentCancellation cancellation_;
};

TEST_F(LentTerminal, TakesQuestionAfterQuestion) {
  ScriptedPerson person;
  Lend(person);
  for (const bool allow : {true, false}) {
    std::future<ConsentOutcome> outcome = Ask(GatekeeperQuestion());
    ASSERT_TRUE(person.Answer({.word = allow ? "allow" : "no"})) << person.screen();
    const ConsentOutcome answered = outcome.get();
    EXPECT_EQ(answered.kind, Kind::kAnswered) << person.screen();
    EXPECT_EQ(answered.answer.decision, allow ? ConsentDecision::kAllow : ConsentDecision::kRefuse);
  }
  person.Type("\x03");
  EXPECT_EQ(person.Wait(), 0) << person.screen();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(LentTerminal, GivesTheQuestionToNobodyWhenNoneIsLent) {
  EXPECT_EQ(Ask(GatekeeperQuestion()).get().kind, Kind::kUnavailable);
}

TEST_F(LentTerminal, EndsTheQuestionWhenItIsClosed) {
  auto person = std::make_unique<ScriptedPerson>();
  Lend(*person);
  std::future<ConsentOutcome> outcome = Ask(GatekeeperQuestion());
  ASSERT_TRUE(person->Expect("Your name for it")) << person->screen();
  person.reset();
  EXPECT_EQ(outcome.get().kind, Kind::kFailed);
}

TEST_F(LentTerminal, IsOneAtATime) {
  ScriptedPerson first;
  Lend(first);
  ScriptedPerson second;
  second.Run(std::vector<std::string>{AgentPath(), "--lend-terminal"});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.screen(), HasSubstr("another terminal waits"));
}

TEST_F(LentTerminal, IsNotTakenFromAFolderThatIsOpenToOthers) {
  ScriptedPerson person;
  Lend(person);
  const std::string folder = std::filesystem::path(socket_).parent_path();
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  EXPECT_EQ(broker::BorrowTerminal(socket_, -1, absl::Seconds(5)).status().code(),
            absl::StatusCode::kPermissionDenied);
}

// Whatever answers at the socket: only a terminal is taken from it.
TEST_F(LentTerminal, IsATerminalAndNothingElse) {
  const std::string folder = std::filesystem::path(socket_).parent_path();
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  const platform::UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  for (const bool with_file : {false, true}) {
    auto borrowed = std::async(std::launch::async, [this] {
      return broker::BorrowTerminal(socket_, -1, absl::Seconds(5)).status();
    });
    const platform::UniqueFd peer(::accept(listener.get(), nullptr, nullptr));
    ASSERT_TRUE(platform::SendOnChannel(peer.get(), platform::kLentTerminal,
                                        with_file ? listener.get() : -1, -1, absl::Seconds(5))
                    .ok());
    EXPECT_EQ(borrowed.get().code(), absl::StatusCode::kUnavailable);
  }
}

TEST_F(LentTerminal, WaitsNoLongerThanTheQuestion) {
  const std::string folder = std::filesystem::path(socket_).parent_path();
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  const platform::UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ConsentQuestion question = GatekeeperQuestion();
  question.timeout = absl::Seconds(1);
  EXPECT_EQ(Ask(question).get().kind, Kind::kExpired);
  auto withdrawn = Ask(GatekeeperQuestion());
  cancellation_.Cancel();
  EXPECT_EQ(withdrawn.get().kind, Kind::kCancelled);
}

}  // namespace
}  // namespace postern::consent_test
