// SPDX-License-Identifier: Apache-2.0
// The real window on a virtual display, with real key presses (xdotool) and assistive technology
// (AT-SPI, press_widgets.py), which finds things by what they say and not by where they are. No
// window manager: the test gives the focus itself, and so knows since when the window has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

#include "broker/consent_process.h"
#include "tests/consent/asking.h"

namespace postern::consent_test {
namespace {

using broker::ConsentCancellation;
using broker::ConsentFace;
using broker::ConsentOutcome;
using broker::ConsentProcess;
using permissions::ChatChoice;
using permissions::ConsentDecision;
using permissions::ConsentQuestion;
using permissions::Scope;
using permissions::ScopeSet;
using testing::ElementsAre;
using Clock = std::chrono::steady_clock;
using Kind = ConsentOutcome::Kind;

// Runs a shell command and returns what it prints.
std::string Output(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 256> buffer;
  while (::fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  ::pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// Starts a server that says where it is on a descriptor: its number is added to the last argument.
// Returns what it says, and sets 'pid'.
std::string Start(std::vector<std::string> arguments, pid_t& pid) {
  int said[2];
  if (::pipe(said) != 0) return "";
  pid = ::fork();
  if (pid == 0) {
    ::close(said[0]);
    arguments.back() += std::to_string(said[1]);
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    ::execvp(words.front(), words.data());
    ::_exit(127);
  }
  ::close(said[1]);
  std::string line;
  for (char byte = 0; ::read(said[0], &byte, 1) == 1 && byte != '\n';) line += byte;
  ::close(said[0]);
  return line;
}

// A virtual display and a session bus for the whole program. Xvfb picks a free number itself, and
// does not begin anew, taking nobody, whenever its last client is gone.
class Display : public testing::Environment {
 public:
  void SetUp() override {
    const std::string display = Start(
        {"Xvfb", "-screen", "0", "1024x2000x24", "-noreset", "-nolisten", "tcp", "-displayfd", ""},
        server_);
    ASSERT_FALSE(display.empty()) << "Xvfb does not start";
    ::setenv("DISPLAY", (":" + display).c_str(), 1);
    const std::string bus =
        Start({"dbus-daemon", "--session", "--nofork", "--print-address="}, bus_);
    ASSERT_FALSE(bus.empty()) << "dbus-daemon does not start";
    ::setenv("DBUS_SESSION_BUS_ADDRESS", bus.c_str(), 1);
    ::unsetenv("WAYLAND_DISPLAY");
    for (const auto& [name, value] : {std::pair{"GDK_BACKEND", "x11"},
                                      {"GSK_RENDERER", "cairo"},
                                      {"GDK_DEBUG", "gl-disable"},
                                      {"GDK_DISABLE", "gl"},
                                      {"GSETTINGS_BACKEND", "memory"},
                                      {"GTK_A11Y", "atspi"}}) {
      ::setenv(name, value, 1);
    }
  }
  void TearDown() override {
    for (const pid_t pid : {bus_, server_}) {
      if (pid <= 0) continue;
      ::kill(pid, SIGTERM);
      ::waitpid(pid, nullptr, 0);
    }
  }

 private:
  pid_t server_ = 0;
  pid_t bus_ = 0;
};

const auto* const kDisplay = testing::AddGlobalTestEnvironment(new Display);

class Window : public testing::Test {
 protected:
  // Asks, and does not wait for the window.
  void Begin(const ConsentQuestion& question) {
    // Without a window manager the window below the pointer has the focus.
    Output("xdotool mousemove 1020 1990");
    outcome_ = std::async(std::launch::async, [this, question] {
      return ConsentProcess(AgentPath(), ConsentFace::kWindow)
          .Ask(question, platform::UniqueFd(), cancellation_, {});
    });
  }
  // Asks and waits until the window is there.
  void Ask(const ConsentQuestion& question) {
    Begin(question);
    window_ = Output("timeout 60 xdotool search --sync --onlyvisible --name '^Postern$' | tail -1");
    ASSERT_FALSE(window_.empty());
    // Tall enough to show all of it, so that what is to be clicked need not be scrolled to.
    Output("xdotool windowsize --sync " + window_ + " 600 1900");
  }
  void TearDown() override { cancellation_.Cancel(); }

  void Focus() {
    // Before, because it has the focus somewhere within this call.
    focused_ = Clock::now();
    Output("xdotool windowfocus --sync " + window_);
  }
  // Gives the focus to the root window.
  void LoseFocus() {
    Output("xdotool windowfocus $(xdotool search --maxdepth 0 '' 2>/dev/null | head -1)");
  }
  void Key(const std::string& keys) { Output("xdotool key " + keys); }
  // Presses the widgets of these names, one after the other, as a screen reader would.
  void Press(const std::string& names) {
    ASSERT_EQ(Output("/usr/bin/python3 " PRESS_WIDGETS " " + names + " 2>&1 && echo pressed"),
              "pressed");
  }
  bool Answered() {
    return outcome_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  ConsentOutcome Outcome() { return outcome_.get(); }
  // Presses 'keys' until the question is over: a single press right after the focus moved is
  // sometimes lost on its way. Returns how long after the focus that took.
  Clock::duration Insist(const std::string& keys, Clock::duration most = std::chrono::seconds(20)) {
    const Clock::time_point started = Clock::now();
    while (!Answered() && Clock::now() - started < most) Key(keys);
    return Clock::now() - focused_;
  }
  Clock::duration InsistOnAllow() { return Insist("alt+a"); }
  void ExpectRefused() {
    const ConsentOutcome outcome = Outcome();
    EXPECT_EQ(outcome.kind, Kind::kAnswered);
    EXPECT_EQ(outcome.answer.decision, ConsentDecision::kRefuse);
    EXPECT_TRUE(outcome.answer.scopes.empty());
  }

  ConsentCancellation cancellation_;
  std::string window_;
  std::future<ConsentOutcome> outcome_;
  Clock::time_point focused_;
};

TEST_F(Window, RefusesOnEscape) {
  Ask(TranslatorQuestion());
  Focus();
  Insist("Escape");
  ExpectRefused();
}

TEST_F(Window, RefusesOnEnter) {
  Ask(TranslatorQuestion());
  Focus();
  Insist("Return");
  ExpectRefused();
}

TEST_F(Window, RefusesOnEnterInTheNameField) {
  Ask(GatekeeperQuestion());
  Focus();
  Press("'Your name for it'");
  Insist("x y z Return");
  ExpectRefused();
}

TEST_F(Window, RefusesOnSpaceAtFirst) {
  Ask(GatekeeperQuestion());
  Focus();
  Insist("space");
  ExpectRefused();
}

TEST_F(Window, RefusesWhenItIsClosed) {
  Ask(GatekeeperQuestion());
  Focus();
  Press("Close");
  ExpectRefused();
}

TEST_F(Window, ExpiresWithoutAnAnswer) {
  ConsentQuestion question = TranslatorQuestion();
  question.timeout = absl::Seconds(3);
  // A slow machine may not have shown it by then.
  Begin(question);
  EXPECT_EQ(Outcome().kind, Kind::kExpired);
}

TEST_F(Window, GoesWhenTheQuestionIsWithdrawn) {
  Ask(TranslatorQuestion());
  cancellation_.Cancel();
  EXPECT_EQ(Outcome().kind, Kind::kCancelled);
}

// The guard is measured from outside: the first press that counts comes a second after the focus.
TEST_F(Window, AllowsNothingInTheFirstSecondOfItsFocus) {
  Ask(GatekeeperQuestion());
  // Without a window manager GTK takes the focus itself, at a moment that the test does not see.
  LoseFocus();
  Focus();
  EXPECT_GE(InsistOnAllow(), std::chrono::milliseconds(1000));
  EXPECT_EQ(Outcome().answer.decision, ConsentDecision::kAllow);
}

TEST_F(Window, StartsTheSecondAgainWhenTheFocusWasLost) {
  Ask(GatekeeperQuestion());
  Focus();
  // Awake: the pressing below would allow at once.
  while (Clock::now() - focused_ < std::chrono::milliseconds(1300)) Key("shift");
  LoseFocus();
  Focus();
  EXPECT_GE(InsistOnAllow(), std::chrono::milliseconds(1000));
  EXPECT_EQ(Outcome().answer.decision, ConsentDecision::kAllow);
}

TEST_F(Window, DoesNotAllowAnAppWithoutAChoice) {
  Ask(TranslatorQuestion());
  Focus();
  // A scope, and no chat: then Allow stays asleep beyond its second.
  Press("'Read new messages'");
  Insist("alt+a", std::chrono::seconds(3));
  ASSERT_FALSE(Answered());
  // The same keys allow once there is one.
  Press("'Work (group'");
  InsistOnAllow();
  EXPECT_EQ(Outcome().answer.decision, ConsentDecision::kAllow);
}

TEST_F(Window, GrantsWhatWasTicked) {
  Ask(TranslatorQuestion());
  Focus();
  Press("'Read new messages' 'Send messages as you' 'Work (group'");
  InsistOnAllow();
  const ConsentOutcome outcome = Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered);
  EXPECT_EQ(outcome.answer.decision, ConsentDecision::kAllow);
  EXPECT_EQ(outcome.answer.scopes, (ScopeSet{Scope::kMessagesRead, Scope::kMessagesSend}));
  EXPECT_EQ(outcome.answer.chat_choice, ChatChoice::kListed);
  EXPECT_THAT(outcome.answer.chats, ElementsAre(2u));
}

TEST_F(Window, GrantsAllChatsOfTheAccountsThatWereTicked) {
  Ask(TranslatorQuestion());
  Focus();
  Press("'See the chats' 'All chats, also those that begin later' 'alice (alicechat)'");
  InsistOnAllow();
  const ConsentOutcome outcome = Outcome();
  ASSERT_EQ(outcome.kind, Kind::kAnswered);
  EXPECT_EQ(outcome.answer.scopes, ScopeSet{Scope::kChatsRead});
  EXPECT_EQ(outcome.answer.chat_choice, ChatChoice::kAllAndNew);
  EXPECT_THAT(outcome.answer.accounts, ElementsAre(1u));
}

}  // namespace
}  // namespace postern::consent_test
