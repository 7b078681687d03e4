// SPDX-License-Identifier: Apache-2.0
// postern-demo-gatekeeper: AliceChat, a messaging client that plays a script.
#include <absl/strings/str_cat.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "clients/gatekeepers/demo/alice_chat.h"
#include "clients/gatekeepers/demo/journal.h"
#include "clients/gatekeepers/demo/player.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/sdk/files.h"
#include "clients/sdk/gatekeeper_link.h"
#include "platform/mutex.h"
#include "platform/secret_store.h"
#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr char kAppId[] = "org.postern.demo-gatekeeper";
constexpr char kClient[] = "AliceChat 1.0 (scripted)";
constexpr char kVersion[] = "1.0";
// How often a locked keyring is looked at again.
constexpr absl::Duration kKeyringRetry = absl::Seconds(2);
// While the end waits for the broker: how often signals are looked at.
constexpr absl::Duration kDurableSlice = absl::Milliseconds(100);

// Exit codes, as --help and the README name them.
constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr int kNotAllowed = 3;
constexpr int kNoStorage = 4;

struct Options {
  std::string script_path;
  std::string journal_path;
  PlayOptions play;
  bool full_speed = false;
  bool exit_at_end = false;
  bool quiet = false;
  int generate = 0;
  int chats = 20;
  uint64_t seed = 1;
};

// Whole lines on stdout, from any thread.
class Screen {
 public:
  explicit Screen(bool quiet) : quiet_(quiet) {}
  void Show(const std::string& line) {
    if (quiet_) return;
    platform::MutexLock lock(mutex_);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
  }

 private:
  const bool quiet_;
  platform::Mutex mutex_;
};

void Say(const std::string& line) { std::fprintf(stderr, "AliceChat: %s\n", line.c_str()); }

// SIGTERM and SIGINT are blocked in every thread and taken here: a wait that they end.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGTERM);
    ::sigaddset(&set_, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  // Returns false when it is time to stop.
  bool Wait(absl::Duration duration) {
    if (stop_) return false;
    const timespec time = absl::ToTimespec(std::max(duration, absl::ZeroDuration()));
    const int taken = duration == absl::InfiniteDuration() ? ::sigwaitinfo(&set_, nullptr)
                                                           : ::sigtimedwait(&set_, nullptr, &time);
    stop_ = taken > 0;
    return !stop_;
  }

 private:
  sigset_t set_;
  bool stop_ = false;
};

