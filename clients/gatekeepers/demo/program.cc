// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/program.h"

#include <absl/strings/str_cat.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

#include "clients/gatekeepers/demo/alice_chat.h"
#include "clients/gatekeepers/demo/connection.h"
#include "clients/gatekeepers/demo/control.h"
#include "clients/gatekeepers/demo/journal.h"
#include "clients/gatekeepers/demo/script.h"
#include "clients/sdk/files.h"
#include "platform/mutex.h"
#include "platform/secret_store.h"
#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::demo {
namespace {

constexpr char kAppId[] = "org.postern.demo-gatekeeper";
constexpr char kClient[] = "AliceChat 1.0 (scripted)";
constexpr char kVersion[] = "1.0";
// How often a locked keyring is looked at again.
constexpr absl::Duration kKeyringRetry = absl::Seconds(2);
// While the end waits for the broker: how often signals are looked at.
constexpr absl::Duration kDurableSlice = absl::Milliseconds(100);

// Whole lines on stdout, from any thread. Where standard output belongs to the answers of --control
// the chats are shown on standard error.
class Screen {
 public:
  Screen(bool quiet, bool control) : quiet_(quiet), stream_(control ? stderr : stdout) {}
  void Show(const std::string& line) {
    if (!quiet_) Write(line, stream_);
  }
  void Answer(const std::string& line) { Write(line, stdout); }

 private:
  void Write(const std::string& line, std::FILE* stream) {
    platform::MutexLock lock(mutex_);
    // At once, also where there is no buffer: others write to standard error too.
    const std::string whole = line + '\n';
    std::fwrite(whole.data(), 1, whole.size(), stream);
    std::fflush(stream);
  }
  const bool quiet_;
  std::FILE* const stream_;
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

// Reads requests from standard input on a thread of its own, and ends the program with its end.
class ControlReader {
 public:
  ControlReader(Control& control, Screen& screen)
      : stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this, &control, &screen] {
          Read(control, screen);
          ::kill(::getpid(), SIGTERM);
        }) {}
  ~ControlReader() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  ControlReader(const ControlReader&) = delete;
  ControlReader& operator=(const ControlReader&) = delete;

 private:
  void Read(Control& control, Screen& screen) {
    std::string buffer;
    char bytes[4096];
    for (;;) {
      pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0) continue;
      if (fds[1].revents != 0) return;
      const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (got <= 0 || buffer.size() > kRequestBytesMax) return;
      buffer.append(bytes, static_cast<size_t>(got));
      size_t begin = 0;
      for (size_t end = buffer.find('\n'); end != std::string::npos;
           end = buffer.find('\n', begin)) {
        screen.Answer(control.Handle(buffer.substr(begin, end - begin)));
        begin = end + 1;
      }
      buffer.erase(0, begin);
    }
  }

  platform::UniqueFd stop_;
  std::thread thread_;
};

