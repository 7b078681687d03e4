// SPDX-License-Identifier: Apache-2.0
// posternd is stopped (SIGSTOP) for minutes, and for a day, of a time that the test moves for it,
// for the adapter and for the app alike; then it is let go. What the adapter took in meanwhile
// comes once, in one go; who was connected is not punished for the pause; and what ended meanwhile
// has ended.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "clients/sdk/client.h"
#include "clients/sdk/stubs.h"
#include "platform/unique_fd.h"
#include "tests/daemon/app_journal.h"
#include "tests/daemon/file_watch.h"
#include "tests/daemon/moved_time.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// Of the agent's lists: all four scopes of a bridge, five messages an hour, and "1 day".
constexpr char kBridgeScopes[] = "1 2 3 4";
constexpr char kFiveAnHour[] = "1";
constexpr int kSendsPerHour = 5;
constexpr char kOneDay[] = "3";
// All programs together may ask five times an hour.
constexpr minutes kBetweenQuestions{15};
// How long the far end is given to react to a minute that has passed.
constexpr Milliseconds kMinute{50};

class StoppedDaemon : public SessionTest {
 protected:
  void SetUp() override {
    int network[2];
    ASSERT_EQ(::pipe2(network, O_CLOEXEC), 0);
    far_end_.Reset(network[0]);
    alice_.Reset(network[1]);
    // This end alone: to an adapter that reads no more, a write would wait for ever.
    ASSERT_EQ(::fcntl(alice_.get(), F_SETFL, O_NONBLOCK), 0);
    WriteFile(profile_.home() + "/script",
              "account you@alicechat.example \"Your AliceChat\"\n"
              "person alice \"Alice Novak\"\n"
              "direct alice\n");
    daemon_ = Run({.person = &person_});
    ASSERT_TRUE(daemon_->AwaitReady()) << daemon_->errors();
    adapter_ = Run({.program = "postern-demo-gatekeeper",
                    .arguments = {"--script", profile_.home() + "/script", "--control", "--quiet",
                                  "--journal", adapter_journal_},
                    .input = far_end_.get()});
    ASSERT_TRUE(person_.Answer({})) << person_.screen() << adapter_->errors();
    // A grant is for accounts that are there.
    ASSERT_TRUE(AwaitIn(adapter_journal_, " acked\n", 1)) << adapter_->errors();
    app_ = RunApp("org.example.reader", app_journal_, {.scopes = kAllItsScopes});
    // Each of them goes by the moved time, or the test would show nothing.
    ASSERT_GE(time_.programs(), 3);
  }

