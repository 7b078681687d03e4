// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/apertium_modes.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace postern::translator {
namespace {

namespace fs = std::filesystem;

constexpr char kExtension[] = ".mode";

// The pair of "eng-spa" or "spa-eng_US"; false for names of another form, as "eco-fr-es".
bool PairOf(const std::string& name, Pair& pair) {
  const size_t dash = name.find('-');
  if (dash == std::string::npos || name.find('-', dash + 1) != std::string::npos) return false;
  const auto from = FindLanguage(name.substr(0, dash));
  const auto to = FindLanguage(name.substr(dash + 1));
  if (!from.has_value() || !to.has_value() || *from == *to) return false;
  pair = {*from, *to};
  return true;
}

}  // namespace

std::vector<Stage> ParseMode(std::string_view command) {
  std::vector<Stage> stages(1);
  std::string word;
  bool in_word = false;
  const auto end_word = [&] {
    // What the `apertium` script would put in: $1 how words are written out, $2 nothing.
    if (word == "$1") word = "-n";
    if (in_word && word != "$2") stages.back().push_back(word);
    // The program's name is followed by the flag.
    if (in_word && stages.back().size() == 1) stages.back().push_back("-z");
    word.clear();
    in_word = false;
  };
  char quote = 0;
  for (const char c : command) {
    if (quote != 0) {
      c == quote ? void(quote = 0) : word.push_back(c);
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '|') {
      end_word();
      stages.emplace_back();
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      end_word();
    } else {
      word.push_back(c);
      in_word = true;
    }
  }
  end_word();
  for (const Stage& stage : stages) {
    if (stage.empty() || quote != 0) return {};
  }
  return stages;
}

ApertiumModes ApertiumModes::Read(const std::string& directory) {
  ApertiumModes modes;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().extension() != kExtension) continue;
    const std::string name = entry.path().stem().string();
    Pair pair;
    if (!PairOf(name, pair)) continue;
    // "spa-eng" goes before its variant "spa-eng_US".
    if (name.find('_') != std::string::npos && modes.pairs_.count(pair) != 0) continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    if (auto stages = ParseMode(text.str()); !stages.empty()) {
      modes.pairs_[pair] = std::move(stages);
    }
  }
  return modes;
}

std::vector<Pair> ApertiumModes::Route(const Language& from, const Language& to) const {
  if (pairs_.count({from, to}) != 0) return {{from, to}};
  for (const auto& [pair, stages] : pairs_) {
    if (pair.first == from && pairs_.count({pair.second, to}) != 0) {
      return {pair, {pair.second, to}};
    }
  }
  return {};
}

}  // namespace postern::translator
