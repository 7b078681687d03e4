// SPDX-License-Identifier: Apache-2.0
// The kinds of events that storage itself must tell apart: numbers of the fields in
// postern.v1.Event.kind. Storage knows no proto type; a test compares these with the contract.
#pragma once

#include <cstdint>

namespace postern::broker {

inline constexpr uint8_t kMessageCreated = 20;
inline constexpr uint8_t kMessageEdited = 21;
inline constexpr uint8_t kMessageDeleted = 22;
inline constexpr uint8_t kMessageExpired = 23;

}  // namespace postern::broker
