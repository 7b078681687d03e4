// SPDX-License-Identifier: Apache-2.0
#include "broker/contact_links.h"

#include <optional>
#include <utility>
#include <vector>

#include "broker/broker_event.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/store.h"
#include "platform/clock.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ContactId;

absl::Status Tell(const Parts& parts, ContactId id) {
  const std::optional<v1::Contact> contact = parts.directory.FindContact(id);
  if (!contact.has_value()) return absl::OkStatus();
  v1::Event event;
  *event.mutable_contact_changed()->mutable_contact() = *contact;
  event.mutable_contact_changed()->mutable_contact()->clear_linked_contact_ids();
  EventLog::Batch batch;
  batch.account = IdFromText<AccountId>(contact->account_id());
  LogRecord record =
      BrokerEvent(batch.account, {}, std::move(event), {}, parts.confirmed_clock.Now());
  // As where the adapter tells of the contact: what is sealed goes by it.
  record.sender = id;
  batch.records.push_back(std::move(record));
  return parts.log.Append(std::move(batch)).status();
}

}  // namespace

absl::Status TellLinks(const Parts& parts) {
  std::vector<std::pair<int64_t, ContactId>> untold;
  RETURN_IF_ERROR(parts.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT id, contact FROM untold_links ORDER BY id"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      untold.emplace_back(rows.Integer(0), ContactId::FromRaw(rows.Bytes(1)));
    }
  }));
  if (untold.empty()) return absl::OkStatus();
  for (const auto& [row, contact] : untold) RETURN_IF_ERROR(Tell(parts, contact));
  // By row: a change that came meanwhile has rows of its own.
  return parts.store.Write([&](Database& database) -> absl::Status {
    for (const auto& [row, contact] : untold) {
      RETURN_IF_ERROR(database.Run("DELETE FROM untold_links WHERE id = ?", row));
    }
    return absl::OkStatus();
  });
}

}  // namespace postern::broker
