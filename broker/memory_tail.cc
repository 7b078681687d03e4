// SPDX-License-Identifier: Apache-2.0
#include "broker/memory_tail.h"

#include <algorithm>
#include <utility>

#include "broker/storage_limits.h"

namespace postern::broker {
namespace {

size_t Cost(const LogRecord& record) { return sizeof(LogRecord) + record.body.capacity(); }

}  // namespace

void MemoryTail::Push(RecordPointer record) {
  bytes_ += Cost(*record);
  records_.push_back(std::move(record));
  while (!records_.empty() && (records_.size() > kTailRecordsMax || bytes_ > kTailBytesMax)) {
    PopFront();
  }
}

bool MemoryTail::Covers(Sequence sequence, Sequence last) const {
  if (sequence >= last) return true;
  return !records_.empty() && sequence + 1 >= records_.front()->sequence &&
         records_.back()->sequence == last;
}

void MemoryTail::CopyAfter(Sequence sequence, int limit, std::vector<RecordPointer>& out) const {
  if (records_.empty() || sequence >= records_.back()->sequence) return;
  const size_t from = sequence + 1 - records_.front()->sequence;
  const size_t count = std::min(records_.size() - from, static_cast<size_t>(std::max(limit, 0)));
  out.insert(out.end(), records_.begin() + from, records_.begin() + from + count);
}

RecordPointer MemoryTail::Find(Sequence sequence) const {
  if (records_.empty() || sequence < records_.front()->sequence ||
      sequence > records_.back()->sequence) {
    return nullptr;
  }
  return records_[sequence - records_.front()->sequence];
}

void MemoryTail::Erase(Sequence sequence, ErasedBy by) {
  const RecordPointer record = Find(sequence);
  if (record == nullptr || record->erased()) return;
  auto erased = std::make_shared<LogRecord>();
  erased->sequence = record->sequence;
  erased->record_time = record->record_time;
  erased->kind = record->kind;
  erased->backfill = record->backfill;
  erased->backfill_time = record->backfill_time;
  erased->ephemeral = record->ephemeral;
  erased->erased_by = by;
  erased->account = record->account;
  erased->chat = record->chat;
  erased->message = record->message;
  erased->sender = record->sender;
  erased->origin = record->origin;
  bytes_ -= Cost(*record);
  bytes_ += Cost(*erased);
  records_[sequence - records_.front()->sequence] = std::move(erased);
}

void MemoryTail::DropThrough(Sequence sequence) {
  while (!records_.empty() && records_.front()->sequence <= sequence) PopFront();
}

void MemoryTail::PopFront() {
  bytes_ -= Cost(*records_.front());
  records_.pop_front();
}

}  // namespace postern::broker
