// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace postern::translator {

// A language by its ISO 639 code: two letters where there are two ("es"), else three ("ast").
struct Language {
  std::string code;
  auto operator<=>(const Language&) const = default;
};

// Finds a language by any code in use for it ("es", "spa", "zh-Hant", "pt_BR") or by its English
// name. Nothing for one that this program has no row for.
std::optional<Language> FindLanguage(std::string_view text);

// "Spanish".
std::string NameOf(const Language& language);

}  // namespace postern::translator
