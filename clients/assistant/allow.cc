// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/allow.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "clients/sdk/grants.h"

namespace postern::assistant {
namespace {

void Tell(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

absl::Status AskForMore(sdk::Client& client, const v1::Manifest& manifest,
                        const std::vector<v1::Scope>& scopes) {
  v1::RequestGrantRequest request;
  for (const v1::Scope scope : scopes) request.add_scopes(scope);
  request.set_purpose(manifest.purpose());
  return sdk::AskForGrant(
      client, std::move(request),
      {.on_asking =
           [] {
             Tell("Postern is asking you now for what is not allowed yet; look for its question.");
           },
       .wait = {}});
}

}  // namespace

absl::Status Allow(const v1::Manifest& manifest, const sdk::ClientOptions& options) {
  bool asked = false;
  sdk::ClientOptions telling = options;
  telling.on_enrollment = [&asked](const v1::EnrollResponse& response) {
    if (response.state() == v1::EnrollResponse::STATE_PENDING) {
      asked = true;
      Tell("Postern is asking you now; look for its question.");
    }
  };
  auto client = sdk::Client::Connect(manifest, telling);
  auto self = client.ok() ? (*client)->GetSelf() : client.status();
  if (sdk::AccessIsOver(self.status()) || (self.ok() && sdk::HeldScopes(*self).empty())) {
    // That key is spent. A new one is a new program to Postern, and asked about as one.
    for (const char* file : {"/key.pem", "/certificate.pem"}) {
      ::unlink(absl::StrCat(options.state_directory, file).c_str());
    }
    client = sdk::Client::Connect(manifest, telling);
    self = client.ok() ? (*client)->GetSelf() : client.status();
  }
  if (!self.ok()) return self.status();
  // What the user left out a moment ago is a no; Postern would not ask again so soon either.
  if (const auto missing = sdk::MissingScopes(manifest, *self); !asked && !missing.empty()) {
    if (absl::Status more = AskForMore(**client, manifest, missing); !more.ok()) return more;
    self = (*client)->GetSelf();
    if (!self.ok()) return self.status();
  }
  std::vector<std::string> names;
  for (const v1::Scope scope : sdk::HeldScopes(*self)) names.emplace_back(sdk::ScopeName(scope));
  std::printf("Allowed: %s\n", absl::StrJoin(names, ", ").c_str());
  return absl::OkStatus();
}

}  // namespace postern::assistant
