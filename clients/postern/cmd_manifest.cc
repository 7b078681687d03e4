// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/sdk/manifest.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

void PrintScopes(const std::string& heading, const google::protobuf::RepeatedField<int>& scopes,
                 Terminal& out) {
  if (scopes.empty()) return;
  out.Line(heading);
  for (const int number : scopes) {
    const auto scope = static_cast<v1::Scope>(number);
    std::string name(sdk::ScopeName(scope));
    name.resize(std::max<size_t>(name.size(), 20), ' ');
    out.Line(absl::StrCat("  ", ScopeSentence(scope), "  ", out.Paint(Style::kFaint, name)));
  }
}

void Print(const v1::Manifest& manifest, Terminal& out) {
  const std::string name = VisibleText(manifest.display_name());
  if (manifest.role() == v1::ROLE_GATEKEEPER) {
    std::string networks;
    for (const std::string& network : manifest.networks()) {
      absl::StrAppend(&networks, networks.empty() ? "" : ", ", VisibleText(network));
    }
    out.Line(absl::StrCat("The manifest is sound. The user would be asked whether “", name,
                          "” may bring in the messages of: ", networks, "."));
  } else {
    out.Line(absl::StrCat("The manifest is sound. The user would be asked about “",
                          out.Paint(Style::kStrong, name), "” (", manifest.app_id(), ")."));
  }
  out.Line();
  out.Line(absl::StrCat("It says why:     ", VisibleText(manifest.purpose())));
  if (manifest.role() != v1::ROLE_GATEKEEPER) {
    out.Line(absl::StrCat("Where data goes: ", DestinationText(manifest.data_destination())));
    if (manifest.data_destination().kind() == v1::DataDestination::KIND_LEAVES_DEVICE) {
      out.Line(absl::StrCat(
          "  Messages in these chats will no longer be end-to-end encrypted between you and the "
          "other\n"
          "  people in them: ",
          VisibleText(manifest.data_destination().service()), " will be able to read them."));
    }
  }
  PrintScopes("It needs to:", manifest.required_scopes(), out);
  PrintScopes("It would also like to:", manifest.optional_scopes(), out);
}

ExitCode RunCheck(Context& context, const std::string& file) {
  const auto manifest = sdk::LoadManifest(file);
  if (absl::IsNotFound(manifest.status())) {
    return Fail(context, {ExitCode::kUsage, "INVALID_ARGUMENT",
                          absl::StrCat("The file ", VisibleText(file), " cannot be read."),
                          "Is the name right, and may you read it?"});
  }
  if (!manifest.ok()) {
    return Fail(context, {ExitCode::kFailed, "INVALID_MANIFEST",
                          VisibleText(std::string(manifest.status().message())),
                          "clients/sdk/README.md describes every field."});
  }
  if (context.json) {
    context.out.Line(Json(*manifest));
  } else {
    Print(*manifest, context.out);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddManifest(CommandLine& line) {
  CLI::App* manifest = line.AddGroup({.name = "manifest",
                                      .summary = "What a program says of itself",
                                      .more = {},
                                      .examples = {"postern manifest check translator.toml"}});
  auto file = std::make_shared<std::string>();
  line.AddCommand(
          manifest,
          {.name = "check",
           .summary = "Check a manifest, and show what the user would be asked",
           .more =
               "Needs no broker. Exits 1, naming line and field, when the broker would refuse it.",
           .examples = {"postern manifest check translator.toml",
                        "postern manifest check translator.toml --json"}},
          [file](Context& context) { return RunCheck(context, *file); })
      ->add_option("FILE", *file, "The manifest, TOML")
      ->required();
}

}  // namespace postern::cli