  std::unique_ptr<Process> Run(ProcessOptions options) {
    options.environment = time_.Environment();
    return Process::Start(profile_, std::move(options));
  }
  // An app that notes what it sees, and that the person allows what 'answers' say.
  std::unique_ptr<Process> RunApp(const std::string& id, const std::string& journal,
                                  const fakes::TypedAnswers& answers) {
    time_.Advance(kBetweenQuestions);
    const char* const program = ::getenv("POSTERN_CRASH_APP");
    if (program == nullptr) std::abort();  // run by ctest, which names the program
    auto app = Run({.program = program, .arguments = {id, journal}});
    EXPECT_TRUE(person_.Answer(answers)) << person_.screen() << app->errors() << daemon_->errors();
    EXPECT_TRUE(app->AwaitReady()) << app->errors();
    return app;
  }
  // An app in this process: its own time is the machine's.
  std::unique_ptr<sdk::Client> ConnectBridge(const std::string& id) {
    time_.Advance(kBetweenQuestions);
    v1::Manifest manifest;
    manifest.mutable_protocol_version()->set_major(1);
    manifest.set_app_id(id);
    manifest.set_display_name(id);
    manifest.set_purpose("Passes on what it is shown.");
    manifest.set_role(v1::ROLE_APP);
    for (const v1::Scope scope : {v1::SCOPE_CHATS_READ, v1::SCOPE_MESSAGES_READ,
                                  v1::SCOPE_MESSAGES_SEND, v1::SCOPE_FORWARD}) {
      manifest.add_required_scopes(scope);
    }
    manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
    auto connecting = std::async(std::launch::async, [&] {
      return sdk::Client::Connect(manifest,
                                  {.socket_path = profile_.socket(),
                                   .state_directory = profile_.home() + "/" + id,
                                   .broker_certificate_path = profile_.data_dir() + "/broker.pem"});
    });
    EXPECT_TRUE(person_.Answer({.scopes = kBridgeScopes, .sends = kFiveAnHour}))
        << person_.screen();
    auto client = connecting.get();
    EXPECT_TRUE(client.ok()) << client.status();
    if (!client.ok()) return nullptr;
    return *std::move(client);
  }
  // Alice's chat, as this app knows it.
  static std::string ChatOf(sdk::Client& client) {
    const auto chats = client.ListChats();
    EXPECT_TRUE(chats.ok()) << chats.status();
    return chats.ok() && chats->items.size() == 1 ? chats->items.front().id() : "";
  }
  // Whether it holds the lease of Alice's chat now, or stands by.
  static bool Holds(sdk::Client& bridge) {
    v1::AcquireLeaseRequest request;
    request.set_request_id("lease");
    request.set_chat_id(ChatOf(bridge));
    request.set_target_network("bobchat");
    v1::AcquireLeaseResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    const grpc::Status status = bridge.stubs().forward->AcquireLease(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.lease().held();
  }

  // Alice writes messages "first" to "first + count - 1", and the adapter has taken them in.
  void AliceWrites(int first, int count, size_t filling = 0) {
    for (int i = first; i < first + count; ++i) {
      const std::string line = absl::StrCat(
          R"({"do":{"chat_id":"direct:alice","message_created":{"message":{"id":"m)", i,
          R"(","sender_contact_id":"alice","text":")", TextOf(i, filling), "\"}}}}\n");
      for (size_t at = 0; at < line.size();) {
        pollfd ready{alice_.get(), POLLOUT, 0};
        ASSERT_EQ(::poll(&ready, 1, static_cast<int>(kPatience.count())), 1) << adapter_->errors();
        const ssize_t written = ::write(alice_.get(), line.data() + at, line.size() - at);
        ASSERT_GT(written, 0);
        at += static_cast<size_t>(written);
      }
    }
    written_ += static_cast<size_t>(count);
    ASSERT_TRUE(Await([&] { return Count(adapter_->output(), "{\"done\"") == written_; }))
        << adapter_->output() << adapter_->errors();
  }
  static std::string TextOf(int number, size_t filling) {
    return absl::StrCat(number, std::string(filling, '.'));
  }

  // From here on the daemon does nothing.
  void StopDaemon() {
    daemon_->Signal(SIGSTOP);
    siginfo_t stopped{};
    // One that has ended instead is found too, and left for its owner to collect.
    ASSERT_EQ(
        ::waitid(P_PID, static_cast<id_t>(daemon_->pid()), &stopped, WSTOPPED | WEXITED | WNOWAIT),
        0);
    ASSERT_EQ(stopped.si_code, CLD_STOPPED) << daemon_->errors();
  }
  void LetDaemonGo() { daemon_->Signal(SIGCONT); }

