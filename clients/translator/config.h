// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <vector>

#include "clients/sdk/options.h"
#include "clients/translator/apertium.h"
#include "clients/translator/language.h"
#include "clients/translator/libre_translate.h"

namespace postern::translator {

// What the user set; translator.toml describes each.
struct Config {
  std::vector<Language> languages;  // never empty
  std::vector<std::string> skip;    // names and ids of chats
  std::map<std::string, std::vector<Language>> loops;
  ApertiumOptions apertium;
  LibreTranslateOptions remote;  // without url: Apertium
  sdk::ClientOptions client;
  // Another manifest than the built-in one, or empty.
  std::string manifest_path;
};

// $XDG_CONFIG_HOME/postern-translator/translator.toml.
std::string DefaultConfigPath();

// Reads the file over the defaults. An empty path means the usual place, where it may be missing.
// NOT_FOUND when a named file is not there; INVALID_ARGUMENT naming file, line and option.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// Reads "Friday dinner=en,es" into 'config': INVALID_ARGUMENT when it is not of that form.
absl::Status AddLoop(const std::string& text, Config& config);
// Reads "en,es".
absl::StatusOr<std::vector<Language>> ReadLanguages(const std::string& text);

}  // namespace postern::translator
