// SPDX-License-Identifier: GPL-3.0-or-later
// libpurple without a window: one account, kept online, with OMEMO, and the adapter as a plugin.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace postern::purple {

struct HostOptions {
  std::string account;  // "bob@chat.test/postern"
  std::string password;
  std::string server;  // host to connect to; empty: found from the account's domain
  int port = 5222;
  std::string data_directory;  // libpurple's folder, ours alone
  std::string
      trusted_certificate;  // PEM that is believed for 'server'; empty: the system's authorities
  std::string plugin;       // the adapter's shared object
};

// Runs until SIGTERM or SIGINT. Reconnects with back-off when the connection is lost.
//
// FAILED_PRECONDITION when a plugin is missing or refuses to load: nothing has signed on then, so
// that no message is decrypted that could not be kept. PERMISSION_DENIED when the server refuses
// the login.
absl::Status RunHeadless(const HostOptions& options);

}  // namespace postern::purple
