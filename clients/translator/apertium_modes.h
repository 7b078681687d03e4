// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/translator/language.h"

namespace postern::translator {

// One program of a pipeline, with its arguments.
using Stage = std::vector<std::string>;
using Pair = std::pair<Language, Language>;

// The language pairs that are installed. Apertium keeps each as a "mode": a shell command line that
// pipes a text through some ten programs.
class ApertiumModes {
 public:
  // Reads a folder of *.mode files. A folder that is not there has none.
  static ApertiumModes Read(const std::string& directory);

  const std::map<Pair, std::vector<Stage>>& pairs() const { return pairs_; }

  // The pairs that lead from one language to another: one, or two through a third language; empty
  // when there is no way.
  std::vector<Pair> Route(const Language& from, const Language& to) const;

 private:
  std::map<Pair, std::vector<Stage>> pairs_;
};

// The stages of a mode's command line, told to end each answer with NUL (-z) and to leave unknown
// words unmarked (-n). Empty when it is not such a command line.
std::vector<Stage> ParseMode(std::string_view command);

}  // namespace postern::translator
