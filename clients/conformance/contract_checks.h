// SPDX-License-Identifier: Apache-2.0
// What the contract asks of every adapter, whatever its network can do.
#pragma once

#include <string>
#include <vector>

#include "clients/conformance/ends.h"
#include "clients/conformance/words.h"

namespace postern::conformance {

struct ContractCheck {
  // Unique, also among the rows.
  const char* name;
  // "" when kept, else what is wrong. 'words' have begun a row in the 1:1 chat.
  std::string (*check)(const Ends& ends, Words& words);
};

// In the order they are made.
const std::vector<ContractCheck>& ContractChecks();

}  // namespace postern::conformance
