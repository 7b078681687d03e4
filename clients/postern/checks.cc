// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/checks.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "clients/owner/owner_key.h"
#include "clients/owner/owner_secrets.h"
#include "clients/owner/visible_text.h"
#include "clients/postern/app.h"
#include "clients/postern/owner.h"
#include "clients/postern/problem.h"
#include "platform/secret_store.h"
#include "platform/tls_identity.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

constexpr char kStart[] = "Start it: `systemctl --user start posternd`, or `posternd`.";
constexpr mode_t kOthers = 077;
// A data directory with more entries than this is not ours; the check stops there.
constexpr int kEntriesMax = 1000;

std::string Mode(const struct stat& status) {
  return absl::StrFormat("%04o", status.st_mode & 07777);
}

// Somebody else's, or open to others. Empty when neither.
std::string Weakness(const struct stat& status) {
  if (status.st_uid != ::getuid()) return "it belongs to another user";
  if ((status.st_mode & kOthers) != 0)
    return absl::StrCat("others may use it (", Mode(status), ")");
  return "";
}

}  // namespace

Finding CheckRuntimeDirectory(const owner::Paths& paths) {
  const std::string name = "runtime_directory";
  if (paths.runtime_directory.empty()) {
    return {name, Outcome::kFailed, "XDG_RUNTIME_DIR is not set",
            "Log in through a desktop or `machinectl shell`, or set it to a private directory."};
  }
  struct stat status {};
  if (::lstat(paths.runtime_directory.c_str(), &status) != 0) {
    return {name, Outcome::kFailed, paths.runtime_directory + " is not there", kStart};
  }
  if (!S_ISDIR(status.st_mode)) {
    return {name, Outcome::kFailed, paths.runtime_directory + " is not a directory",
            "Remove it and restart posternd."};
  }
  if (const std::string weakness = Weakness(status); !weakness.empty()) {
    return {name, Outcome::kFailed, absl::StrCat(paths.runtime_directory, ": ", weakness),
            "Remove it and restart posternd, which makes it 0700."};
  }
  return {name, Outcome::kOk, paths.runtime_directory + " is yours alone", ""};
}

Finding CheckSocket(const owner::Paths& paths) {
  const std::string name = "socket";
  struct stat status {};
  if (paths.socket.empty() || ::lstat(paths.socket.c_str(), &status) != 0) {
    return {name, Outcome::kFailed, "there is no socket: posternd does not run here", kStart};
  }
  if (!S_ISSOCK(status.st_mode) || status.st_uid != ::getuid()) {
    return {name, Outcome::kFailed, paths.socket + " is not a socket of yours",
            "Remove it and restart posternd."};
  }
  return {name, Outcome::kOk, paths.socket, ""};
}

Finding CheckSecretStore(const owner::Paths& paths) {
  const std::string name = "secret_store";
  const auto opened = owner::OpenOwnerSecrets(paths);
  if (!opened.ok()) {
    return {name, Outcome::kFailed, VisibleText(std::string(opened.status().message())),
            "Look at [secrets] in posternd.toml."};
  }
  platform::SecretStore& store = **opened;
  const platform::SecretStoreState state = store.State();
  const std::string seen =
      absl::StrCat(store.Describe(), ": ", std::string(platform::SecretStoreStateName(state)));
  switch (state) {
    case platform::SecretStoreState::kReady:
      break;
    case platform::SecretStoreState::kLocked:
      return {name, Outcome::kFailed, seen, "Unlock the keyring; posternd waits for it."};
    case platform::SecretStoreState::kNoService:
      return {name, Outcome::kFailed, seen,
              "Install and start a Secret Service, e.g. gnome-keyring or KeePassXC."};
    case platform::SecretStoreState::kNoSessionBus:
      return {name, Outcome::kFailed, seen,
              "Run this in your desktop session, or set DBUS_SESSION_BUS_ADDRESS."};
  }
  if (absl::IsNotFound(store.Lookup(owner::kOwnerKeyName).status())) {
    return {name, Outcome::kWarning, seen + ", without an owner's key",
            "posternd makes it when it first starts. Was this keyring open then?"};
  }
  return {name, Outcome::kOk, seen, ""};
}

