// SPDX-License-Identifier: Apache-2.0
// What people write is nowhere on the disk in a form that another program could read: not in the
// database, its log, a spool, a temporary file, or the log at its most talkative level.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/random.h>

#include <array>
#include <filesystem>
#include <thread>

#include "clients/sdk/client.h"
#include "tests/daemon/leak_search.h"
#include "tests/daemon/process.h"
#include "tests/daemon/session.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Made at run time, so that no source, log or core of another test holds it.
std::string MakeCanary() {
  std::array<char, 12> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) abort();
  return "canary" + Hex(std::string(random.data(), random.size()), false);
}

v1::Manifest ReaderManifest() {
  v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id("org.example.reader");
  manifest.set_display_name("Reader");
  manifest.set_purpose("Reads what a search must not find.");
  manifest.set_role(v1::ROLE_APP);
  for (const v1::Scope scope : {v1::SCOPE_CHATS_READ, v1::SCOPE_MESSAGES_READ,
                                v1::SCOPE_MESSAGES_HISTORY, v1::SCOPE_MESSAGES_SEND}) {
    manifest.add_required_scopes(scope);
  }
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  return manifest;
}

class Canary : public SessionTest {
 protected:
  void SetUp() override {
    started_ = fs::file_time_type::clock::now();
    // Where it may be found: the script that it comes from.
    char folder[] = "/tmp/postern-control-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    control_ = folder;
    script_ = control_ + "/script";
    WriteFile(script_, "person eve \"Eve " + canary_ + "\"\ndirect eve\n" + "group club \"Club " +
                           canary_ + "\" eve\n" + "+0 eve eve says m1 \"first " + canary_ + "\"\n" +
                           "+0 eve club says m2 \"second " + canary_ + "\"\n" +
                           "+0 eve club edits m2 \"third " + canary_ + "\"\n" +
                           "+0 eve eve says m3 \"fourth " + canary_ + "\" reply=m1\n" +
                           "+0 eve eve deletes m3\n");
    WriteFile(profile_.config_file(), "[log]\nlevel = \"trace\"\n");
  }
  void TearDown() override { fs::remove_all(control_); }

  // Nothing but the script holds it, now.
  void ExpectNowhere(const std::string& when) {
    std::set<std::string> found = search_.FilesWith(profile_.home());
    found.merge(search_.FilesWith(session().home()));
    for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm", "/var/log", "/var/crash"}) {
      found.merge(search_.FilesWith(folder, started_));
    }
    EXPECT_EQ(found.count(script_), 1u) << "the search finds what is there";
    found.erase(script_);
    EXPECT_THAT(found, IsEmpty()) << when;
    std::printf("  %s: searched, %zu files read so far\n", when.c_str(), search_.files_read());
  }

  const std::string canary_ = MakeCanary();
  const LeakSearch search_{canary_};
  Profile profile_{&session()};
  fs::file_time_type started_;
  std::string control_;
  std::string script_;
};

TEST_F(Canary, SearchFindsEveryFormItLooksFor) {
  const std::string folder = control_ + "/forms";
  fs::create_directory(folder);
  const auto write = [&](const std::string& name, const std::string& bytes) {
    WriteFile(folder + "/" + name, "before " + bytes + " after");
  };
  write("plain", canary_);
  write("hex", Hex("xy" + canary_ + "z", false));
  write("upper-hex", Hex("x" + canary_, true));
  write("utf16-little-endian", Utf16("x" + canary_, false));
  write("utf16-big-endian", Utf16("x" + canary_, true));
  write("base64-0", Base64(canary_ + "tail"));
  write("base64-1", Base64("x" + canary_ + "tail"));
  write("base64-2", Base64("xy" + canary_ + "tail"));
  write("base64-3", Base64("xyz" + canary_));
  EXPECT_EQ(search_.FilesWith(folder).size(), 9u);
  WriteFile(folder + "/without", "canary");
  EXPECT_EQ(search_.FilesWith(folder).size(), 9u);
}

TEST_F(Canary, IsInNoFileWhateverIsDoneWithIt) {
  fakes::ScriptedPerson person;
  const auto daemon = Process::Start(profile_, {.person = &person});
  ASSERT_TRUE(daemon->AwaitReady()) << daemon->errors();
  const auto adapter = Process::Start(
      profile_, {.program = "postern-demo-gatekeeper",
                 .arguments = {"--script", script_, "--full-speed", "--quiet", "--exit-at-end"}});
  ASSERT_TRUE(person.Answer({})) << adapter->errors();
  ASSERT_EQ(adapter->Wait(), 0) << adapter->errors();
  const auto serving =
      Process::Start(profile_, {.program = "postern-demo-gatekeeper",
                                .arguments = {"--script", script_, "--full-speed", "--quiet"}});

  sdk::ClientOptions options;
  options.socket_path = profile_.socket();
  options.state_directory = profile_.clients_dir() + "/org.example.reader";
  options.broker_certificate_path = profile_.data_dir() + "/broker.pem";
  absl::StatusOr<std::unique_ptr<sdk::Client>> client;
  std::thread connect([&] { client = sdk::Client::Connect(ReaderManifest(), options); });
  const bool answered = person.Answer({.scopes = "1 2 3 4", .history = "4"});
  connect.join();
  ASSERT_TRUE(answered);
  ASSERT_TRUE(client.ok()) << client.status();

  // Through the API it is there: in names, in history, in the stream, and on its way back.
  const auto chats = (*client)->ListChats();
  ASSERT_TRUE(chats.ok()) << chats.status();
  ASSERT_EQ(chats->items.size(), 2u);
  int names = 0;
  int texts = 0;
  for (const v1::Chat& chat : chats->items) {
    names += chat.name().find(canary_) != std::string::npos ? 1 : 0;
    const auto messages = (*client)->ListMessages(chat.id());
    ASSERT_TRUE(messages.ok()) << messages.status();
    for (const v1::Message& message : messages->items) {
      texts += message.text().find(canary_) != std::string::npos ? 1 : 0;
    }
    const auto sent = (*client)->SendText(chat.id(), "fifth " + canary_);
    EXPECT_TRUE(sent.ok()) << sent.status();
  }
  EXPECT_EQ(names, 2);
  EXPECT_GE(texts, 2);
  const auto events = (*client)->Subscribe(
      {.name = "main", .start = v1::SubscribeRequest::START_OLDEST, .include_own = true});
  bool streamed = false;
  while (!streamed) {
    const auto event = events->Next(absl::Seconds(20));
    ASSERT_TRUE(event.ok()) << event.status();
    streamed = event->has_message_created() &&
               event->message_created().message().text().find(canary_) != std::string::npos;
  }

  ExpectNowhere("while it runs");
  EXPECT_EQ(daemon->Kill(), 128 + SIGKILL);
  EXPECT_EQ(serving->Kill(), 128 + SIGKILL);
  ExpectNowhere("after a kill");
  const auto again = Process::Start(profile_);
  ASSERT_TRUE(again->AwaitReady()) << again->errors();
  EXPECT_TRUE((*client)->ListChats().ok());
  EXPECT_EQ(again->Stop(), 0);
  ExpectNowhere("after a clean end");
}

}  // namespace
}  // namespace postern::daemon_test
