// SPDX-License-Identifier: Apache-2.0
#include "broker/chat_view.h"

#include <optional>
#include <utility>
#include <vector>

#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/message_index.h"
#include "broker/open_chat.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/seal_book.h"
#include "broker/seal_view.h"
#include "platform/status_macros.h"

namespace postern::broker {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Scope;
using permissions::Verdict;

bool MayReadChat(const Viewer& viewer, const v1::Chat& chat) {
  const permissions::ObjectFacts facts = viewer.directory.FactsOf(
      IdFromText<AccountId>(chat.account_id()), IdFromText<ChatId>(chat.id()));
  return Decide(viewer.access, Scope::kChatsRead, facts, viewer.now) == Verdict::kAllowed;
}

absl::StatusOr<v1::Chat> FindReadableChat(const Parts& parts, const Viewer& viewer, ChatId id) {
  RETURN_IF_ERROR(RequireScope(viewer, Scope::kChatsRead));
  std::optional<v1::Chat> chat = viewer.directory.FindChat(id);
  if (!chat.has_value() || !MayReadChat(viewer, *chat)) return NotFound("chat_id");
  HideSealedPeople(parts.seals, *chat);
  return *std::move(chat);
}

absl::Status FillFromLog(const Parts& parts, const Viewer& viewer, v1::Chat& chat) {
  RETURN_IF_ERROR(HideUnseenPins(viewer, parts.log.last_sequence() + 1, chat));
  // What sealed people wrote does not count, nor is it looked through without end.
  const int looked_at = parts.seals.concerns_people() ? kPageSizeDefault : 1;
  ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> newest,
                   parts.index.ListChat(IdFromText<ChatId>(chat.id()), kPlaceEnd, looked_at));
  std::vector<Sequence> sequences;
  for (const MessageIndex::Entry& entry : newest) sequences.push_back(entry.sequence);
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts.log.Read(sequences));
  for (const RecordPointer& record : records) {
    if (record == nullptr || parts.seals.OfPerson(record->sender).sealed) continue;
    *chat.mutable_last_message_time() = ToProto(record->history_time());
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
