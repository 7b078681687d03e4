// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/finding.h"

namespace postern::conformance {

std::string CarriedText(Carried carried) {
  switch (carried) {
    case Carried::kWhole:
      return "carried whole";
    case Carried::kPartial:
      return "partial";
    case Carried::kNotAtAll:
      return "not carried";
    case Carried::kSaysSo:
      return "says so";
    case Carried::kLies:
      return "lies";
    case Carried::kNotTested:
      return "not tested";
  }
  return "";
}

Score ScoreOf(const std::vector<Finding>& findings) {
  Score score;
  for (const Finding& finding : findings) {
    ++score.total;
    score.whole += finding.carried == Carried::kWhole;
    score.lies += finding.carried == Carried::kLies;
  }
  return score;
}

}  // namespace postern::conformance