Finding CheckBrokerCertificate(const owner::Paths& paths) {
  const std::string name = "broker_certificate";
  struct stat status {};
  if (::lstat(paths.broker_certificate.c_str(), &status) != 0) {
    return {name, Outcome::kFailed, paths.broker_certificate + " is not there", kStart};
  }
  if (status.st_uid != ::getuid() || (status.st_mode & 022) != 0) {
    return {name, Outcome::kFailed, "others could have written " + paths.broker_certificate,
            "Remove it and restart posternd, which writes it anew."};
  }
  std::ifstream file(paths.broker_certificate);
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  if (!platform::SpkiSha256OfPem(pem).ok()) {
    return {name, Outcome::kFailed, paths.broker_certificate + " is no certificate of a broker",
            "Remove it and restart posternd, which writes it anew."};
  }
  return {name, Outcome::kOk, "pinned in " + paths.broker_certificate, ""};
}

std::vector<Finding> CheckPermissions(const owner::Paths& paths) {
  const std::string name = "permissions";
  std::vector<Finding> findings;
  const auto look_at = [&](const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    const bool link = S_ISLNK(status.st_mode);
    const std::string weakness = link ? "it is a link" : Weakness(status);
    if (weakness.empty()) return;
    findings.push_back(
        {name, Outcome::kWarning, absl::StrCat(VisibleText(path), ": ", weakness),
         absl::StrCat("chmod ", S_ISDIR(status.st_mode) ? "700 " : "600 ", VisibleText(path))});
  };
  int entries = 0;
  for (const std::string& directory : {paths.data_directory, OwnStateDirectory(paths)}) {
    look_at(directory);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      if (++entries > kEntriesMax) break;
      // What clients pin is no secret: only its writers matter, and those have a check of their
      // own.
      if (entry.path().filename() != "broker.pem") look_at(entry.path().string());
    }
  }
  if (findings.empty()) {
    findings.push_back(
        {name, Outcome::kOk, entries == 0 ? "no data yet" : "data and keys are yours alone", ""});
  }
  return findings;
}

std::vector<Finding> CheckBroker(const owner::Paths& paths) {
  const std::string name = "broker";
  const auto explain = [&](const absl::Status& status) {
    const Problem problem = Explain(status, Caller::kOwner);
    return std::vector<Finding>{{name, Outcome::kFailed, problem.what, problem.next}};
  };
  const auto owner = Owner::Connect(paths);
  if (!owner.ok()) return explain(owner.status());
  const auto status = (*owner)->GetStatus();
  if (!status.ok()) return explain(status.status());
  std::vector<Finding> findings;
  findings.push_back(
      {name, Outcome::kOk,
       absl::StrCat("posternd ", VisibleText(status->software_version()), " answers, contract ",
                    status->protocol_version().major(), ".", status->protocol_version().minor()),
       ""});
  if (status->software_version() != POSTERN_VERSION) {
    findings.push_back({"versions", Outcome::kWarning,
                        absl::StrCat("postern is ", POSTERN_VERSION, ", posternd is ",
                                     VisibleText(status->software_version())),
                        "Restart posternd after an update."});
  }
  findings.push_back({"storage", Outcome::kOk,
                      absl::StrCat("SQLCipher ", VisibleText(status->cipher_version()), ", ",
                                   status->event_count(), " events"),
                      ""});
  for (const std::string& warning : status->warnings()) {
    findings.push_back({"warning", Outcome::kWarning, VisibleText(warning),
                        "`postern status` shows it until it is dealt with."});
  }
  return findings;
}

}  // namespace postern::cli
