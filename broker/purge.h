// SPDX-License-Identifier: Apache-2.0
// Removes everything that the daemon keeps: files, keys, the socket. Whoever calls has asked the
// person.
#pragma once

#include <absl/base/thread_annotations.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "broker/store.h"
#include "broker/store_anchor.h"
#include "platform/mutex.h"
#include "platform/secret_store.h"

namespace postern::broker {

// Thread-safe.
class Purge {
 public:
  struct Options {
    Store& store;
    StoreAnchor& anchor;
    platform::SecretStore& secrets;
    // Exists, and is the daemon's alone.
    std::string data_dir;
    std::string socket_path;
    // Makes the daemon stop. Called once, kPurgeGrace after the removal, so that the reply to
    // whoever asked gets out first. May be empty.
    std::function<void()> stop;
  };

  explicit Purge(Options options) : options_(std::move(options)) {}
  ~Purge();
  Purge(const Purge&) = delete;
  Purge& operator=(const Purge&) = delete;

  // Stops all writing, then removes. Returns what is still there and why, for people; empty when
  // nothing is. What the daemon did not make it leaves, and names.
  std::vector<std::string> Run();

 private:
  void StopLater();

  const Options options_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread stopper_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
