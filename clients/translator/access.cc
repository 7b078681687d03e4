// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/access.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <chrono>

#include "clients/sdk/stubs.h"
#include "clients/translator/embedded.h"

namespace postern::translator {
namespace {

// How often an open question is looked at, and how long one call may take.
constexpr absl::Duration kLookEvery = absl::Milliseconds(500);
constexpr std::chrono::seconds kCallTimeout(30);

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

template <typename Stub, typename Request, typename Response>
absl::Status Call(Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  return sdk::ToStatus((stub.*method)(&context, request, &response));
}

}  // namespace

absl::StatusOr<v1::Manifest> ManifestOf(const Config& config) {
  auto manifest = config.manifest_path.empty() ? sdk::ParseManifest(kManifestToml, "manifest.toml")
                                               : sdk::LoadManifest(config.manifest_path);
  if (!manifest.ok()) return manifest;
  // One question instead of two, of which the second would have to wait: Postern lets a program ask
  // once in five minutes.
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

absl::StatusOr<std::unique_ptr<sdk::Client>> Connect(const Config& config, Reach reach,
                                                     Screen& screen) {
  const auto manifest = ManifestOf(config);
  if (!manifest.ok()) return manifest.status();
  sdk::ClientOptions options = config.client;
  // Two keys, also where the user chose the folder: see ManifestOf.
  if (!options.state_directory.empty() && !config.remote.url.empty()) {
    absl::StrAppend(&options.state_directory, "-", manifest->data_destination().service());
  }
  bool told = false;
  options.on_enrollment = [&](const v1::EnrollResponse& response) {
    if (response.state() != v1::EnrollResponse::STATE_PENDING || told) return;
    told = true;
    screen.Note("Postern is asking you now whether to allow this program.");
  };
  for (bool waiting = false;; waiting = true) {
    auto client = sdk::Client::Connect(*manifest, options);
    if (client.ok() || reach == Reach::kOnce || !sdk::IsRetriable(client.status())) return client;
    if (!waiting) screen.Note("Waiting for posternd.");
  }
}

absl::Status CheckMayRead(sdk::Client& client) {
  const auto self = client.GetSelf();
  if (!self.ok()) return self.status();
  for (const v1::Grant& grant : self->grants()) {
    const bool ended =
        grant.state() == v1::Grant::STATE_REVOKED || grant.state() == v1::Grant::STATE_EXPIRED;
    const auto& scopes = grant.scopes();
    if (!ended &&
        std::find(scopes.begin(), scopes.end(), v1::SCOPE_MESSAGES_READ) != scopes.end()) {
      return absl::OkStatus();
    }
  }
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
  request.set_request_id(sdk::MakeRequestId());
  request.add_scopes(scope);
  if (!chat_id.empty()) request.add_chat_ids(chat_id);
  request.set_purpose(purpose);
  auto& grants = *client.stubs().grant;
  v1::RequestGrantResponse asked;
  auto status = Call(grants, &v1::GrantService::Stub::RequestGrant, request, asked);
  if (!status.ok()) return status;
  screen.Note("Postern is asking you now.");
  // The broker ends a question that nobody answers, so this ends too.
  v1::GrantRequest::State state = asked.grant_request().state();
  while (state == v1::GrantRequest::STATE_PENDING) {
    absl::SleepFor(kLookEvery);
    v1::GetGrantRequestRequest look;
    look.set_grant_request_id(asked.grant_request().id());
    v1::GetGrantRequestResponse seen;
    status = Call(grants, &v1::GrantService::Stub::GetGrantRequest, look, seen);
    if (!status.ok()) return status;
    state = seen.grant_request().state();
  }
  if (state == v1::GrantRequest::STATE_GRANTED) return absl::OkStatus();
  return sdk::MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_CONSENT_REFUSED,
                        "the question was answered with no");
}

}  // namespace postern::translator
