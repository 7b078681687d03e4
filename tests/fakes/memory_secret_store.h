// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "platform/mutex.h"
#include "platform/secret_store.h"
#include "platform/status_macros.h"

namespace postern::fakes {

// A SecretStore in memory whose state a test sets: locked or gone, it answers as the real one does.
// Passes the same contract suite (tests/platform/secret_store_contract.h).
class MemorySecretStore final : public platform::SecretStore {
 public:
  // What State() says from now on.
  void SetState(platform::SecretStoreState state) {
    platform::MutexLock lock(mutex_);
    state_ = state;
  }
  // How often Store succeeded: for "no new key was made".
  int stores() const {
    platform::MutexLock lock(mutex_);
    return stores_;
  }

  // What is in it, by name.
  std::vector<std::string> names() const {
    platform::MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, secret] : secrets_) names.push_back(name);
    return names;
  }

  platform::SecretStoreState State() override {
    platform::MutexLock lock(mutex_);
    return state_;
  }
  absl::StatusOr<platform::SecretBytes> Lookup(std::string_view name) override {
    RETURN_IF_ERROR(platform::CheckSecretName(name));
    platform::MutexLock lock(mutex_);
    RETURN_IF_ERROR(Ready());
    const auto found = secrets_.find(std::string(name));
    if (found == secrets_.end()) return absl::NotFoundError("there is no such secret");
    return found->second.Clone();  // the second owner is the caller
  }
  absl::Status Store(std::string_view name, std::span<const uint8_t> secret) override {
    RETURN_IF_ERROR(platform::CheckSecretName(name));
    RETURN_IF_ERROR(platform::CheckSecret(secret));
    platform::MutexLock lock(mutex_);
    RETURN_IF_ERROR(Ready());
    secrets_[std::string(name)] = platform::SecretBytes(secret);
    ++stores_;
    return absl::OkStatus();
  }
  absl::Status Erase(std::string_view name) override {
    RETURN_IF_ERROR(platform::CheckSecretName(name));
    platform::MutexLock lock(mutex_);
    RETURN_IF_ERROR(Ready());
    secrets_.erase(std::string(name));
    return absl::OkStatus();
  }
  std::string Describe() const override { return "memory"; }

 private:
  absl::Status Ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return state_ == platform::SecretStoreState::kReady
               ? absl::OkStatus()
               : absl::UnavailableError("the store is not ready");
  }

  mutable platform::Mutex mutex_;
  platform::SecretStoreState state_ ABSL_GUARDED_BY(mutex_) = platform::SecretStoreState::kReady;
  std::map<std::string, platform::SecretBytes> secrets_ ABSL_GUARDED_BY(mutex_);
  int stores_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace postern::fakes
