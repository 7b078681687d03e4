// SPDX-License-Identifier: Apache-2.0
#include "broker/broker_event.h"

#include <utility>

#include "broker/event_intake.h"
#include "broker/proto_time.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {

LogRecord BrokerEvent(permissions::AccountId account, permissions::ChatId chat, v1::Event event,
                      const permissions::Principal& principal, absl::Time now) {
  LogRecord record;
  record.record_time = now;
  record.kind = static_cast<uint8_t>(event.kind_case());
  record.account = account;
  record.chat = chat;
  event.set_account_id(IdText(account));
  if (!chat.empty()) event.set_chat_id(IdText(chat));
  *event.mutable_record_time() = ToProto(now);
  *event.mutable_event_time() = event.record_time();
  storage::v1::StoredEvent stored;
  *stored.mutable_event() = std::move(event);
  if (!principal.empty()) stored.set_principal(std::string(principal.view()));
  record.body = stored.SerializeAsString();
  return record;
}

}  // namespace postern::broker
