// SPDX-License-Identifier: Apache-2.0
// Shell completion, written out from the tree of commands itself: it cannot fall behind.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace postern::cli {

// A word that may come next, and what it is for.
struct Word {
  std::string text;
  std::string help;
};

// A command, as the words before it ("grants revoke"; empty for `postern` itself), and what may
// follow.
struct CompletionNode {
  std::string path;
  std::vector<Word> words;
};

std::vector<CompletionNode> CompletionTree(const CLI::App& root);

std::string BashCompletion(const std::vector<CompletionNode>& tree);
std::string ZshCompletion(const std::vector<CompletionNode>& tree);
std::string FishCompletion(const std::vector<CompletionNode>& tree);

}  // namespace postern::cli
