// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/access.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "clients/sdk/files.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/identity.h"
#include "clients/sdk/silence.h"
#include "clients/translator/embedded.h"
#include "clients/translator/patience.h"

namespace postern::translator {
namespace {

// Between two tries to reach posternd, which are long themselves where it only is away.
constexpr absl::Duration kReachPause = absl::Seconds(1);

bool Covers(const v1::Selection& selection, const std::string& chat_id) {
  const auto has = [&](const auto& ids) {
    return std::find(ids.begin(), ids.end(), chat_id) != ids.end();
  };
  if (has(selection.excluded_chat_ids())) return false;
  return selection.chat_choice() != v1::Selection::CHAT_CHOICE_LISTED ||
         has(selection.included_chat_ids());
}

bool AllowsWriting(const v1::Grant& grant) {
  return std::any_of(grant.scopes().begin(), grant.scopes().end(), [](int scope) {
    return scope == v1::SCOPE_MESSAGES_REPLY || scope == v1::SCOPE_MESSAGES_SEND;
  });
}

sdk::ClientOptions OptionsOf(const Config& config, const v1::Manifest& manifest) {
  sdk::ClientOptions options = config.client;
  // Two keys, also where the user chose the folder: see ManifestOf.
  if (!options.state_directory.empty() && !config.remote.url.empty()) {
    absl::StrAppend(&options.state_directory, "-", manifest.data_destination().service());
  }
  return options;
}

}  // namespace

absl::StatusOr<v1::Manifest> ManifestOf(const Config& config) {
  auto manifest = config.manifest_path.empty() ? sdk::ParseManifest(kManifestToml, "manifest.toml")
                                               : sdk::LoadManifest(config.manifest_path);
  if (!manifest.ok()) return manifest;
  // One question instead of two, of which the second would have to wait: Postern lets a program ask
  // once in five minutes, and all together five times an hour.
  if (!config.loops.empty()) manifest->add_optional_scopes(v1::SCOPE_MESSAGES_REPLY);
  if (config.remote.url.empty()) return manifest;
  auto host = HostOf(config.remote.url);
  if (!host.ok()) return host.status();
  std::string id = absl::StrCat(manifest->app_id(), ".remote.", *host);
  std::replace_if(
      id.begin(), id.end(), [](char c) { return c == ':' || c == '[' || c == ']'; }, '-');
  manifest->set_app_id(id);
  // Both may be there: the user would have to find a name for the second "Translator".
  manifest->set_display_name(absl::StrCat(manifest->display_name(), " (online)"));
  manifest->mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
  manifest->mutable_data_destination()->set_service(*host);
  return manifest;
}

absl::StatusOr<std::string> StateDirectoryOf(const Config& config) {
  const auto manifest = ManifestOf(config);
  if (!manifest.ok()) return manifest.status();
  return sdk::MakeStateDirectory(manifest->app_id(), OptionsOf(config, *manifest));
}

absl::StatusOr<std::unique_ptr<sdk::Client>> Connect(const Config& config, Reach reach,
                                                     Screen& screen) {
  const auto manifest = ManifestOf(config);
  if (!manifest.ok()) return manifest.status();
  sdk::ClientOptions options = OptionsOf(config, *manifest);
  bool told = false;
  options.on_enrollment = [&](const v1::EnrollResponse& response) {
    if (response.state() != v1::EnrollResponse::STATE_PENDING || told) return;
    told = true;
    screen.Note("Postern is asking you now whether to allow this program.");
  };
  std::optional<v1::ErrorReason> said;
  for (;;) {
    auto client = sdk::Client::Connect(*manifest, options);
    if (client.ok() || reach == Reach::kOnce) return client;
    if (!sdk::CanBeAskedLater(client.status()) && !PassesByItself(client.status())) return client;
    const bool away = sdk::IsRetriable(client.status());
    const v1::ErrorReason reason = sdk::ErrorReasonOf(client.status());
    if (std::exchange(said, reason) != reason) {
      screen.Note(
          away ? "Waiting for posternd."
               : absl::StrCat("Waiting: ", Printable(std::string(client.status().message()))));
    }
    absl::SleepFor(away ? kReachPause : sdk::AskPauseOf(client.status()));
  }
}

void EraseIfOver(const Config& config, const std::function<void()>& erase) {
  const auto manifest = ManifestOf(config);
  const auto directory = StateDirectoryOf(config);
  if (!manifest.ok() || !directory.ok()) return;
  sdk::ClientOptions options = OptionsOf(config, *manifest);
  options.state_directory = *directory;
  sdk::EraseIfOver(manifest->app_id(), options, [&] {
    erase();
    return absl::OkStatus();
  }).IgnoreError();
}

absl::Status CheckMayRead(sdk::Client& client) {
  const auto self = client.GetSelf();
  if (!self.ok()) return self.status();
  if (sdk::HeldScopes(*self).contains(v1::SCOPE_MESSAGES_READ)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      "“messages:read” is not allowed, so nothing can be translated.");
}

absl::StatusOr<bool> MayWriteUnasked(sdk::Client& client, const std::string& chat_id) {
  const auto self = client.GetSelf();
  if (!self.ok()) return self.status();
  return std::any_of(self->grants().begin(), self->grants().end(), [&](const v1::Grant& grant) {
    return grant.state() == v1::Grant::STATE_ACTIVE && AllowsWriting(grant) &&
           Covers(grant.selection(), chat_id);
  });
}

absl::Status AskFor(sdk::Client& client, v1::Scope scope, const std::string& chat_id,
                    const std::string& purpose, Screen& screen) {
  v1::RequestGrantRequest request;
  request.add_scopes(scope);
  if (!chat_id.empty()) request.add_chat_ids(chat_id);
  request.set_purpose(purpose);
  return sdk::AskForGrant(
      client, std::move(request),
      {.on_asking = [&] { screen.Note("Postern is asking you now."); }, .wait = {}});
}

}  // namespace postern::translator
