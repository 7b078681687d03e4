// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/config.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <unistd.h>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "clients/sdk/files.h"
#include "clients/translator/embedded.h"

namespace postern::translator {
namespace {

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// One file. Remembers the first thing that is wrong with it.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void Fail(const toml::node& node, std::string_view what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(file_, ":", node.source().begin.line, ": ", std::string(what)));
  }
  const absl::Status& status() const { return status_; }

  void Read(const toml::node& node, const std::string& name, std::string& out) {
    const auto value = node.value_exact<std::string>();
    value.has_value() ? void(out = *value) : Fail(node, name + " is a text in quotes");
  }
  void ReadCount(const toml::node& node, const std::string& name, int64_t& out) {
    const auto value = node.value_exact<int64_t>();
    if (!value.has_value() || *value < 1 || *value > 86400) {
      return Fail(node, name + " is a number from 1 to 86400");
    }
    out = *value;
  }
  void Read(const toml::node& node, const std::string& name, std::vector<std::string>& out) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return Fail(node, name + " is a list in brackets");
    out.clear();
    for (const toml::node& item : *array) Read(item, name, out.emplace_back());
  }
  void Read(const toml::node& node, const std::string& name, std::vector<Language>& out) {
    std::vector<std::string> texts;
    Read(node, name, texts);
    out.clear();
    for (const std::string& text : texts) {
      if (const auto language = FindLanguage(text); language.has_value()) {
        out.push_back(*language);
      } else {
        Fail(node, absl::StrCat("“", text, "” is no language that is known here; e.g. \"en\""));
      }
    }
  }

 private:
  const std::string file_;
  absl::Status status_;
};

void ReadLoops(const toml::node& node, Reader& reader, Config& config) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return reader.Fail(node, "[loops] is a table");
  for (const auto& [chat, languages] : *table) {
    const std::string name(chat.str());
    reader.Read(languages, name, config.loops[name]);
    if (config.loops[name].size() < 2) reader.Fail(languages, "a loop needs two languages");
  }
}

void ReadOption(const std::string& name, const toml::node& node, Reader& reader, Config& config) {
  int64_t number = 0;
  if (name == "languages") return reader.Read(node, name, config.languages);
  if (name == "skip") return reader.Read(node, name, config.skip);
  if (name == "apertium.modes") return reader.Read(node, name, config.apertium.modes_directory);
  if (name == "apertium.pairs_max") {
    reader.ReadCount(node, name, number);
    return void(config.apertium.pairs_max = static_cast<size_t>(number));
  }
  if (name == "apertium.idle_seconds") {
    reader.ReadCount(node, name, number);
    return void(config.apertium.idle = absl::Seconds(number));
  }
  if (name == "apertium.stuck_seconds") {
    reader.ReadCount(node, name, number);
    return void(config.apertium.stuck = absl::Seconds(number));
  }
  if (name == "remote.url") return reader.Read(node, name, config.remote.url);
  if (name == "remote.ca_file") return reader.Read(node, name, config.remote.ca_file);
  if (name == "remote.api_key_file") {
    std::string path;
    reader.Read(node, name, path);
    if (path.empty()) return;
    const auto key = sdk::ReadTrustedFile(path, sdk::FileTrust::kPrivate);
    if (!key.ok()) return reader.Fail(node, std::string(key.status().message()));
    const std::string text(key->span().begin(), key->span().end());
    config.remote.api_key =
        std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
    if (config.remote.api_key.empty()) reader.Fail(node, path + " is empty");
    return;
  }
  if (name == "postern.socket") return reader.Read(node, name, config.client.socket_path);
  if (name == "postern.broker_certificate") {
    return reader.Read(node, name, config.client.broker_certificate_path);
  }
  if (name == "postern.state") return reader.Read(node, name, config.client.state_directory);
  reader.Fail(node, absl::StrCat("there is no option “", name,
                                 "”; `postern-translator --print-config` shows all"));
}

absl::Status ReadText(const std::string& text, const std::string& file, Config& config) {
  Reader reader(file);
  const toml::parse_result parsed = toml::parse(text, file);
  if (parsed.failed()) {
    return absl::InvalidArgumentError(absl::StrCat(file, ":", parsed.error().source().begin.line,
                                                   ": ",
                                                   std::string(parsed.error().description())));
  }
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    if (name == "loops") {
      ReadLoops(node, reader, config);
    } else if (const toml::table* part = node.as_table(); part != nullptr) {
      for (const auto& [inner, value] : *part) {
        ReadOption(absl::StrCat(name, ".", std::string(inner.str())), value, reader, config);
      }
    } else {
      ReadOption(name, node, reader, config);
    }
  }
  return reader.status();
}

}  // namespace

std::string DefaultConfigPath() {
  std::string home = Variable("XDG_CONFIG_HOME");
  if (home.empty()) home = Variable("HOME") + "/.config";
  return home + "/postern-translator/translator.toml";
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  Config config;
  if (auto status = ReadText(kConfigToml, "translator.toml", config); !status.ok()) return status;
  const std::string file = path.empty() ? DefaultConfigPath() : path;
  if (std::ifstream in(file); in.good()) {
    std::stringstream text;
    text << in.rdbuf();
    if (auto status = ReadText(text.str(), file, config); !status.ok()) return status;
  } else if (::access(file.c_str(), F_OK) == 0 || errno != ENOENT) {
    // Not the defaults: what is to be skipped stands in it.
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", file));
  } else if (!path.empty()) {
    return absl::NotFoundError(
        absl::StrCat("There is no file ", path,
                     "; `postern-translator --print-config` prints one to begin with."));
  }
  if (config.languages.empty()) {
    std::string locale = Variable("LC_ALL");
    if (locale.empty()) locale = Variable("LANG");
    config.languages.push_back(FindLanguage(locale).value_or(Language{"en"}));
  }
  return config;
}

absl::StatusOr<std::vector<Language>> ReadLanguages(const std::string& text) {
  std::vector<Language> languages;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::string name(absl::StripAsciiWhitespace(part));
    const auto language = FindLanguage(name);
    if (!language.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("“", name, "” is no language that is known here; write e.g. en,es."));
    }
    languages.push_back(*language);
  }
  return languages;
}

absl::Status AddLoop(const std::string& text, Config& config) {
  const size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError("Write a loop as --loop \"Friday dinner=en,es\".");
  }
  auto languages = ReadLanguages(text.substr(equals + 1));
  if (!languages.ok()) return languages.status();
  if (languages->size() < 2) return absl::InvalidArgumentError("A loop needs two languages.");
  config.loops[text.substr(0, equals)] = *std::move(languages);
  return absl::OkStatus();
}

}  // namespace postern::translator
