// SPDX-License-Identifier: Apache-2.0
#include "broker/incoming_times.h"

#include <algorithm>
#include <vector>

#include "broker/limits.h"
#include "broker/proto_time.h"
#include "permissions/decide.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::ChatId;

// Records of a chat that one look-up reads at a time, and in all: a day of the user's own talking.
constexpr int kLookUpPage = 64;
constexpr int kLookUpMax = 512;

// When another person wrote this, or nothing when it is not a message of another person. The
// network's time can make it older, never younger.
std::optional<absl::Time> IncomingTime(const LogRecord& record, const v1::Event& event) {
  if (record.kind != v1::Event::kMessageCreated || !record.origin.empty()) return std::nullopt;
  if (event.message_created().message().from_owner()) return std::nullopt;
  for (const int flag : event.flags()) {
    if (flag == v1::EVENT_FLAG_TIME_IMPLAUSIBLE && record.backfill) return std::nullopt;
  }
  return std::min(record.record_time, FromProto(event.message_created().message().create_time()));
}

}  // namespace

IncomingTimes::Chat& IncomingTimes::Put(ChatId chat) {
  if (chats_.size() >= kIncomingChatsMax && !chats_.contains(chat)) {
    // What is older than the window opens nothing, and can be looked up again.
    const absl::Time oldest = clock_.Now() - permissions::kReplyWindow;
    absl::erase_if(chats_, [&](const auto& entry) { return entry.second.incoming < oldest; });
    if (chats_.size() >= kIncomingChatsMax) chats_.clear();
  }
  return chats_[chat];
}

void IncomingTimes::Note(const TakenEvent& taken) {
  if (taken.record.kind != v1::Event::kMessageCreated) return;
  const std::optional<absl::Time> time = IncomingTime(taken.record, taken.event);
  const bool incoming =
      time.has_value() && !directory_.IsSelf(taken.record.account, taken.record.sender);
  platform::MutexLock lock(mutex_);
  Chat& chat = Put(taken.record.chat);
  chat.has_messages = true;
  if (!incoming) return;
  chat.incoming = std::max(chat.incoming, *time);
  // News is newer than all the index holds; imported history is not.
  chat.known |= !taken.record.backfill;
}

void IncomingTimes::NoteSent(ChatId chat) {
  platform::MutexLock lock(mutex_);
  Put(chat).has_messages = true;
}

absl::StatusOr<absl::Time> IncomingTimes::LookUp(ChatId chat) {
  const absl::Time oldest = clock_.Now() - permissions::kReplyWindow;
  if (absl::Status status = index_.CatchUp(log_.last_sequence(), kIndexWait);
      !status.ok() && status.code() != absl::StatusCode::kDeadlineExceeded) {
    return status;
  }
  Place before = kPlaceEnd;
  for (int looked_at = 0; looked_at < kLookUpMax;) {
    ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> page,
                     index_.ListChat(chat, before, kLookUpPage));
    if (page.empty()) break;
    std::vector<Sequence> sequences;
    for (const MessageIndex::Entry& entry : page) sequences.push_back(entry.sequence);
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.Read(sequences));
    for (const RecordPointer& record : records) {
      // A deleted one no longer says who wrote it, and is not taken for anybody's.
      if (record == nullptr || record->erased()) continue;
      if (record->history_time() < oldest) return absl::InfinitePast();
      storage::v1::StoredEvent stored;
      if (!stored.ParseFromString(record->body)) {
        return absl::DataLossError("a stored event is unreadable");
      }
      const std::optional<absl::Time> time = IncomingTime(*record, stored.event());
      if (time.has_value() && *time >= oldest &&
          !directory_.IsSelf(record->account, record->sender)) {
        return *time;
      }
    }
    looked_at += static_cast<int>(page.size());
    before = page.back().place;
  }
  return absl::InfinitePast();
}

absl::StatusOr<absl::Time> IncomingTimes::LastIncoming(ChatId chat) {
  {
    platform::MutexLock lock(mutex_);
    const auto noted = chats_.find(chat);
    if (noted != chats_.end() && noted->second.known) return noted->second.incoming;
  }
  ASSIGN_OR_RETURN(const absl::Time time, LookUp(chat));
  platform::MutexLock lock(mutex_);
  Chat& entry = Put(chat);
  entry.known = true;
  entry.incoming = std::max(entry.incoming, time);
  return entry.incoming;
}

absl::StatusOr<bool> IncomingTimes::HasMessages(ChatId chat) {
  {
    platform::MutexLock lock(mutex_);
    const auto noted = chats_.find(chat);
    if (noted != chats_.end() && noted->second.has_messages) return true;
  }
  const std::optional<v1::Chat> entry = directory_.FindChat(chat);
  if (entry.has_value() && entry->has_last_message_time()) return true;
  ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> newest,
                   index_.ListChat(chat, kPlaceEnd, 1));
  if (newest.empty()) return false;
  NoteSent(chat);
  return true;
}

}  // namespace postern::broker
