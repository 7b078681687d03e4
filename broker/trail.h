// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::broker {

// Where a message has been that apps pass on; the broker's own reckoning, never an app's word.
struct Trail {
  // How many apps it has come through; 0 for what people wrote.
  uint32_t hops = 0;
  // The networks it has been on, sorted, without doubles. Empty as long as no app has carried it
  // from one chat into another.
  std::vector<std::string> networks;

  bool HasBeenOn(const std::string& network) const {
    return std::binary_search(networks.begin(), networks.end(), network);
  }
  void AddNetwork(const std::string& network) {
    const auto place = std::lower_bound(networks.begin(), networks.end(), network);
    if (place == networks.end() || *place != network) networks.insert(place, network);
  }
  bool operator==(const Trail&) const = default;
};

}  // namespace postern::broker
