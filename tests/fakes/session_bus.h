// SPDX-License-Identifier: Apache-2.0
// A private desktop session for one test: a throw-away home, a session bus and a real
// gnome-keyring.
//
//   auto session = postern::fakes::SessionBus::Start();
//   ASSERT_TRUE(session.ok()) << session.status();
//   postern::fakes::ScopedEnvironment in_it(session->get()->Environment());   // for this process
//   ... MakeSecretServiceStore(...) here, or start posternd with Environment() ...
//   session->get()->Lock();          // the keyring is there and closed
//   session->get()->KillKeyring();   // nobody offers secrets any more
//   session->get()->StartKeyring();  // as at a log-in: open again, the same secrets
//
// Nothing is activated by this bus: what is not started by the test does not exist.
// Start it on the test's main thread: its children end with the thread that made them.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "tests/fakes/scoped_environment.h"

namespace postern::fakes {

class SessionBus {
 public:
  // Starts the bus and an unlocked keyring with a default collection; UNAVAILABLE when dbus-daemon
  // or gnome-keyring-daemon is missing or does not come up in time. A test that gets no session
  // fails.
  static absl::StatusOr<std::unique_ptr<SessionBus>> Start();
  // Ends what it started, by pid, and removes the home.
  ~SessionBus();
  SessionBus(const SessionBus&) = delete;
  SessionBus& operator=(const SessionBus&) = delete;

  // HOME, the XDG folders, DBUS_SESSION_BUS_ADDRESS, and no DISPLAY (empty means: unset it).
  const std::map<std::string, std::string>& Environment() const { return environment_; }
  const std::string& home() const { return home_; }
  std::string runtime_dir() const { return home_ + "/run"; }

  // Locks, and unlocks, the default collection of the running keyring.
  absl::Status Lock();
  absl::Status Unlock();
  // Ends the keyring; the bus stays.
  void KillKeyring();
  // Ends the bus too.
  void KillBus();
  // Starts the keyring again over the same files.
  absl::Status StartKeyring();

 private:
  SessionBus() = default;
  absl::Status StartBus();

  std::string home_;
  std::map<std::string, std::string> environment_;
  pid_t bus_ = -1;
  pid_t keyring_ = -1;
};

}  // namespace postern::fakes
