// SPDX-License-Identifier: Apache-2.0
// What a screen reader says of a screen, held against what is checked in (trees/NAME.txt); and the
// window's own words in other languages.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace postern::settings_test {

// Returns how the window says a text of its own in 'language' ("" for English), without the marks
// of keys. What is no text of the window's, as a name, is returned as it is.
std::string InLanguage(const std::string& language, const std::string& text);

// Returns what stays of 'tree' from run to run: numbers, days, keys and the folder it was built in
// are left out. Sorted and each line once, since rows of the same minute stand in the order of
// keys that are random.
std::vector<std::string> Lasting(const std::vector<std::string>& tree);

// Asks 'tree' until it says what is checked in as 'name'. Returns how it differs; empty when it
// does not. With UPDATE=1 in the environment it writes what is said instead: read the difference
// before you commit it. GTK versions other than 4.8 say some things in other roles; only the words
// are compared there.
std::string Difference(const std::string& name,
                       const std::function<std::vector<std::string>()>& tree);

}  // namespace postern::settings_test
