// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <nlohmann/json.hpp>

#include "clients/postern/commands.h"
#include "clients/postern/completion.h"

namespace postern::cli {
namespace {

ExitCode RunCompletion(Context& context, const CLI::App& root, const std::string& shell) {
  const std::vector<CompletionNode> tree = CompletionTree(root);
  const std::string script = shell == "bash"  ? BashCompletion(tree)
                             : shell == "zsh" ? ZshCompletion(tree)
                                              : FishCompletion(tree);
  if (context.json) {
    context.out.Line(nlohmann::ordered_json{{"shell", shell}, {"script", script}}.dump());
  } else {
    context.out.Line(script);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddCompletion(CommandLine& line) {
  auto shell = std::make_shared<std::string>();
  line.AddCommand(
          line.root(),
          {.name = "completion",
           .summary = "Print a completion script for your shell",
           .more = {},
           .examples = {"source <(postern completion bash)", "source <(postern completion zsh)",
                        "postern completion fish | source"}},
          [&line, shell](Context& context) { return RunCompletion(context, *line.root(), *shell); })
      ->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

}  // namespace postern::cli
