// SPDX-License-Identifier: Apache-2.0
// The line that says that the person is being asked, while a command waits for the answer.
#pragma once

#include <thread>

#include "clients/postern/command.h"
#include "platform/mutex.h"

namespace postern::cli {

// Shows the line on stderr while it lives, once the answer takes longer than a machine would need:
// once where nobody looks, with the time that has passed where it is a terminal, not at all where
// the command prints JSON.
class Waiting {
 public:
  explicit Waiting(Context& context);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  void Tick();

  Terminal& err_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::cli
