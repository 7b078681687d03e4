// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/time/time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "permissions/ids.h"

namespace postern::broker {

// The place of an event in the log, from 1, without gaps.
using Sequence = uint64_t;

// Why a record's content is gone. The numbers are stored.
enum class ErasedBy : uint8_t {
  kNothing = 0,
  // The message was deleted or expired.
  kDelete = 1,
  // It was older, or more, than the owner keeps.
  kRetention = 2,
};

// One event as the log keeps it: what decisions and indexes need as fields, the rest as bytes.
struct LogRecord {
  // Given by Append.
  Sequence sequence = 0;
  // Kept to the microsecond.
  absl::Time record_time;
  // Number of the field in postern.v1.Event.kind.
  uint8_t kind = 0;
  bool backfill = false;
  // Of 'backfill' alone: when the network says it happened. Kept to the microsecond.
  absl::Time backfill_time;
  bool ephemeral = false;
  // Other than kNothing: the content is gone, 'body' is empty.
  ErasedBy erased_by = ErasedBy::kNothing;
  permissions::AccountId account;
  permissions::ChatId chat;
  // The message it makes or is about; empty for others.
  permissions::MessageId message;
  permissions::ContactId sender;
  // The app whose call caused it; empty when none did.
  permissions::Principal origin;
  // A serialised postern.v1.Event whose id fields hold raw 16-byte ids in text form
  // (event_codec.h).
  std::string body;

  bool erased() const { return erased_by != ErasedBy::kNothing; }
  // When it belongs in a chat's history: older history as old as the network says, never younger
  // than it was recorded; news when it was recorded, whatever the network says.
  absl::Time history_time() const {
    return backfill ? std::min(backfill_time, record_time) : record_time;
  }
};

// Shared by the tail and by every stream that is still writing the record.
using RecordPointer = std::shared_ptr<const LogRecord>;

}  // namespace postern::broker
