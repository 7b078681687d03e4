// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/completion.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include <algorithm>

namespace postern::cli {
namespace {

void Collect(const CLI::App& command, const std::string& path, std::vector<CompletionNode>& tree) {
  CompletionNode node{path, {}};
  const auto children = command.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) {
    node.words.push_back({child->get_name(), child->get_description()});
  }
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      node.words.push_back({absl::StrCat("--", name), option->get_description()});
    }
  }
  tree.push_back(std::move(node));
  for (const CLI::App* child : children) {
    Collect(*child, path.empty() ? child->get_name() : absl::StrCat(path, " ", child->get_name()),
            tree);
  }
}

// The text between single quotes of a POSIX shell, or of fish.
std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

std::string JoinedWords(const CompletionNode& node) {
  std::string words;
  for (const Word& word : node.words) absl::StrAppend(&words, words.empty() ? "" : " ", word.text);
  return words;
}

// The loop that both bash and zsh use: follows the words before the cursor down the tree.
std::string CommandPathLoop(const std::vector<CompletionNode>& tree, const std::string& words) {
  std::string code = absl::StrCat(
      "  local at='' word next\n"
      "  for word in ",
      words,
      "; do\n"
      "    next=\"${at:+$at }$word\"\n"
      "    case \"$next\" in\n      ");
  std::string paths;
  for (const CompletionNode& node : tree) {
    if (!node.path.empty()) absl::StrAppend(&paths, paths.empty() ? "" : "|", Quoted(node.path));
  }
  return absl::StrCat(code, paths, ") at=\"$next\" ;;\n    esac\n  done\n");
}

}  // namespace

std::vector<CompletionNode> CompletionTree(const CLI::App& root) {
  std::vector<CompletionNode> tree;
  Collect(root, "", tree);
  return tree;
}

std::string BashCompletion(const std::vector<CompletionNode>& tree) {
  std::string script = absl::StrCat(
      "# bash completion of postern. Use: source <(postern completion bash)\n"
      "_postern() {\n",
      CommandPathLoop(tree, "\"${COMP_WORDS[@]:1:COMP_CWORD-1}\""), "  local words=''\n",
      "  case \"$at\" in\n");
  for (const CompletionNode& node : tree) {
    absl::StrAppend(&script, "    ", Quoted(node.path), ") words=", Quoted(JoinedWords(node)),
                    " ;;\n");
  }
  return absl::StrCat(script,
                      "  esac\n"
                      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                      "}\n"
                      "complete -o default -F _postern postern\n");
}

std::string ZshCompletion(const std::vector<CompletionNode>& tree) {
  std::string script = absl::StrCat(
      "#compdef postern\n"
      "# zsh completion of postern. Use: source <(postern completion zsh), or save it as _postern "
      "in $fpath\n"
      "_postern() {\n",
      CommandPathLoop(tree, "\"${(@)words[2,CURRENT-1]}\""), "  local -a described\n",
      "  case \"$at\" in\n");
  for (const CompletionNode& node : tree) {
    absl::StrAppend(&script, "    ", Quoted(node.path), ") described=(");
    for (const Word& word : node.words) {
      absl::StrAppend(&script, "\n      ",
                      Quoted(absl::StrCat(absl::StrReplaceAll(word.text, {{":", "\\:"}}), ":",
                                          absl::StrReplaceAll(word.help, {{":", "\\:"}}))));
    }
    absl::StrAppend(&script, ") ;;\n");
  }
  return absl::StrCat(script,
                      "  esac\n"
                      "  _describe 'postern' described || _files\n"
                      "}\n"
                      "(( $+functions[compdef] )) && compdef _postern postern\n");
}

std::string FishCompletion(const std::vector<CompletionNode>& tree) {
  std::string script =
      "# fish completion of postern. Use: postern completion fish | source\n"
      "function __postern_path\n"
      "  set -l path ''\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    set -l next (string trim -- \"$path $word\")\n"
      "    if contains -- \"$next\" ";
  for (const CompletionNode& node : tree) {
    if (!node.path.empty()) absl::StrAppend(&script, Quoted(node.path), " ");
  }
  absl::StrAppend(&script, "\n      set path $next\n    end\n  end\n  echo $path\nend\n");
  for (const CompletionNode& node : tree) {
    for (const Word& word : node.words) {
      const std::string condition = absl::StrCat("test (__postern_path) = \"", node.path, "\"");
      const bool option = word.text.starts_with("--");
      absl::StrAppend(&script, "complete -c postern ", option ? "" : "-f ", "-n ",
                      Quoted(condition), option ? " -l " : " -a ",
                      option ? word.text.substr(2) : word.text, " -d ",
                      Quoted(absl::StrReplaceAll(word.help, {{"'", "’"}})), "\n");
    }
  }
  return script;
}

}  // namespace postern::cli
