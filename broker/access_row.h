// SPDX-License-Identifier: Apache-2.0
// One row of the access history: what was done, never what was in it.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/record_chain.h"
#include "permissions/ids.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

struct AccessRow {
  // Its place, from 1, without gaps; given when it is written. 0: the minute it counts is not over.
  uint64_t sequence = 0;
  // For counts the start of the minute. Given by the history.
  absl::Time time = absl::InfinitePast();
  v1::AccessVerb verb = v1::ACCESS_VERB_UNSPECIFIED;
  // Who did it, or whose grant changed; empty when no app is concerned.
  permissions::Principal principal;
  // Empty when no one chat is concerned.
  permissions::ChatId chat;
  permissions::GrantId grant;
  uint64_t count = 1;
  // For refusals the name of the reason; for the user's acts what was used. One word, at most
  // kAccessReasonBytesMax.
  std::string reason;
  // Given when it is written.
  ChainValue chain{};
};

// The bytes that the chain covers; the chain adds the sequence. Layout: on_disk.md.
std::string PackAccessRow(const AccessRow& row);

// Which rows are wanted; what is empty lets everything pass.
struct AccessFilter {
  permissions::Principal principal;
  permissions::ChatId chat;
  // Bit n stands for verb n.
  uint32_t verbs = 0;
  // From the first on, before the second.
  absl::Time start = absl::InfinitePast();
  absl::Time end = absl::InfiniteFuture();

  bool Takes(const AccessRow& row) const;
};

}  // namespace postern::broker
