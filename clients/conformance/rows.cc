// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/rows.h"

namespace postern::conformance {

const std::vector<Row>& Rows() {
  static const auto* const rows = [] {
    auto* all = new std::vector<Row>();
    for (const auto& some : {MessageRows(), SendRows(), ChatRows(), PeopleRows()}) {
      all->insert(all->end(), some.begin(), some.end());
    }
    return all;
  }();
  return *rows;
}

}  // namespace postern::conformance