absl::StatusOr<Script> LoadScript(const Options& options) {
  if (options.generate > 0) return GenerateScript(options.generate, options.chats, options.seed);
  if (options.script_path.empty()) return ParseScript(DefaultScript());
  std::ifstream file(options.script_path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", options.script_path));
  std::ostringstream text;
  text << file.rdbuf();
  auto script = ParseScript(text.str());
  if (!script.ok()) {
    return absl::Status(script.status().code(),
                        absl::StrCat(options.script_path, ": ", script.status().message()));
  }
  return script;
}

v1::Manifest MakeManifest() {
  v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id(kAppId);
  manifest.set_display_name("AliceChat (demo)");
  manifest.set_purpose("Brings the chats of AliceChat, a scripted client, to Postern.");
  manifest.set_role(v1::ROLE_GATEKEEPER);
  manifest.add_networks("alicechat");
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  manifest.set_software_version(kVersion);
  return manifest;
}

v1::AttachHello MakeHello(const Script& script) {
  v1::AttachHello hello;
  *hello.mutable_account() = script.account;
  hello.set_software_version(kClient);
  v1::ChatCapabilities& can = *hello.mutable_default_capabilities();
  can.set_hash("alicechat-1");
  can.set_text(v1::CAPABILITY_LEVEL_FULL);
  can.set_formatting(v1::CAPABILITY_LEVEL_FULL);
  can.set_reply(v1::CAPABILITY_LEVEL_FULL);
  can.set_mention(v1::CAPABILITY_LEVEL_FULL);
  can.set_edit(v1::CAPABILITY_LEVEL_FULL);
  can.set_delete_(v1::CAPABILITY_LEVEL_FULL);
  can.set_reaction(v1::CAPABILITY_LEVEL_FULL);
  can.set_attachment(v1::CAPABILITY_LEVEL_REJECTED);
  can.set_disappearing(v1::CAPABILITY_LEVEL_PARTIAL);
  can.set_manage(v1::CAPABILITY_LEVEL_REJECTED);
  return hello;
}

void TellState(sdk::LinkState state, const absl::Status& status) {
  switch (state) {
    case sdk::LinkState::kConnecting:
      Say(status.ok() ? "connecting to Postern"
                      : absl::StrCat("waiting for Postern (", status.message(), ")"));
      break;
    case sdk::LinkState::kEnrolling:
      Say("asking you to allow AliceChat as a gatekeeper; please answer Postern's question");
      break;
    case sdk::LinkState::kAttached:
      Say("attached");
      break;
    case sdk::LinkState::kEnded:
      Say(absl::StrCat("ended: ", status.message()));
      break;
  }
}

int Run(const Options& options) {
  Signals signals;
  ::umask(077);
  const auto script = LoadScript(options);
  if (!script.ok()) {
    Say(std::string(script.status().message()));
    return kUsage;
  }
  const auto journal = Journal::Open(options.journal_path);
  if (!journal.ok()) {
    Say(std::string(journal.status().message()));
    return kUsage;
  }
  const auto data = sdk::DataHome();
  if (!data.ok()) {
    Say(std::string(data.status().message()));
    return kNoStorage;
  }
  const auto secrets = platform::MakeSecretServiceStore(*data + "/postern-clients");
  Screen screen(options.quiet);

  // The handler answers through the link that Open is still making when the first command comes.
  platform::Mutex link_mutex;
  platform::ConditionVariable link_made;
  sdk::GatekeeperLink* link = nullptr;
  bool ended = false;
  sdk::GatekeeperCallbacks callbacks;
  callbacks.on_command = [&](const v1::Command& command) {
    {
      platform::MutexLock lock(link_mutex);
      while (link == nullptr) link_made.Wait(link_mutex);
    }
    const Outcome outcome = CarryOut(command, script->chats, absl::Now());
    if (const absl::Status status = link->Answer(outcome.result, outcome.events); !status.ok()) {
      Say(absl::StrCat("a command could not be answered: ", status.message()));
      return;
    }
    if (!outcome.line.empty()) screen.Show(outcome.line);
  };
  callbacks.on_state = [&](sdk::LinkState state, const absl::Status& status) {
    TellState(state, status);
    if (state == sdk::LinkState::kAttached) (*journal)->Write("attached\n");
    if (state != sdk::LinkState::kEnded) return;
    {
      platform::MutexLock lock(link_mutex);
      ended = true;
    }
    ::kill(::getpid(), SIGTERM);  // ends the main thread's wait; its exit code tells the two apart
  };
  // What each chat's header says. Told on the link's one thread, anew after each attach.
  std::map<std::string, std::string> headers;
  callbacks.on_disclosure = [&](const v1::Disclosure& disclosure) {
    const std::string line = DisclosureLine(disclosure, script->chats);
    std::string& header = headers[disclosure.chat_id()];
    if (line.empty() || line == header) return;
    header = line;
    screen.Show(line);
  };
  callbacks.on_durable = [&](uint64_t position) {
    (*journal)->Write(absl::StrCat(position, " acked\n"));
  };
  callbacks.on_refused = [&](const v1::RefusedEvent& refused) {
    Say(absl::StrCat("event ", refused.position(), " was refused: ",
                     v1::ErrorReason_Name(refused.reason()), " ", refused.field()));
  };

  absl::StatusOr<std::unique_ptr<sdk::GatekeeperLink>> opened;
  for (;;) {
    opened = sdk::GatekeeperLink::Open(MakeManifest(), MakeHello(*script),
                                       {.secret_store = secrets.get()}, callbacks);
    if (!absl::IsUnavailable(opened.status())) break;
    Say(absl::StrCat("waiting: ", opened.status().message()));
    if (!signals.Wait(kKeyringRetry)) return kDone;
  }
  if (!opened.ok()) {
    Say(std::string(opened.status().message()));
    return kNoStorage;
  }
  {
    platform::MutexLock lock(link_mutex);
    link = opened->get();
    link_made.NotifyAll();
  }

  const auto has_ended = [&] {
    platform::MutexLock lock(link_mutex);
    return ended;
  };
  Player player(
      *script, options.play, *link, **journal, [&](const std::string& line) { screen.Show(line); },
      [&](absl::Duration duration) { return !has_ended() && signals.Wait(duration); });
  absl::Status status = player.Run();
  if (status.ok() && options.exit_at_end) {
    do {
      status = link->WaitUntilDurable(kDurableSlice);
    } while (absl::IsDeadlineExceeded(status) && !has_ended() &&
             signals.Wait(absl::ZeroDuration()));
  } else if (status.ok()) {
    while (signals.Wait(absl::InfiniteDuration())) {
    }
  }
  if (has_ended()) return kNotAllowed;
  if (!status.ok() && !absl::IsCancelled(status) && !absl::IsDeadlineExceeded(status)) {
    Say(std::string(status.message()));
    return kNoStorage;
  }
  return kDone;
}

}  // namespace
}  // namespace postern::demo

