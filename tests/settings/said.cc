// SPDX-License-Identifier: Apache-2.0
#include "tests/settings/said.h"

#include <absl/strings/str_replace.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string_view>
#include <utility>

#include "tests/settings/window.h"

namespace postern::settings_test {
namespace {

constexpr std::chrono::seconds kPatience{20};

bool IsReferenceGtk() {
  static const bool reference = Output("pkg-config --modversion gtk4").rfind("4.8.", 0) == 0;
  return reference;
}

// What stands between quotes: roles may be called otherwise elsewhere.
std::vector<std::string> WordsOf(const std::vector<std::string>& lines) {
  static const std::regex quoted(R"re("(?:[^"\\]|\\.)*")re");
  std::set<std::string> words;
  for (const std::string& line : lines) {
    for (std::sregex_iterator match(line.begin(), line.end(), quoted), end; match != end; ++match) {
      words.insert(match->str());
    }
  }
  return {words.begin(), words.end()};
}

std::string Missing(const std::vector<std::string>& from, const std::vector<std::string>& in,
                    const std::string& mark) {
  std::string missing;
  for (const std::string& line : from) {
    if (!std::binary_search(in.begin(), in.end(), line)) missing += mark + line + "\n";
  }
  return missing;
}

std::string DifferenceOf(std::vector<std::string> said, std::vector<std::string> reference) {
  if (IsReferenceGtk()) return Missing(reference, said, "- ") + Missing(said, reference, "+ ");
  return Missing(WordsOf(reference), WordsOf(said), "- ");
}

// Names stand between these (U+2068, U+2069), and several of them in the order of random keys.
constexpr std::string_view kNameBegin = "\u2068";
constexpr std::string_view kNameEnd = "\u2069";

std::string WithSortedNames(const std::string& line) {
  std::string sorted;
  size_t at = 0;
  while (at < line.size()) {
    std::vector<std::string> names;
    size_t next = at;
    while (line.compare(next, kNameBegin.size(), kNameBegin) == 0) {
      const size_t end = line.find(kNameEnd, next);
      if (end == std::string::npos) break;
      names.push_back(line.substr(next, end + kNameEnd.size() - next));
      next = end + kNameEnd.size();
      at = next;
      if (line.compare(next, 2, ", ") == 0) next += 2;
    }
    std::sort(names.begin(), names.end());
    for (size_t i = 0; i < names.size(); ++i) sorted += (i == 0 ? "" : ", ") + names[i];
    if (names.empty()) sorted += line[at++];
  }
  return sorted;
}

}  // namespace

std::string InLanguage(const std::string& language, const std::string& text) {
  std::string said = text;
  if (!language.empty()) {
    said = Output("LC_ALL=C.UTF-8 LANGUAGE=" + language +
                  " TEXTDOMAINDIR=" CATALOGS_FOLDER " gettext postern-settings '" + text + "'");
  }
  return absl::StrReplaceAll(said, {{"_", ""}});
}

std::vector<std::string> Lasting(const std::vector<std::string>& tree) {
  // The apps of the stage are this very program, which lies wherever it was built.
  static const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  static const std::vector<std::pair<std::regex, std::string>> passing = {
      {std::regex(R"([0-9a-f]{8,})"), "KEY"},
      {std::regex(R"([0-9]+(?:[.,:-][0-9]+)*)"), "N"},
      // English the other way round has marks about its words.
      {std::regex("(?:\u200f)?\u202e(today|yesterday)\u202c(?:\u200f)?"), "$1"},
      {std::regex(R"(\b(?:today|yesterday|heute|gestern|N) N\b)"), "WHEN"},
      {std::regex(R"(\bN event\b)"), "N events"},
      {std::regex(R"(\bN Ereignis\b)"), "N Ereignisse"},
      {std::regex("\u202eevent\u202c"), "\u202eevents\u202c"},
  };
  std::set<std::string> lines;
  for (std::string line : tree) {
    if (const size_t at = line.find(program); at != std::string::npos) {
      line.replace(at, program.size(), "PROGRAM");
    }
    for (const auto& [what, instead] : passing) line = std::regex_replace(line, what, instead);
    lines.insert(WithSortedNames(line));
  }
  return {lines.begin(), lines.end()};
}

std::string Difference(const std::string& name,
                       const std::function<std::vector<std::string>()>& tree) {
  const std::string path = std::string(TREES_FOLDER) + "/" + name + ".txt";
  const char* const update = std::getenv("UPDATE");
  if (update != nullptr && std::string(update) == "1") {
    // Once it no longer changes.
    std::vector<std::string> said = Lasting(tree());
    for (std::vector<std::string> before; before != said; said = Lasting(tree())) before = said;
    std::ofstream file(path);
    for (const std::string& line : said) file << line << "\n";
    return "";
  }
  std::ifstream file(path);
  if (!file) return path + " is missing";
  std::vector<std::string> reference;
  for (std::string line; std::getline(file, line);) reference.push_back(line);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::string difference;
  do {
    difference = DifferenceOf(Lasting(tree()), reference);
  } while (!difference.empty() && std::chrono::steady_clock::now() < deadline);
  return difference;
}

}  // namespace postern::settings_test
