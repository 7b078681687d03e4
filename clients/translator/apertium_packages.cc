// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/apertium_packages.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <optional>

namespace postern::translator {
namespace {

// What follows "apertium-" in the names of Debian 12's and 13's packages of pairs.
constexpr const char* kPackages[] = {
    "afr-nld", "arg-cat", "bel-rus", "br-fr",   "cat-ita", "cat-srd", "dan-nor", "en-gl",
    "eng-cat", "eng-spa", "eo-ca",   "eo-en",   "eo-es",   "eo-fr",   "es-gl",   "es-pt",
    "es-ro",   "eu-en",   "eu-es",   "fr-es",   "fra-cat", "fra-frp", "hbs-eng", "hbs-mkd",
    "hbs-slv", "ind-zlm", "isl-eng", "isl-swe", "mkd-bul", "mkd-eng", "nno-nob", "oc-ca",
    "oc-es",   "oci-fra", "pol-szl", "por-cat", "pt-gl",   "rus-ukr", "spa-arg", "spa-ast",
    "spa-cat", "spa-ita", "srd-ita", "swe-dan", "swe-nor", "urd-hin"};
constexpr size_t kWaysMax = 3;
// "No package needed": the pair is installed.
constexpr char kInstalled[] = "";

// The package with this pair, in either direction.
std::optional<std::string> PackageOf(const Language& from, const Language& to,
                                     const ApertiumModes& installed) {
  if (installed.pairs().count({from, to}) != 0) return kInstalled;
  // Where one direction is installed, its package has no other.
  if (installed.pairs().count({to, from}) != 0) return std::nullopt;
  for (const std::string name : kPackages) {
    const size_t dash = name.find('-');
    const auto one = FindLanguage(name.substr(0, dash));
    const auto other = FindLanguage(name.substr(dash + 1));
    if ((one == from && other == to) || (one == to && other == from)) {
      return absl::StrCat("apertium-", name);
    }
  }
  return std::nullopt;
}

std::set<Language> AllLanguages() {
  std::set<Language> all;
  for (const std::string name : kPackages) {
    const size_t dash = name.find('-');
    if (const auto one = FindLanguage(name.substr(0, dash)); one.has_value()) all.insert(*one);
    if (const auto other = FindLanguage(name.substr(dash + 1)); other.has_value()) {
      all.insert(*other);
    }
  }
  return all;
}

}  // namespace

std::vector<std::vector<std::string>> PackagesFor(const Language& from, const Language& to,
                                                  const ApertiumModes& installed) {
  if (const auto direct = PackageOf(from, to, installed); direct.has_value()) return {{*direct}};
  std::vector<std::vector<std::string>> ways;
  for (const Language& middle : AllLanguages()) {
    const auto first = PackageOf(from, middle, installed);
    const auto second = PackageOf(middle, to, installed);
    if (!first.has_value() || !second.has_value()) continue;
    std::vector<std::string> way;
    for (const std::string& package : {*first, *second}) {
      if (package != kInstalled) way.push_back(package);
    }
    ways.push_back(std::move(way));
  }
  std::stable_sort(ways.begin(), ways.end(),
                   [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (ways.size() > kWaysMax) ways.resize(kWaysMax);
  return ways;
}

std::string PackageAdvice(const Language& from, const Language& to,
                          const ApertiumModes& installed) {
  const std::string what =
      absl::StrCat("No translation from ", NameOf(from), " to ", NameOf(to), " is installed");
  const auto ways = PackagesFor(from, to, installed);
  if (ways.empty()) {
    return absl::StrCat(what, ", and Debian has none; a server may (--remote URL).");
  }
  std::vector<std::string> commands;
  for (const auto& way : ways) {
    commands.push_back(absl::StrCat("`apt install ", absl::StrJoin(way, " "), "`"));
  }
  return absl::StrCat(what, ". What could add it: ", absl::StrJoin(commands, ", or "), ".");
}

}  // namespace postern::translator