int main(int argc, char** argv) {
  postern::demo::Options options;
  CLI::App app{
      "AliceChat: a messaging client that plays a script, and Postern's demo gatekeeper.\n"
      "Waits for you to allow it, brings its chats to the broker, and does what apps ask.\n"};
  app.name("postern-demo-gatekeeper");
  app.add_option("--script", options.script_path, "Play this file instead of the built-in script")
      ->check(CLI::ExistingFile);
  app.add_option("--speed", options.play.speed, "Play so many times as fast")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  app.add_flag("--full-speed", options.full_speed, "Play without any pause");
  app.add_option("--repeat", options.play.rounds, "Play the script so often")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  auto* generate = app.add_option("--generate", options.generate,
                                  "Make so many events instead of playing a script")
                       ->check(CLI::Range(1, 10000000));
  app.add_option("--seed", options.seed, "For --generate: same seed, same events")
      ->needs(generate)
      ->capture_default_str();
  app.add_option("--chats", options.chats, "For --generate: over so many chats")
      ->needs(generate)
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_option("--rate", options.play.rate, "So many events a second instead of the pauses")
      ->check(CLI::Range(0.1, 1000000.0));
  app.add_option(
      "--journal", options.journal_path,
      "Append 'POSITION submitted ID', 'POSITION acked' and 'attached' lines to this file");
  app.add_flag("--exit-at-end", options.exit_at_end,
               "Exit when the script is over and the broker has stored all of it");
  app.add_flag("--quiet", options.quiet, "Do not show the chats");
  app.footer(
      "\nExamples:\n"
      "  postern-demo-gatekeeper                        the built-in script, then serve apps\n"
      "  postern-demo-gatekeeper --speed 3 --exit-at-end\n"
      "  postern-demo-gatekeeper --generate 10000 --seed 7 --chats 40 --quiet --exit-at-end\n"
      "  postern-demo-gatekeeper --generate 50000 --rate 5000 --quiet --journal acked.txt\n"
      "\nA script is played once: killed or stopped, the next run with it goes on where it was.\n"
      "\nExit codes: 0 done or stopped, 2 usage or script, 3 not allowed (any more), 4 keyring, "
      "spool\n"
      "or disk.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? postern::demo::kDone : postern::demo::kUsage;
  }
  if (options.full_speed || (options.generate > 0 && app.count("--speed") == 0)) {
    options.play.speed = 0;
  }
  return postern::demo::Run(options);
}
