// SPDX-License-Identifier: Apache-2.0
// What Client::Connect and GatekeeperLink::Open can be told. The defaults are right for a program
// on the user's desktop; a sandboxed app that was handed the socket and the certificate sets the
// paths.
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <string>

#include "clients/sdk/backoff.h"
#include "postern/v1/enrollment_service.pb.h"

namespace postern::sdk {

struct ClientOptions {
  // The broker's socket. Empty: $XDG_RUNTIME_DIR/postern/postern.sock.
  std::string socket_path{};
  // Where this program's key and certificate live (0700, made when missing).
  // Empty: $XDG_DATA_HOME/postern-clients/<app_id>.
  std::string state_directory{};
  // The one broker certificate that is believed. Empty: $XDG_DATA_HOME/postern/broker.pem, or,
  // where that is out of reach, broker.pem in 'state_directory'.
  std::string broker_certificate_path{};

  // How long Connect tries to reach a broker that does not answer (2 s at most where there is no
  // socket at all), and a call one that went away. Does not limit how long a person may take to
  // answer.
  absl::Duration reach_timeout = absl::Seconds(15);
  // Longest time a single unary call may take, sends included.
  absl::Duration call_timeout = absl::Seconds(60);
  BackoffOptions backoff{};

  // Told each state of an enrolment, on the connecting thread: PENDING means that the user is being
  // asked now. May be empty.
  std::function<void(const v1::EnrollResponse&)> on_enrollment{};

  // For tests: called in the place of every wait between tries.
  std::function<void(absl::Duration)> wait{};
};

}  // namespace postern::sdk
