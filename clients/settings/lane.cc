// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/lane.h"

#include <glib.h>

#include <utility>

namespace postern::settings {

Lane::Lane() : thread_([this] { Loop(); }) {}

Lane::~Lane() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    waiting_.clear();
    changed_.NotifyAll();
  }
  thread_.join();
}

bool Lane::Post(Job job) {
  platform::MutexLock lock(mutex_);
  if (waiting_.size() >= kWaitingMax) return false;
  waiting_.push_back(std::move(job));
  changed_.NotifyAll();
  return true;
}

void Lane::Loop() {
  while (true) {
    Job job;
    {
      platform::MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    auto* result = new Result(job());
    g_main_context_invoke_full(
        nullptr, G_PRIORITY_DEFAULT,
        [](gpointer data) -> gboolean {
          (*static_cast<Result*>(data))();
          return G_SOURCE_REMOVE;
        },
        result, [](gpointer data) { delete static_cast<Result*>(data); });
  }
}

}  // namespace postern::settings
