// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace postern::assistant {

// How far the assistant may go in writing. The broker enforces it: what is not asked for is not
// granted.
enum class Sending { kNever, kDraft, kAsk, kDirect };

// What config.toml can say; config.toml in this folder documents each of them. The defaults are
// right for an assistant that a program on the desktop starts.
struct Config {
  Sending sending = Sending::kAsk;

  // The model runs on this device; else 'model_service' can read what is looked up.
  bool model_is_local = false;
  std::string model_service = "an-ai-service";

  bool http = false;
  uint16_t http_port = 7461;
  std::vector<std::string> http_allowed_origins;

  int page_size_max = 50;
  int text_bytes_max = 2000;
  int media_bytes_max = 1024 * 1024;
  int calls_per_minute = 120;

  // Empty: the SDK's own places.
  std::string socket_path;
  std::string state_directory;
  std::string broker_certificate_path;
};

// Reads a config file. NOT_FOUND when there is none; INVALID_ARGUMENT, naming file, line and field,
// when it is not TOML or says something this program does not know.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// $XDG_CONFIG_HOME/postern-assistant/config.toml, or below ~/.config; empty without a home.
std::string DefaultConfigPath();

// "never", "draft", "ask", "direct".
std::string SendingName(Sending sending);

}  // namespace postern::assistant
