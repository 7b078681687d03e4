// SPDX-License-Identifier: Apache-2.0
#include "broker/config.h"

#include <absl/strings/str_cat.h>
#include <sys/stat.h>
#include <toml++/toml.h>

#include <cstdint>
#include <map>
#include <set>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// A configuration is a page of text.
constexpr off_t kConfigBytesMax = 64 * 1024;

const std::map<std::string, std::set<std::string>>& KnownOptions() {
  static const auto* const options = new std::map<std::string, std::set<std::string>>{
      {"log", {"level"}},
      {"secrets", {"store", "passphrase_file"}},
      {"consent", {"face"}},
      {"door", {"connections", "reflection"}},
      {"retention", {"days", "megabytes"}},
  };
  return *options;
}

absl::Status Bad(const toml::node& node, const std::string& option, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", node.source().begin.line, ": ", option, " ", what));
}

absl::Status CheckNames(const toml::table& file) {
  for (const auto& [section, value] : file) {
    const auto known = KnownOptions().find(std::string(section.str()));
    if (known == KnownOptions().end() || !value.is_table()) {
      return Bad(value, absl::StrCat("[", std::string(section.str()), "]"), "is not a section");
    }
    for (const auto& [option, node] : *value.as_table()) {
      if (!known->second.contains(std::string(option.str()))) {
        return Bad(node,
                   absl::StrCat("[", std::string(section.str()), "] ", std::string(option.str())),
                   "is not an option");
      }
    }
  }
  return absl::OkStatus();
}

// Sets 'value' when the option is there; 'what' says what it must be.
template <typename T>
absl::Status Read(const toml::table& file, const std::string& section, const std::string& option,
                  const std::string& what, T& value) {
  const toml::node_view<const toml::node> node = file[section][option];
  if (!node) return absl::OkStatus();
  const std::optional<T> read = node.template value_exact<T>();
  if (!read.has_value()) {
    return Bad(*node.node(), absl::StrCat("[", section, "] ", option),
               absl::StrCat("must be ", what));
  }
  value = *read;
  return absl::OkStatus();
}

template <typename T>
absl::Status ReadChoice(const toml::table& file, const std::string& section,
                        const std::string& option, const std::map<std::string, T>& choices,
                        T& value) {
  std::string text;
  if (!file[section][option]) return absl::OkStatus();
  RETURN_IF_ERROR(Read(file, section, option, "a text", text));
  const auto choice = choices.find(text);
  if (choice == choices.end()) {
    std::string names;
    for (const auto& [name, unused] : choices) {
      absl::StrAppend(&names, names.empty() ? "" : ", ", "\"", name, "\"");
    }
    return Bad(*file[section][option].node(), absl::StrCat("[", section, "] ", option),
               absl::StrCat("must be one of ", names));
  }
  value = choice->second;
  return absl::OkStatus();
}

absl::Status ReadNumber(const toml::table& file, const std::string& section,
                        const std::string& option, int64_t min, int64_t max, int64_t& value) {
  RETURN_IF_ERROR(Read(file, section, option, "a whole number", value));
  if (value < min || value > max) {
    return Bad(*file[section][option].node(), absl::StrCat("[", section, "] ", option),
               absl::StrCat("must be ", min, " to ", max));
  }
  return absl::OkStatus();
}

absl::StatusOr<Config> FromTable(const toml::table& file) {
  RETURN_IF_ERROR(CheckNames(file));
  Config config;
  RETURN_IF_ERROR(ReadChoice<std::string>(file, "log", "level",
                                          {{"error", "error"},
                                           {"warning", "warning"},
                                           {"info", "info"},
                                           {"debug", "debug"},
                                           {"trace", "trace"}},
                                          config.log_level));
  RETURN_IF_ERROR(
      ReadChoice<SecretStoreKind>(file, "secrets", "store",
                                  {{"secret-service", SecretStoreKind::kSecretService},
                                   {"passphrase-file", SecretStoreKind::kPassphraseFile}},
                                  config.secret_store));
  RETURN_IF_ERROR(Read(file, "secrets", "passphrase_file", "a path", config.passphrase_file));
  if (config.secret_store == SecretStoreKind::kPassphraseFile && config.passphrase_file.empty()) {
    return Bad(*file["secrets"]["store"].node(), "[secrets] passphrase_file",
               "must name a file when store is \"passphrase-file\"");
  }
  RETURN_IF_ERROR(ReadChoice<ConsentFace>(file, "consent", "face",
                                          {{"auto", ConsentFace::kAuto},
                                           {"window", ConsentFace::kWindow},
                                           {"terminal", ConsentFace::kTerminal}},
                                          config.consent_face));
  int64_t connections = config.connections;
  RETURN_IF_ERROR(ReadNumber(file, "door", "connections", 4, 256, connections));
  config.connections = static_cast<int>(connections);
  RETURN_IF_ERROR(Read(file, "door", "reflection", "true or false", config.reflection));
  int64_t days = 0;
  int64_t megabytes = 0;
  RETURN_IF_ERROR(ReadNumber(file, "retention", "days", 0, 36500, days));
  RETURN_IF_ERROR(ReadNumber(file, "retention", "megabytes", 0, 1 << 20, megabytes));
  if (days > 0) config.retention.age = absl::Hours(24) * days;
  if (megabytes > 0) config.retention.bytes = static_cast<uint64_t>(megabytes) << 20;
  return config;
}

}  // namespace

absl::StatusOr<Config> ReadConfig(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no configuration file ", path));
  }
  if (!S_ISREG(info.st_mode) || info.st_size > kConfigBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a configuration file"));
  }
  try {
    return FromTable(toml::parse_file(path));
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", error.source().begin.line, ": ", std::string(error.description())));
  }
}

std::string DefaultConfigText() {
  return R"(# Postern's configuration. Every option has the default shown here.

[log]
# "error", "warning", "info", "debug" or "trace". No level writes message text, keys or addresses.
level = "info"

[secrets]
# Where keys rest: "secret-service" is the desktop's keyring. "passphrase-file" is for a machine
# without one, and must be chosen: nothing falls back to it.
store = "secret-service"
# For "passphrase-file": the file, readable by you alone, that holds the passphrase.
passphrase_file = ""

[consent]
# Where you are asked: "auto" takes a window where there is a display, else the terminal.
face = "auto"

[door]
# How many programs can be connected at once, 4 to 256.
connections = 32
# Whether tools such as grpcurl may list the contract.
reflection = false

[retention]
# How many days, and how many megabytes of events of each account are kept. 0 keeps all.
days = 0
megabytes = 0
)";
}

}  // namespace postern::broker
