// SPDX-License-Identifier: Apache-2.0
// The configuration file. Every option has a default that needs no file, and its description here
// is what `posternd --help` and the README print.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "broker/consent_process.h"
#include "broker/retention.h"

namespace postern::broker {

enum class SecretStoreKind { kSecretService, kPassphraseFile };

struct Config {
  // [log] level: "error", "warning", "info", "debug" or "trace". No level writes message text.
  std::string log_level = "info";
  // [secrets] store: "secret-service", or "passphrase-file" for a machine without a desktop.
  SecretStoreKind secret_store = SecretStoreKind::kSecretService;
  // [secrets] passphrase_file: for "passphrase-file", the file (mode 0600) that holds the
  // passphrase.
  std::string passphrase_file;
  // [consent] face: "auto", "window" or "terminal". Where the user is asked; nothing here answers.
  ConsentFace consent_face = ConsentFace::kAuto;
  // [door] connections: how many programs can be connected at once, 4 to 256.
  int connections = 32;
  // [door] reflection: whether tools such as grpcurl may list the contract.
  bool reflection = false;
  // [retention] days and megabytes of each account that are kept; 0 keeps all.
  RetentionPolicy retention;
};

// Reads a configuration file. INVALID_ARGUMENT naming line and option for unknown options, wrong
// types and values out of range; NOT_FOUND when there is no such file.
absl::StatusOr<Config> ReadConfig(const std::string& path);

// The whole file with every option at its default, commented.
std::string DefaultConfigText();

}  // namespace postern::broker
