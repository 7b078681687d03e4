// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/config.h"

#include <absl/strings/str_cat.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace postern::assistant {
namespace {

constexpr size_t kServiceBytesMax = 80;
// What a page may hold at most: a model's attention is the scarce thing, and 8 MiB of base64 the
// most that clients are known to take.
constexpr int64_t kPageSizeMax = 200;
constexpr int64_t kTextBytesMax = 64 * 1024;
constexpr int64_t kMediaBytesMax = 8 * 1024 * 1024;
constexpr int64_t kCallsPerMinuteMax = 6000;

const std::map<std::string, Sending> kSendings = {{"never", Sending::kNever},
                                                  {"draft", Sending::kDraft},
                                                  {"ask", Sending::kAsk},
                                                  {"direct", Sending::kDirect}};

bool IsOneWord(const std::string& text) {
  return !text.empty() && text.size() <= kServiceBytesMax &&
         std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < 0x7f; });
}

// Takes fields out of one table after the other; the first error stays.
class Reader {
 public:
  Reader(toml::table& root, std::string path) : path_(std::move(path)), table_(&root) {}

  void Text(const char* field, std::string& into) {
    if (const toml::node* node = Take(field, toml::node_type::string, "a text")) {
      into = node->as_string()->get();
    }
  }
  void Switch(const char* field, bool& into) {
    if (const toml::node* node = Take(field, toml::node_type::boolean, "true or false")) {
      into = node->as_boolean()->get();
    }
  }
  template <typename Number>
  void Count(const char* field, int64_t most, Number& into) {
    const toml::node* node = Take(field, toml::node_type::integer, "a whole number");
    if (node == nullptr) return;
    const int64_t value = node->as_integer()->get();
    if (value < 0 || value > most) {
      return Fail(*node, absl::StrCat(field, ": must be 0 to ", most));
    }
    into = static_cast<Number>(value);
  }
  void Texts(const char* field, std::vector<std::string>& into) {
    const toml::node* node = Take(field, toml::node_type::array, "a list of texts");
    if (node == nullptr) return;
    for (const toml::node& item : *node->as_array()) {
      if (!item.is_string()) return Fail(item, absl::StrCat(field, ": must be a list of texts"));
      into.push_back(item.as_string()->get());
    }
  }
  void Choice(const char* field, Sending& into) {
    const toml::node* node = Take(field, toml::node_type::string, "a text");
    if (node == nullptr) return;
    const auto found = kSendings.find(node->as_string()->get());
    if (found == kSendings.end()) {
      return Fail(*node,
                  absl::StrCat(field, ": must be \"never\", \"draft\", \"ask\" or \"direct\""));
    }
    into = found->second;
  }

  // Reads the fields of a table by 'read'; what it does not take is refused.
  template <typename Read>
  void Table(const char* name, Read read) {
    if (Take(name, toml::node_type::table, "a table") == nullptr) return;
    toml::table* const outer = table_;
    table_ = outer->get(name)->as_table();
    read();
    RefuseRest();
    table_ = outer;
  }
  void RefuseRest() {
    for (const auto& [key, value] : *table_) {
      if (!taken_.contains(&value)) {
        Fail(value, absl::StrCat(std::string(key.str()), ": there is no such field here"));
      }
    }
  }
  const absl::Status& status() const { return status_; }

 private:
  const toml::node* Take(const char* field, toml::node_type type, const char* what) {
    const toml::node* node = table_->get(field);
    if (node == nullptr) return nullptr;
    taken_.insert(node);
    if (node->type() == type) return node;
    Fail(*node, absl::StrCat(field, ": must be ", what));
    return nullptr;
  }
  void Fail(const toml::node& node, const std::string& what) {
    if (!status_.ok()) return;
    status_ =
        absl::InvalidArgumentError(absl::StrCat(path_, ":", node.source().begin.line, ": ", what));
  }

  const std::string path_;
  toml::table* table_;
  std::set<const toml::node*> taken_;
  absl::Status status_;
};

}  // namespace

std::string SendingName(Sending sending) {
  for (const auto& [name, value] : kSendings) {
    if (value == sending) return name;
  }
  return "";
}

std::string DefaultConfigPath() {
  if (const char* folder = std::getenv("XDG_CONFIG_HOME"); folder != nullptr && *folder != '\0') {
    return absl::StrCat(folder, "/postern-assistant/config.toml");
  }
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : absl::StrCat(home, "/.config/postern-assistant/config.toml");
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", parsed.error().source().begin.line,
                                                   ": ",
                                                   std::string(parsed.error().description())));
  }
  Config config;
  toml::table root = std::move(parsed).table();
  Reader reader(root, path);
  reader.Choice("sending", config.sending);
  reader.Table("model", [&] {
    reader.Switch("local", config.model_is_local);
    reader.Text("service", config.model_service);
  });
  reader.Table("http", [&] {
    reader.Switch("enabled", config.http);
    reader.Count("port", 65535, config.http_port);
    reader.Texts("allowed_origins", config.http_allowed_origins);
  });
  reader.Table("limits", [&] {
    reader.Count("page_size", kPageSizeMax, config.page_size_max);
    reader.Count("text_bytes", kTextBytesMax, config.text_bytes_max);
    reader.Count("media_bytes", kMediaBytesMax, config.media_bytes_max);
    reader.Count("calls_per_minute", kCallsPerMinuteMax, config.calls_per_minute);
  });
  reader.Table("postern", [&] {
    reader.Text("socket", config.socket_path);
    reader.Text("state_directory", config.state_directory);
    reader.Text("broker_certificate", config.broker_certificate_path);
  });
  reader.RefuseRest();
  if (!reader.status().ok()) return reader.status();
  if (!config.model_is_local && !IsOneWord(config.model_service)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": model.service: must name, in one word of at most ", kServiceBytesMax,
        " bytes, who can read what is looked up; or say local = true where nobody else can"));
  }
  if (config.page_size_max == 0) config.page_size_max = 1;
  return config;
}

}  // namespace postern::assistant
