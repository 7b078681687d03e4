// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/stopper.h"

#include <pthread.h>
#include <signal.h>

namespace postern::crm {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Stopper::Stopper() {
  const sigset_t set = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is an error of the write, as a full disk is.
  ::signal(SIGXFSZ, SIG_IGN);
  thread_ = std::thread([this] { Run(); });
}

Stopper::~Stopper() {
  ending_ = true;
  ::pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
}

void Stopper::Run() {
  const sigset_t set = StopSignals();
  int signal = 0;
  while (::sigwait(&set, &signal) != 0) {
  }
  if (ending_) return;
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  condition_.notify_all();
  if (wake_) wake_();
}

void Stopper::OnStop(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
  if (wake_ && stopped_) wake_();
}

bool Stopper::Wait(absl::Duration duration) {
  std::unique_lock lock(mutex_);
  return !condition_.wait_for(lock, absl::ToChronoMilliseconds(duration),
                              [this] { return stopped_.load(); });
}

}  // namespace postern::crm