  static bool AwaitIn(const std::string& path, const std::string& what, size_t count) {
    return FileWatch(path).Await(
        [&](const std::string& bytes) { return Count(bytes, what) >= count; });
  }
  bool AwaitApp(int messages) const {
    return AwaitIn(app_journal_, kEventWord, static_cast<size_t>(messages));
  }
  size_t Attachments() const { return Count(ReadFile(adapter_journal_), "attached\n"); }
  // The position up to which all is durable, by what the adapter was told.
  uint64_t LastAcked() const {
    uint64_t last = 0;
    std::istringstream lines(ReadFile(adapter_journal_));
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with(" acked")) last = std::stoull(line);
    }
    return last;
  }
  nlohmann::json Status() const {
    const Ending status =
        RunToEnd(profile_, {.program = "postern", .arguments = {"status", "--json"}});
    auto json = nlohmann::json::parse(status.output, nullptr, false);
    EXPECT_TRUE(json.is_object()) << status.errors;
    return json.is_object() ? json : nlohmann::json::object();
  }
  int LiveStreams() const { return Status().value("stream_count", 0); }
  // The connections that a program has, by the kernel's own numbers: one that was made anew has
  // another.
  static std::set<std::string> ConnectionsOf(const Process& process) {
    std::set<std::string> connections;
    const std::string folder = absl::StrCat("/proc/", process.pid(), "/fd");
    DIR* const files = ::opendir(folder.c_str());
    if (files == nullptr) return connections;
    while (const dirent* const file = ::readdir(files)) {
      char target[64] = {};
      if (::readlink((folder + "/" + file->d_name).c_str(), target, sizeof(target) - 1) > 0 &&
          absl::StartsWith(target, "socket:")) {
        connections.insert(target);
      }
    }
    ::closedir(files);
    return connections;
  }

  // The app saw messages 0 to 'count - 1', in order and once, in one life.
  void ExpectAllOnce(int count, size_t filling = 0) {
    ASSERT_TRUE(AwaitApp(count)) << app_->errors() << adapter_->errors() << daemon_->errors();
    int next = 0;
    std::istringstream lines(ReadFile(app_journal_));
    for (std::string line; std::getline(lines, line);) {
      if (!absl::StartsWith(line, kEventWord)) continue;
      ASSERT_EQ(line, kEventWord + TextOf(next, next == 0 ? 0 : filling));
      ++next;
    }
    EXPECT_EQ(next, count);
    EXPECT_EQ(Count(ReadFile(app_journal_), "start\n"), 1u);
    EXPECT_TRUE(app_->running()) << app_->errors();
    EXPECT_TRUE(adapter_->running()) << adapter_->errors();
    EXPECT_TRUE(daemon_->running()) << daemon_->errors();
  }
  // In how many frames the app was given what its journal has from byte 'from' on.
  size_t FramesSince(size_t from) const {
    return Count(ReadFile(app_journal_, from), std::string(kFrameLine) + "\n");
  }

  Profile profile_{&session()};
  MovedTime time_{profile_.home() + "/time"};
  fakes::ScriptedPerson person_;
  platform::UniqueFd far_end_;
  platform::UniqueFd alice_;
  const std::string adapter_journal_ = profile_.home() + "/adapter";
  const std::string app_journal_ = profile_.home() + "/app";
  std::unique_ptr<Process> daemon_;
  std::unique_ptr<Process> adapter_;
  std::unique_ptr<Process> app_;
  size_t written_ = 0;
};

TEST_F(StoppedDaemon, CatchesUpOnceOverTheConnectionsItHad) {
  constexpr int kMinutes = 5;
  constexpr int kEachMinute = 100;
  const auto first = ConnectBridge("org.example.first");
  const auto second = ConnectBridge("org.example.second");
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_TRUE(Holds(*first));
  EXPECT_FALSE(Holds(*second));
  ASSERT_NO_FATAL_FAILURE(AliceWrites(0, 1));
  ASSERT_TRUE(AwaitApp(1)) << app_->errors();
  const std::set<std::string> connections = ConnectionsOf(*app_);
  ASSERT_FALSE(connections.empty());

  ASSERT_NO_FATAL_FAILURE(StopDaemon());
  for (int minute = 0; minute < kMinutes; ++minute) {
    ASSERT_NO_FATAL_FAILURE(AliceWrites(1 + minute * kEachMinute, kEachMinute));
    time_.Advance(minutes(1));
  }
  const size_t before = ReadFile(app_journal_).size();
  LetDaemonGo();
  ASSERT_NO_FATAL_FAILURE(ExpectAllOnce(1 + kMinutes * kEachMinute));
  std::printf("  %d events after the stop came in %zu frames\n", kMinutes * kEachMinute,
              FramesSince(before));
  // In frames of several, not one for each: one for each commit, and a commit takes what is there.
  EXPECT_LE(FramesSince(before), static_cast<size_t>(kMinutes * kEachMinute / 2));

  // Nobody left for that, and a lease is worth as much as the connection of its holder.
  EXPECT_EQ(Attachments(), 1u) << adapter_->errors();
  EXPECT_EQ(ConnectionsOf(*app_), connections);
  EXPECT_TRUE(Holds(*first));
  EXPECT_FALSE(Holds(*second));
  const nlohmann::json status = Status();
  EXPECT_EQ(status.value("stream_count", 0), 1);
  // And the user is not told that the clock is wrong.
  EXPECT_EQ(Count(status.dump(), "KIND_CLOCK_JUMPED"), 0u) << status.dump();
}

