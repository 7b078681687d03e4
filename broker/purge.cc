// SPDX-License-Identifier: Apache-2.0
#include "broker/purge.h"

#include <absl/functional/function_ref.h>
#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "broker/file_vault.h"
#include "broker/limits.h"
#include "platform/clock.h"

namespace postern::broker {
namespace {

namespace fs = std::filesystem;

// All that the daemon makes in its folder; tests hold the list against a folder that was used.
constexpr std::array<std::string_view, 9> kFiles = {"events.db",  "events.db-wal",  "events.db-shm",
                                                    "high-water", "high-water.new", "access-mark",
                                                    "broker.pem", "posternd.lock",  "secrets"};
// All that it keeps in the secret store; the same test.
constexpr std::array<std::string_view, 4> kSecrets = {"database-anchor", "database-key",
                                                      "broker-key", "owner-key"};

bool IsOurs(const std::string& name) {
  return std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end();
}

void Remove(const fs::path& path, std::vector<std::string>& remaining) {
  std::error_code error;
  fs::remove(path, error);
  if (error) remaining.push_back(absl::StrCat(path.string(), ": ", error.message()));
}

// Removes a folder that has become empty; one that has not was named for what is in it.
void RemoveIfEmpty(const fs::path& folder) {
  std::error_code ignored;
  fs::remove(folder, ignored);
}

// Removes what is ours in a folder, where 'remove' says of each name whether it is and removes it,
// and names the rest.
void RemoveIn(const fs::path& folder, absl::FunctionRef<bool(const fs::path&)> remove,
              std::vector<std::string>& remaining) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (remove(entry.path())) continue;
    remaining.push_back(absl::StrCat(entry.path().string(), ": not made by posternd"));
  }
  if (error) remaining.push_back(absl::StrCat(folder.string(), ": ", error.message()));
}

}  // namespace

Purge::~Purge() {
  std::thread stopper;
  {
    platform::MutexLock lock(mutex_);
    ending_ = true;
    changed_.NotifyAll();
    std::swap(stopper, stopper_);
  }
  if (stopper.joinable()) stopper.join();
}

std::vector<std::string> Purge::Run() {
  std::vector<std::string> remaining;
  spdlog::warn("event=purge");
  options_.store.Retire();
  // What the keyring was still to remember is not written after it was made to forget.
  options_.anchor.Retire();

  const auto remove_file = [&](const fs::path& path) {
    if (!IsVaultName(path.filename().string())) return false;
    Remove(path, remaining);
    return true;
  };
  const auto remove = [&](const fs::path& path) {
    const std::string name = path.filename().string();
    // The keys of a passphrase file go one by one below, and the file after them.
    if (name == "secrets") return true;
    if (name == kVaultFolder) {
      RemoveIn(path, remove_file, remaining);
      RemoveIfEmpty(path);
      return true;
    }
    if (!IsOurs(name)) return false;
    Remove(path, remaining);
    return true;
  };
  RemoveIn(options_.data_dir, remove, remaining);

  // Keys last: until here a crash leaves a daemon that starts, and can be asked again.
  for (const std::string_view name : kSecrets) {
    if (const absl::Status erased = options_.secrets.Erase(name); !erased.ok()) {
      remaining.push_back(absl::StrCat("the key \"", std::string(name), "\" in the ",
                                       options_.secrets.Describe(), ": ",
                                       std::string(erased.message())));
    }
  }
  const fs::path secrets = fs::path(options_.data_dir) / "secrets";
  if (remaining.empty()) Remove(secrets, remaining);
  Remove(options_.socket_path, remaining);
  RemoveIfEmpty(options_.data_dir);
  RemoveIfEmpty(fs::path(options_.socket_path).parent_path());
  StopLater();
  return remaining;
}

void Purge::StopLater() {
  if (!options_.stop) return;
  platform::MutexLock lock(mutex_);
  if (ending_ || stopper_.joinable()) return;
  stopper_ = std::thread([this] {
    const platform::SystemClock clock;
    const absl::Duration deadline = clock.Elapsed() + kPurgeGrace;
    {
      platform::MutexLock waiting(mutex_);
      while (!ending_ && clock.Elapsed() < deadline) {
        changed_.WaitFor(mutex_, deadline - clock.Elapsed());
      }
      if (ending_) return;
    }
    options_.stop();
  });
}

}  // namespace postern::broker
