// SPDX-License-Identifier: Apache-2.0
// The newest records, in memory: where live streams read. Bounded by count and bytes.
#pragma once

#include <deque>
#include <vector>

#include "broker/log_record.h"

namespace postern::broker {

// Not thread-safe. Holds consecutive sequences.
class MemoryTail {
 public:
  // Adds the record that follows the last one; drops the oldest beyond the bounds.
  void Push(RecordPointer record);
  // Whether every record after 'sequence' is here, when 'last' is the log's last.
  bool Covers(Sequence sequence, Sequence last) const;
  // Appends up to 'limit' records after 'sequence', which must be covered.
  void CopyAfter(Sequence sequence, int limit, std::vector<RecordPointer>& out) const;
  // Returns the record, or null when it is not here.
  RecordPointer Find(Sequence sequence) const;
  // Replaces a record's content, if it is here.
  void Erase(Sequence sequence, ErasedBy by);
  // Drops records through 'sequence'.
  void DropThrough(Sequence sequence);

 private:
  void PopFront();

  std::deque<RecordPointer> records_;
  size_t bytes_ = 0;
};

}  // namespace postern::broker