absl::StatusOr<Script> LoadScript(const ProgramOptions& options) {
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
  *hello.mutable_default_capabilities() = script.capabilities;
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

// Whether the broker has said its last word. Told on the link's threads.
class LastWord {
 public:
  void Say() {
    platform::MutexLock lock(mutex_);
    said_ = true;
  }
  bool said() const {
    platform::MutexLock lock(mutex_);
    return said_;
  }

 private:
  mutable platform::Mutex mutex_;
  bool said_ ABSL_GUARDED_BY(mutex_) = false;
};

sdk::GatekeeperCallbacks MakeCallbacks(Journal& journal, LastWord& last_word, AliceChat& alice,
                                       Screen& screen) {
  sdk::GatekeeperCallbacks callbacks;
  callbacks.on_state = [&](sdk::LinkState state, const absl::Status& status) {
    TellState(state, status);
    if (state == sdk::LinkState::kAttached) journal.Write("attached\n");
    if (state != sdk::LinkState::kEnded) return;
    last_word.Say();
    ::kill(::getpid(), SIGTERM);  // ends the main thread's wait; its exit code tells the two apart
  };
  callbacks.on_disclosure = [&](const v1::Disclosure& disclosure) {
    const std::string line = alice.ChangeHeader(disclosure);
    if (!line.empty()) screen.Show(line);
  };
  callbacks.on_durable = [&](uint64_t position) {
    journal.Write(absl::StrCat(position, " acked\n"));
  };
  callbacks.on_refused = [](const v1::RefusedEvent& refused) {
    Say(absl::StrCat("event ", refused.position(), " was refused: ",
                     v1::ErrorReason_Name(refused.reason()), " ", refused.field()));
  };
  return callbacks;
}

// Plays, and then waits for the end. Returns the exit code.
int PlayToTheEnd(const ProgramOptions& options, Player& player, Connection& connection,
                 Signals& signals, const LastWord& last_word) {
  absl::Status status = player.Run();
  if (status.ok() && options.exit_at_end && !options.control) {
    do {
      status = connection.link().WaitUntilDurable(kDurableSlice);
    } while (absl::IsDeadlineExceeded(status) && !last_word.said() &&
             signals.Wait(absl::ZeroDuration()));
  } else if (status.ok()) {
    while (signals.Wait(absl::InfiniteDuration())) {
    }
  }
  if (last_word.said()) return kNotAllowed;
  if (!status.ok() && !absl::IsCancelled(status) && !absl::IsDeadlineExceeded(status)) {
    Say(std::string(status.message()));
    return kNoStorage;
  }
  return kDone;
}

}  // namespace

int RunProgram(const ProgramOptions& options) {
  Signals signals;
  ::umask(077);
  const auto script = LoadScript(options);
  if (!script.ok()) {
    Say(std::string(script.status().message()));
    return kUsage;
  }
  Faults faults(options.seed);
  for (const std::string& fault : options.faults) {
    if (const absl::Status status = faults.Add(fault); !status.ok()) {
      Say(std::string(status.message()));
      return kUsage;
    }
  }
  if (!options.faults.empty() || options.generate > 0) Say(absl::StrCat("seed ", options.seed));
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
  Screen screen(options.quiet, options.control);
  World world;
  Files files;
  for (const auto& [id, file] : script->files) files.AddGenerated(id, file);
  const absl::Time start = absl::Now();
  AliceChat alice(*script, world, files, faults, start);
  LastWord last_word;
  const auto show = [&](const std::string& line) { screen.Show(line); };
  std::function<void(const v1::Event&)> show_event;
  if (options.show_events) {
    show_event = [&](const v1::Event& event) {
      screen.Show(absl::StrCat("happened ", EventText(event)));
    };
  }
  Connection connection({alice, files, faults, show, Say, show_event}, MakeManifest(),
                        MakeHello(*script), {.secret_store = secrets.get()},
                        MakeCallbacks(**journal, last_word, alice, screen));
  // A command may come before the player has told which chats there are.
  for (const Step& step : script->setup) world.Apply(step.event);

  absl::Status opened = connection.Open();
  while (absl::IsUnavailable(opened)) {
    Say(absl::StrCat("waiting: ", opened.message()));
    if (!signals.Wait(kKeyringRetry)) return kDone;
    opened = connection.Open();
  }
  if (!opened.ok()) {
    Say(std::string(opened.message()));
    return kNoStorage;
  }
  Player player(
      *script, options.play,
      {.link = [&]() -> sdk::GatekeeperLink& { return connection.link(); },
       .reconnect = [&] { return connection.Reopen(); },
       .world = world,
       .faults = faults,
       .journal = **journal,
       .show = show,
       .wait =
           [&](absl::Duration duration) { return !last_word.said() && signals.Wait(duration); }});
  Control control(*script, world, files, start,
                  [&](const v1::Event& event) { return connection.link().Submit(event).status(); });
  std::unique_ptr<ControlReader> reader;
  if (options.control) reader = std::make_unique<ControlReader>(control, screen);
  return PlayToTheEnd(options, player, connection, signals, last_word);
}

}  // namespace postern::demo
