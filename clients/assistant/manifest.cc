// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/manifest.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "clients/assistant/manifest_text.h"
#include "clients/sdk/files.h"
#include "clients/sdk/manifest.h"

namespace postern::assistant {
namespace {

// Takes a scope out of the optional ones, and puts others in its place where it was there.
void Replace(v1::Manifest& manifest, v1::Scope scope, const std::vector<v1::Scope>& others) {
  auto& scopes = *manifest.mutable_optional_scopes();
  const auto end = std::remove(scopes.begin(), scopes.end(), scope);
  if (end == scopes.end()) return;
  scopes.erase(end, scopes.end());
  for (const v1::Scope other : others) scopes.Add(other);
}

// messages:send.ask opens drafts too, so that each choice needs the fewest scopes. Who asks to send
// directly can still be given the lesser.
std::vector<v1::Scope> ScopesFor(Sending sending) {
  switch (sending) {
    case Sending::kNever:
      return {};
    case Sending::kDraft:
      return {v1::SCOPE_MESSAGES_DRAFT};
    case Sending::kAsk:
      return {v1::SCOPE_MESSAGES_SEND_ASK};
    case Sending::kDirect:
      return {v1::SCOPE_MESSAGES_SEND_ASK, v1::SCOPE_MESSAGES_SEND};
  }
  return {};
}

// A text as a file name: no two texts give the same.
std::string FileName(const std::string& text) {
  std::string name;
  for (const char byte : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(byte)) || byte == '-') {
      name += byte;
    } else {
      absl::StrAppendFormat(&name, "%%%02x", static_cast<unsigned char>(byte));
    }
  }
  return name;
}

std::string ScopeList(const google::protobuf::RepeatedField<int>& scopes) {
  std::string list;
  for (const int scope : scopes) {
    absl::StrAppend(&list, list.empty() ? "\"" : ", \"",
                    std::string(sdk::ScopeName(static_cast<v1::Scope>(scope))), "\"");
  }
  return absl::StrCat("[", list, "]");
}

}  // namespace

absl::StatusOr<v1::Manifest> MakeManifest(const Config& config, const std::string& path) {
  auto manifest =
      path.empty() ? sdk::ParseManifest(kManifestText, "manifest.toml") : sdk::LoadManifest(path);
  if (!manifest.ok()) return manifest.status();
  Replace(*manifest, v1::SCOPE_MESSAGES_SEND_ASK, ScopesFor(config.sending));
  v1::DataDestination& destination = *manifest->mutable_data_destination();
  destination.set_kind(config.model_is_local ? v1::DataDestination::KIND_STAYS_ON_DEVICE
                                             : v1::DataDestination::KIND_LEAVES_DEVICE);
  destination.set_service(config.model_is_local ? "" : config.model_service);
  if (absl::Status status = sdk::CheckManifest(*manifest); !status.ok()) return status;
  return manifest;
}

std::string ManifestText(const v1::Manifest& manifest) {
  const bool stays =
      manifest.data_destination().kind() == v1::DataDestination::KIND_STAYS_ON_DEVICE;
  std::string text = absl::StrCat("app_id = \"", manifest.app_id(), "\"\ndisplay_name = \"",
                                  manifest.display_name(), "\"\npurpose = \"", manifest.purpose(),
                                  "\"\nrequired_scopes = ", ScopeList(manifest.required_scopes()),
                                  "\noptional_scopes = ", ScopeList(manifest.optional_scopes()),
                                  "\n\n[data_destination]\nkind = \"",
                                  stays ? "stays_on_device" : "leaves_device", "\"\n");
  if (!stays) {
    absl::StrAppend(&text, "service = \"", manifest.data_destination().service(), "\"\n");
  }
  return text;
}

absl::StatusOr<sdk::ClientOptions> MakeClientOptions(const Config& config,
                                                     const v1::Manifest& manifest) {
  std::string folder = config.state_directory;
  if (folder.empty()) {
    const auto home = sdk::DataHome();
    if (!home.ok()) return home.status();
    folder = absl::StrCat(*home, "/postern-clients/", manifest.app_id());
  }
  sdk::ClientOptions options;
  options.state_directory = absl::StrCat(
      folder,
      config.model_is_local ? "/local" : absl::StrCat("/to-", FileName(config.model_service)));
  options.socket_path = config.socket_path;
  // MCP's clients start servers with a few variables only, and this is not among them.
  if (options.socket_path.empty() && std::getenv("XDG_RUNTIME_DIR") == nullptr) {
    options.socket_path = absl::StrCat("/run/user/", ::getuid(), "/postern/postern.sock");
  }
  options.broker_certificate_path = config.broker_certificate_path;
  // A model's client gives up after a minute.
  options.reach_timeout = absl::Seconds(10);
  options.call_timeout = absl::Seconds(40);
  return options;
}

}  // namespace postern::assistant