TEST_F(StoppedDaemon, ReaderThatStoodStillTooIsNotGivenUpForThePause) {
  constexpr int kMessages = 40;
  // Together much more than a connection holds of what is not read.
  constexpr size_t kFilling = 60'000;
  ASSERT_NO_FATAL_FAILURE(AliceWrites(0, 1));
  ASSERT_TRUE(AwaitApp(1)) << app_->errors();
  const std::set<std::string> connections = ConnectionsOf(*app_);
  const uint64_t acked = LastAcked();

  app_->Signal(SIGSTOP);
  ASSERT_NO_FATAL_FAILURE(AliceWrites(1, kMessages, kFilling));
  ASSERT_TRUE(Await([&] { return LastAcked() >= acked + kMessages; })) << adapter_->errors();
  ASSERT_NO_FATAL_FAILURE(StopDaemon());
  time_.Advance(minutes(5));
  LetDaemonGo();
  // It has looked at its streams by now, and would have ended this one.
  for (int i = 0; i < 2; ++i) ASSERT_EQ(LiveStreams(), 1) << daemon_->errors();
  app_->Signal(SIGCONT);
  ASSERT_NO_FATAL_FAILURE(ExpectAllOnce(1 + kMessages, kFilling));
  EXPECT_EQ(ConnectionsOf(*app_), connections);
  EXPECT_EQ(LiveStreams(), 1);
}

TEST_F(StoppedDaemon, IsFoundAgainAfterADayByWhomItStillAllows) {
  constexpr int kEarly = 3;
  constexpr int kLate = 50;
  const std::string brief_journal = profile_.home() + "/brief";
  const auto brief =
      RunApp("org.example.brief", brief_journal, {.scopes = kAllItsScopes, .duration = kOneDay});
  const auto bridge = ConnectBridge("org.example.bridge");
  ASSERT_NE(bridge, nullptr);
  const std::string chat_id = ChatOf(*bridge);
  ASSERT_NO_FATAL_FAILURE(AliceWrites(0, kEarly));
  ASSERT_TRUE(AwaitApp(kEarly)) << app_->errors();
  ASSERT_TRUE(AwaitIn(brief_journal, kEventWord, kEarly)) << brief->errors();
  for (int i = 0; i < kSendsPerHour; ++i) {
    const auto sent = bridge->SendText(chat_id, absl::StrCat("sent ", i));
    ASSERT_TRUE(sent.ok()) << sent.status();
  }
  EXPECT_EQ(sdk::ErrorReasonOf(bridge->SendText(chat_id, "one too many").status()),
            v1::ERROR_REASON_LIMIT_EXCEEDED);

  ASSERT_NO_FATAL_FAILURE(StopDaemon());
  ASSERT_NO_FATAL_FAILURE(AliceWrites(kEarly, kLate));
  // Minute after minute, until the adapter has found out that nobody is there any more, and has
  // then tried in vain for some time.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  FileWatch errors(adapter_->errors_path());
  while (!errors.Await(
      [](const std::string& bytes) { return Count(bytes, "waiting for Postern") >= 3; }, 0,
      kMinute)) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << adapter_->errors();
    time_.Advance(minutes(1));
  }
  time_.Advance(hours(25));
  const size_t before = ReadFile(app_journal_).size();
  LetDaemonGo();

  // The app has its own texts too, which come back from the network.
  ASSERT_TRUE(AwaitIn(app_journal_, absl::StrCat(kEventWord, kEarly + kLate - 1, "\n"), 1))
      << app_->errors() << adapter_->errors() << daemon_->errors();
  std::printf("  %d events came in %zu frames, to %zu attachments\n", kLate, FramesSince(before),
              Attachments());
  EXPECT_EQ(Attachments(), 2u) << adapter_->errors();
  // The day of this one ended meanwhile.
  EXPECT_EQ(brief->Wait(), 1) << brief->errors();
  for (int i = kEarly; i < kEarly + kLate; ++i) {
    EXPECT_EQ(Count(ReadFile(brief_journal), absl::StrCat(kEventWord, i, "\n")), 0u);
  }
  // And the hour of this limit.
  const auto sent = bridge->SendText(chat_id, "a day later");
  EXPECT_TRUE(sent.ok()) << sent.status();
  ASSERT_TRUE(AwaitIn(app_journal_, "event a day later", 1)) << app_->errors();
  std::vector<int> seen;
  std::istringstream lines(ReadFile(app_journal_));
  for (std::string line; std::getline(lines, line);) {
    int number = 0;
    if (absl::StartsWith(line, kEventWord) &&
        absl::SimpleAtoi(line.substr(sizeof(kEventWord) - 1), &number)) {
      seen.push_back(number);
    }
  }
  std::vector<int> expected(kEarly + kLate);
  for (int i = 0; i < kEarly + kLate; ++i) expected[static_cast<size_t>(i)] = i;
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(Count(ReadFile(app_journal_), "start\n"), 1u);
  EXPECT_EQ(LiveStreams(), 1);
}

}  // namespace
}  // namespace postern::daemon_test
