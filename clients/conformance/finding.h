// SPDX-License-Identifier: Apache-2.0
// What came of a row.
#pragma once

#include <string>
#include <vector>

#include "postern/v1/chat.pb.h"

namespace postern::conformance {

enum class Carried {
  kWhole,      // every field came
  kPartial,    // it came with losses, which 'detail' names
  kNotAtAll,   // nothing came
  kSaysSo,     // the adapter named the capability that is missing
  kLies,       // it claims FULL and is not; or says that it was done, and the far end saw nothing
  kNotTested,  // the far end cannot bring it about, or see it
};

// "carried whole", "partial", "not carried", "says so", "lies", "not tested".
std::string CarriedText(Carried carried);

struct Finding {
  std::string name;
  std::string direction;  // "in", "out", "contract"
  std::string capability;
  v1::CapabilityLevel claimed = v1::CAPABILITY_LEVEL_UNSPECIFIED;
  Carried carried = Carried::kNotTested;
  std::string detail;
};

struct Score {
  int whole = 0;
  int total = 0;
  int lies = 0;
  int percent() const { return total == 0 ? 0 : 100 * whole / total; }
};
Score ScoreOf(const std::vector<Finding>& findings);

}  // namespace postern::conformance
