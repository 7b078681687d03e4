// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/sdk/manifest.h"

namespace postern::cli {
namespace {

struct Options {
  std::string manifest;
  std::string out;
  bool new_key = false;
};

// What was taken back from a key stays taken back; another key is another program, and asks anew.
absl::Status RemoveKey(const std::string& directory) {
  for (const char* name : {"/key.pem", "/certificate.pem"}) {
    std::error_code error;
    std::filesystem::remove(directory + name, error);
    if (error) {
      return absl::FailedPreconditionError(
          absl::StrCat("The old key cannot be removed: ", error.message(), "."));
    }
  }
  return absl::OkStatus();
}

// Puts the broker's certificate beside the program's key, so that three files are all a program
// needs.
absl::Status CopyBrokerCertificate(const owner::Paths& paths, const std::string& directory) {
  std::error_code error;
  std::filesystem::copy_file(paths.broker_certificate, directory + "/broker.pem",
                             std::filesystem::copy_options::overwrite_existing, error);
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("The broker's certificate cannot be copied: ", error.message(), "."));
  }
  return absl::OkStatus();
}

void Print(Context& context, const v1::GetSelfResponse& self, const Options& options,
           const std::string& directory) {
  context.out.Line(absl::StrCat("Allowed. Principal ", self.principal()));
  for (const v1::Grant& grant : self.grants()) {
    if (grant.state() != v1::Grant::STATE_ACTIVE) continue;
    context.out.Line(absl::StrCat("  ", ScopesText(grant.scopes()), "; ",
                                  SelectionText(grant.selection()), "; ",
                                  ValidityText(grant.validity())));
  }
  if (options.manifest.empty()) return;
  context.out.Line(absl::StrCat("In ", directory, ":"));
  context.out.Line("  key.pem          the program's key; keep it private");
  context.out.Line("  certificate.pem  its certificate");
  context.out.Line("  broker.pem       the broker's certificate, the only one to believe");
  context.out.Line(absl::StrCat("Connect with these three to unix:", context.paths.socket));
}

ExitCode RunEnroll(Context& context, const Options& options) {
  v1::Manifest manifest = OwnManifest();
  std::string directory = OwnStateDirectory(context.paths);
  if (!options.manifest.empty()) {
    auto loaded = sdk::LoadManifest(options.manifest);
    if (!loaded.ok()) return Fail(context, loaded.status(), Caller::kApp);
    manifest = std::move(*loaded);
    directory = std::filesystem::absolute(options.out).lexically_normal().string();
  }
  if (const auto there = CheckSocketIsThere(context.paths); !there.ok()) {
    return Fail(context, there, Caller::kApp);
  }
  if (options.new_key) {
    if (const auto removed = RemoveKey(directory); !removed.ok()) {
      return Fail(context, removed, Caller::kApp);
    }
  }
  const auto app = ConnectApp(context, manifest, directory);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  if (const auto copied = CopyBrokerCertificate(context.paths, directory); !copied.ok()) {
    return Fail(context, copied, Caller::kApp);
  }
  v1::GetSelfResponse self;
  // A gatekeeper holds no grants and may not ask for them.
  if (manifest.role() != v1::ROLE_GATEKEEPER) {
    auto answer = (*app)->GetSelf();
    if (!answer.ok()) return Fail(context, answer.status(), Caller::kApp);
    self = std::move(*answer);
  } else {
    self.set_principal((*app)->principal());
    self.set_role(v1::ROLE_GATEKEEPER);
  }
  if (context.json) {
    context.out.Line(Json(self));
  } else {
    Print(context, self, options, directory);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddEnroll(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      line.root(),
      {.name = "enroll",
       .summary = "Ask the user to allow a program, and write the files it connects with",
       .more =
           "For programs in any language that use plain generated stubs: DIR then holds key.pem,\n"
           "certificate.pem and broker.pem. A key that is there already is used again. Without\n"
           "--manifest: enrols `postern messages` itself. What this process is gets shown in the\n"
           "question as evidence: start it from where the program will run.",
       .examples = {"postern enroll --manifest translator.toml --out ./translator-keys",
                    "postern enroll", "postern enroll --new-key"}},
      [options](Context& context) { return RunEnroll(context, *options); });
  CLI::Option* manifest =
      command->add_option("--manifest", options->manifest, "The program's manifest, TOML");
  CLI::Option* out = command->add_option("--out", options->out,
                                         "Where the three files go; made when missing (0700)");
  command->add_flag("--new-key", options->new_key,
                    "Forget the program's key and make a new one: after a revocation");
  manifest->needs(out);
  out->needs(manifest);
}

}  // namespace postern::cli
