// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/pick.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <functional>

#include "clients/owner/visible_text.h"
#include "clients/postern/names.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

// An error that lists hundreds of chats helps nobody.
constexpr size_t kListedMax = 8;

using Fits = std::function<bool(const Candidate&)>;

std::vector<size_t> AllThat(std::span<const Candidate> candidates, const Fits& fits) {
  std::vector<size_t> found;
  for (size_t index = 0; index < candidates.size(); ++index) {
    if (fits(candidates[index])) found.push_back(index);
  }
  return found;
}

bool AnyName(const Candidate& candidate, const std::function<bool(const std::string&)>& fits) {
  return std::any_of(candidate.names.begin(), candidate.names.end(), fits);
}

std::string Listed(std::span<const Candidate> candidates, const std::vector<size_t>& indexes) {
  std::string list;
  for (size_t i = 0; i < indexes.size() && i < kListedMax; ++i) {
    const Candidate& candidate = candidates[indexes[i]];
    absl::StrAppend(&list, i == 0 ? "" : ", ", ShortId(candidate.id));
    if (!candidate.names.empty() && !candidate.names.front().empty()) {
      absl::StrAppend(&list, " (", VisibleText(candidate.names.front()), ")");
    }
  }
  if (indexes.size() > kListedMax)
    absl::StrAppend(&list, " and ", indexes.size() - kListedMax, " more");
  return list;
}

}  // namespace

absl::StatusOr<size_t> Pick(std::span<const Candidate> candidates, const std::string& text,
                            const std::string& what) {
  const std::string folded = absl::AsciiStrToLower(text);
  const std::vector<Fits> steps = {
      [&](const Candidate& c) { return c.id == text; },
      [&](const Candidate& c) {
        return AnyName(c, [&](const std::string& n) { return absl::EqualsIgnoreCase(n, folded); });
      },
      [&](const Candidate& c) {
        return text.size() >= kIdStartLengthMin && absl::StartsWith(c.id, text);
      },
      [&](const Candidate& c) {
        return !text.empty() && AnyName(c, [&](const std::string& n) {
          return absl::StrContains(absl::AsciiStrToLower(n), folded);
        });
      },
  };
  for (const Fits& step : steps) {
    std::vector<size_t> found = AllThat(candidates, step);
    if (found.size() > 1) {
      const std::vector<size_t> present =
          AllThat(candidates, [&](const Candidate& c) { return !c.former && step(c); });
      if (!present.empty()) found = present;
    }
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat("“", VisibleText(text),
                                                     "” fits more than one ", what, ": ",
                                                     Listed(candidates, found), ". Use the id."));
    }
  }
  if (candidates.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("There is no ", what, "."));
  }
  const std::vector<size_t> all = AllThat(candidates, [](const Candidate&) { return true; });
  return absl::InvalidArgumentError(absl::StrCat("There is no ", what, " called “",
                                                 VisibleText(text),
                                                 "”. There are: ", Listed(candidates, all), "."));
}

}  // namespace postern::cli
