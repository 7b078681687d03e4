// SPDX-License-Identifier: Apache-2.0
// posternd: hardens itself, reads its configuration, takes its place, serves until it is told to
// stop.
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <grpc/support/log.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>
#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "broker/broker.h"
#include "broker/config.h"
#include "broker/consent_process.h"
#include "broker/door.h"
#include "broker/exit_code.h"
#include "broker/notifier.h"
#include "platform/atomic_file.h"
#include "platform/clock.h"
#include "platform/instance_lock.h"
#include "platform/linux/logind_session_watch.h"
#include "platform/linux/terminal_lender.h"
#include "platform/process_hardening.h"
#include "platform/runtime_dir.h"
#include "platform/secret_file_store.h"
#include "platform/secret_store.h"
#include "platform/service_manager.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// How often a locked keyring is looked at again.
constexpr absl::Duration kLockedPoll = absl::Seconds(2);
constexpr size_t kPassphraseBytesMax = 1024;

// Says in one line why the daemon does not run, and what to do.
int Refuse(ExitCode code, const absl::Status& status) {
  std::cerr << "posternd: " << status.message() << std::endl;
  return static_cast<int>(code);
}

void SetUpLog(const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>("posternd",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
  // gRPC's own lines name sockets and certificates of peers; what matters of them the door says
  // itself.
  gpr_set_log_function([](gpr_log_func_args* line) {
    if (line->severity == GPR_LOG_SEVERITY_ERROR) {
      spdlog::debug("event=grpc file={} line={}", line->file, line->line);
    }
  });
}

bool HasTerminal() {
  return platform::UniqueFd(open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY)).valid();
}

// Waits for SIGTERM or SIGINT at most 'timeout'; true when one came.
class Signals {
 public:
  // Call before any thread is made, so that all of them leave these signals to this one.
  Signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    // Says that the terminal is gone, where there is one. There is nothing to read anew: without a
    // terminal it is ignored.
    if (HasTerminal()) {
      sigaddset(&set, SIGHUP);
    } else {
      signal(SIGHUP, SIG_IGN);
    }
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signal(SIGPIPE, SIG_IGN);
    fd_.Reset(signalfd(-1, &set, SFD_CLOEXEC));
  }
  bool Wait(absl::Duration timeout) {
    pollfd poll_fd{fd_.get(), POLLIN, 0};
    const int milliseconds = timeout == absl::InfiniteDuration()
                                 ? -1
                                 : static_cast<int>(absl::ToInt64Milliseconds(timeout));
    return ::poll(&poll_fd, 1, milliseconds) > 0;
  }

 private:
  platform::UniqueFd fd_;
};

absl::StatusOr<std::unique_ptr<platform::SecretStore>> OpenSecrets(const Config& config,
                                                                   const std::string& data_dir) {
  if (config.secret_store == SecretStoreKind::kSecretService) {
    return platform::MakeSecretServiceStore(data_dir);
  }
  absl::StatusOr<platform::SecretBytes> passphrase =
      platform::ReadSecretFile(config.passphrase_file, kPassphraseBytesMax);
  if (!passphrase.ok()) {
    return absl::Status(passphrase.status().code(),
                        absl::StrCat("[secrets] passphrase_file ", config.passphrase_file, ": ",
                                     passphrase.status().message()));
  }
  return platform::OpenPassphraseFileStore(data_dir + "/secrets", *std::move(passphrase));
}

// Waits while the keyring is locked, saying so; CANCELLED when told to stop meanwhile.
absl::Status WaitUntilUnlocked(platform::SecretStore& secrets, Signals& signals) {
  bool said = false;
  while (true) {
    switch (secrets.State()) {
      case platform::SecretStoreState::kReady:
        return absl::OkStatus();
      case platform::SecretStoreState::kLocked:
        if (!said) {
          std::cerr
              << "posternd: the keyring is locked; unlock it and I go on. Nothing is taken in "
                 "until then."
              << std::endl;
          platform::NotifyStatus("waiting for the keyring to be unlocked");
          said = true;
        }
        if (signals.Wait(kLockedPoll)) return absl::CancelledError("stopped while waiting");
        break;
      case platform::SecretStoreState::kNoService:
        // Some keyrings are unlocked by being started anew.
        if (said) {
          if (signals.Wait(kLockedPoll)) return absl::CancelledError("stopped while waiting");
          break;
        }
        return absl::UnavailableError(
            "no program on the session bus keeps secrets; start gnome-keyring or KeePassXC, or "
            "choose a passphrase file ([secrets] in the configuration)");
      case platform::SecretStoreState::kNoSessionBus:
        return absl::UnavailableError(
            "there is no session bus, so no Secret Service; log in to a desktop session, or choose "
            "a passphrase file ([secrets] in the configuration)");
    }
  }
}

ExitCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kAlreadyExists:
      return ExitCode::kAlreadyRunning;
    case absl::StatusCode::kDataLoss:
      return ExitCode::kStorageDamaged;
    case absl::StatusCode::kUnavailable:
      return ExitCode::kStorageUnavailable;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
      return ExitCode::kStorageRefused;
    default:
      return ExitCode::kInternal;
  }
}

