// SPDX-License-Identifier: Apache-2.0
#include "broker/access_row.h"

namespace postern::broker {
namespace {

constexpr char kVersion = 1;

void PutNumber(uint64_t value, std::string& out) {
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

}  // namespace

// All but the last field have one length, so no two rows pack alike.
std::string PackAccessRow(const AccessRow& row) {
  std::string packed;
  packed.reserve(96 + row.reason.size());
  packed.push_back(kVersion);
  packed.push_back(static_cast<char>(row.verb));
  PutNumber(static_cast<uint64_t>(absl::ToUnixMicros(row.time)), packed);
  PutNumber(row.count, packed);
  packed.append(row.principal.view());
  packed.append(row.chat.view());
  packed.append(row.grant.view());
  packed.append(row.reason);
  return packed;
}

bool AccessFilter::Takes(const AccessRow& row) const {
  return (principal.empty() || row.principal == principal) && (chat.empty() || row.chat == chat) &&
         (verbs == 0 || (verbs >> static_cast<unsigned>(row.verb) & 1U) != 0) &&
         row.time >= start && row.time < end;
}

}  // namespace postern::broker
