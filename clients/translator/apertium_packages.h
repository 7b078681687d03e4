// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "clients/translator/apertium_modes.h"

namespace postern::translator {

// The Debian packages that would make a way from one language to another, in one step or in two:
// the ways with the fewest packages to install, at most three, each a list of packages. Empty when
// Debian has none. Some pairs of a package work in one direction only, so this is advice, no
// promise.
std::vector<std::vector<std::string>> PackagesFor(const Language& from, const Language& to,
                                                  const ApertiumModes& installed);

// The same as a sentence for the user.
std::string PackageAdvice(const Language& from, const Language& to, const ApertiumModes& installed);

}  // namespace postern::translator