int Run(const Config& config, const platform::Paths& paths, Signals& signals) {
  auto runtime = platform::PrepareRuntimeDirectory(paths.runtime_dir);
  if (!runtime.ok()) return Refuse(ExitCode::kFolder, runtime.status());
  auto data = platform::PrepareDataDirectory(paths.data_dir);
  if (!data.ok()) return Refuse(ExitCode::kFolder, data.status());
  auto lock = platform::InstanceLock::Acquire(*data);
  if (!lock.ok()) {
    const ExitCode code = CodeOf(lock.status());
    return Refuse(code == ExitCode::kInternal ? ExitCode::kFolder : code, lock.status());
  }
  auto listener = platform::TakeActivationSocket("postern");
  if (!listener.ok()) return Refuse(ExitCode::kFolder, listener.status());
  auto agent = FindConsentAgent();
  if (!agent.ok()) return Refuse(ExitCode::kInternal, agent.status());

  auto secrets = OpenSecrets(config, paths.data_dir);
  if (!secrets.ok()) return Refuse(ExitCode::kSecrets, secrets.status());
  if (const absl::Status unlocked = WaitUntilUnlocked(**secrets, signals); !unlocked.ok()) {
    return absl::IsCancelled(unlocked) ? 0 : Refuse(ExitCode::kSecrets, unlocked);
  }

  const platform::SystemClock clock;
  ConsentProcess prompt(*agent, config.consent_face,
                        platform::TerminalSocketPath(paths.runtime_dir));
  NotifierProcess notifier(*agent);
  BrokerOptions options{clock,        **secrets,           prompt, config, paths.data_dir,
                        paths.socket, platform::UniqueFd()};
  if (listener->has_value()) options.listener = std::move(**listener);
  options.notifier = &notifier;
  const std::unique_ptr<platform::SessionWatch> session = platform::WatchLogind();
  options.session = session.get();
  options.start_unit = platform::StartUserUnit;
  options.stop = [] { ::kill(::getpid(), SIGTERM); };
  absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Start(std::move(options));
  if (!broker.ok()) return Refuse(CodeOf(broker.status()), broker.status());
  for (const std::string& warning : (*broker)->warnings()) {
    spdlog::error("event=warning text=\"{}\"", warning);
  }
  spdlog::info("event=serving version={}", POSTERN_VERSION);
  platform::NotifyReady("serving");
  signals.Wait(absl::InfiniteDuration());
  spdlog::info("event=stopping");
  platform::NotifyStopping();
  (*broker)->Stop();
  return 0;
}

int Main(int argc, char** argv) {
  if (const absl::Status hardened = platform::HardenProcess(); !hardened.ok()) {
    return Refuse(ExitCode::kInternal, hardened);
  }
  RequireTls13();
  Signals signals;

  CLI::App app{
      "posternd: the broker that lets your other apps read and answer your messages, as far as you "
      "allow.\n\nIt needs no options: it listens on $XDG_RUNTIME_DIR/postern/postern.sock and "
      "keeps "
      "its data in\n$XDG_DATA_HOME/postern. It has no option that grants access: only your answer "
      "in "
      "the consent\ndialog does."};
  app.footer(
      absl::StrCat("Examples:\n  posternd\n  posternd --check-config\n"
                   "  mkdir -p ~/.config/postern && posternd --print-config > "
                   "~/.config/postern/posternd.toml\n\nExit codes:\n",
                   ExitCodeTable()));
  std::string config_path;
  bool check_config = false;
  bool print_config = false;
  app.add_option(
      "--config", config_path,
      "The configuration file; default $XDG_CONFIG_HOME/postern/posternd.toml, if there");
  app.add_flag("--check-config", check_config,
               "Read the configuration, say what is wrong, and end");
  app.add_flag("--print-config", print_config, "Print every option with its default, and end");
  app.set_version_flag("--version", std::string("posternd ") + POSTERN_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  if (print_config) {
    std::cout << DefaultConfigText();
    return 0;
  }

  const auto paths = platform::FindPaths();
  if (!paths.ok() && (!check_config || config_path.empty())) {
    return Refuse(ExitCode::kFolder, paths.status());
  }
  const bool named = !config_path.empty();
  if (!named) config_path = paths->config_file;
  absl::StatusOr<Config> config = ReadConfig(config_path);
  if (absl::IsNotFound(config.status()) && !named) config = Config();
  if (!config.ok()) {
    return Refuse(ExitCode::kConfig, absl::InvalidArgumentError(absl::StrCat(
                                         config_path, ": ", config.status().message())));
  }
  if (check_config) {
    std::cout << "posternd: the configuration is good" << std::endl;
    return 0;
  }
  SetUpLog(config->log_level);
  return Run(*config, *paths, signals);
}

}  // namespace
}  // namespace postern::broker

int main(int argc, char** argv) {
  // Before the first thread: with an arena for each of gRPC's, freed memory lies about in all of
  // them.
  ::mallopt(M_ARENA_MAX, 2);
  return postern::broker::Main(argc, argv);
}
