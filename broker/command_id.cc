// SPDX-License-Identifier: Apache-2.0
#include "broker/command_id.h"

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <array>
#include <vector>

#include "broker/absl_text.h"
#include "broker/limits.h"
#include "permissions/manifest.h"
#include "platform/secret_bytes.h"

namespace postern::broker {

std::string NewCommandId(const permissions::Principal& principal, const Trail& trail) {
  std::array<uint8_t, 16> random;
  platform::FillRandom(random);
  std::string id = absl::StrCat(
      absl::BytesToHexString({reinterpret_cast<const char*>(random.data()), random.size()}), ".",
      absl::BytesToHexString(AbslText(principal.view().substr(0, 8))), ".", trail.hops);
  if (!trail.networks.empty()) absl::StrAppend(&id, ".", absl::StrJoin(trail.networks, "+"));
  return id;
}

CommandOrigin ReadCommandId(std::string_view command_id) {
  CommandOrigin origin;
  if (command_id.size() > kIdBytesMax) return origin;
  const std::vector<std::string> parts = absl::StrSplit(AbslText(command_id), '.');
  if (parts.size() < 2) return origin;
  origin.principal_prefix = parts[1];
  uint32_t hops = 0;
  if (parts.size() > 2) (void)absl::SimpleAtoi(parts[2], &hops);
  origin.trail.hops = std::clamp<uint32_t>(hops, 1, kHopsMax);
  if (parts.size() > 3) {
    for (const absl::string_view network : absl::StrSplit(parts[3], '+')) {
      const std::string name(network);
      if (permissions::IsNetworkName(name)) origin.trail.AddNetwork(name);
    }
  }
  return origin;
}

}  // namespace postern::broker
