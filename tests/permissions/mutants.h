// SPDX-License-Identifier: Apache-2.0
// Copies of decide.cc, event_scopes.cc and account_access.cc, each spoilt in one place
// (make_mutants.py).
#pragma once

#include <span>

#include "tests/permissions/model_check.h"

namespace postern::permissions {

struct Mutant {
  // The file, the line as it is, and as it became.
  const char* name;
  Deciders deciders;
  // The table of event kinds that goes with it.
  decltype(&FindEventScopes) table;
};

// The table that the copy of decide.cc over spoilt tables looks at; set before it is called.
inline decltype(&FindEventScopes) table_under_test = nullptr;
inline const EventScopes* TableUnderTest(EventKind kind) { return table_under_test(kind); }

std::span<const Mutant> MutantsPart0();
std::span<const Mutant> MutantsPart1();
std::span<const Mutant> MutantsPart2();
std::span<const Mutant> MutantsPart3();

}  // namespace postern::permissions
