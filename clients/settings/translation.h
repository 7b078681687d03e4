// SPDX-License-Identifier: Apache-2.0
// The user's language. Source texts are English; catalogs are in po/.
#pragma once

#include <absl/strings/substitute.h>

#include <cstdint>
#include <string>

namespace postern::settings {

// Takes the language from the environment and finds the catalogs beside this program
// (../share/locale). Sets the reading direction to the catalog's. Call once, after GTK's own
// initialisation.
void SetUpTranslation();

// What a line begins with whose first word may be a name: a line takes its direction from its first
// letter, and that is to be the language's.
const char* LineStart();

// Returns 'text' in the user's language, or as it is. The result lives as long as the program.
const char* Tr(const char* text);
// The same for what the consent question says too: its catalogue has it, so that both say the same.
std::string TrAsked(const std::string& text);
// The same for what depends on a number.
const char* TrCount(const char* one, const char* many, uint64_t count);

// Marks a text that Tr is given later, so that it gets into the catalogs.
constexpr const char* TrLater(const char* text) { return text; }

// Puts 'values' in place of $0, $1 ... of a text.
template <typename... Values>
std::string FillIn(const char* text, const Values&... values) {
  return absl::Substitute(text, values...);
}

}  // namespace postern::settings
