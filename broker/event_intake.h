// SPDX-License-Identifier: Apache-2.0
// Stop 2 of an event's path, check: what an adapter sent becomes a record of the log, or is refused
// by itself while the rest of its batch is taken.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/event_log.h"
#include "broker/trail.h"
#include "permissions/id_cipher.h"
#include "permissions/ids.h"
#include "postern/v1/event.pb.h"

namespace postern::broker {

// An event that was taken: with the broker's ids in their text form (IdText), and as the log keeps
// it.
struct TakenEvent {
  v1::Event event;
  LogRecord record;
  // What the network calls the chat; empty for events of the account.
  std::string remote_chat_id;
  // For a new message: what the network calls it.
  std::string remote_message_id;
  // What the network calls the people that the event names.
  std::vector<std::pair<permissions::ContactId, std::string>> remote_contacts;
  // The attachments that the event names: IdText, and what the network calls them.
  std::vector<std::pair<std::string, std::string>> remote_attachments;
  // For what a command made: where it has been.
  Trail trail;
  // Names the event's content, whatever its position: equal for what an adapter sends twice. Empty
  // for what may rightly be said twice.
  std::string fingerprint;
};

// Parses, bounds and normalises one event of 'account', and gives its ids their internal form.
// INVALID_ARGUMENT with a reason (rpc_status.h) and the metadata "field" when it goes over a bound.
// Network's times are held against 'now'; the record is dated 'record_time'. Pure but for 'ids',
// which is thread-safe.
absl::StatusOr<TakenEvent> TakeEvent(const permissions::IdMaker& ids,
                                     permissions::AccountId account, std::string_view bytes,
                                     absl::Time now, absl::Time record_time);

// The text form of an internal id in stored events: 32 lower-case hex digits.
template <typename AnyId>
std::string IdText(const AnyId& id);
std::string IdTextFromRaw(std::string_view raw16);
// Returns the raw 16 bytes, or an empty string when 'text' is not such a form.
std::string RawFromIdText(std::string_view text);

template <typename AnyId>
std::string IdText(const AnyId& id) {
  return IdTextFromRaw(id.view());
}
template <typename AnyId>
AnyId IdFromText(std::string_view text) {
  return AnyId::FromRaw(RawFromIdText(text));
}

}  // namespace postern::broker
