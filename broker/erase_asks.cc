// SPDX-License-Identifier: Apache-2.0
#include "broker/erase_asks.h"

#include <algorithm>
#include <limits>

#include "broker/limits.h"

namespace postern::broker {
namespace {

using Row = storage::v1::Erasure;

// Joins the two neighbours that are the fewest asks together, so that single ones stay exact.
void JoinSmallest(Row& row) {
  int at = 0;
  uint64_t fewest = std::numeric_limits<uint64_t>::max();
  for (int i = 0; i + 1 < row.asks_size(); ++i) {
    const uint64_t count = row.asks(i).count() + row.asks(i + 1).count();
    if (count >= fewest) continue;
    fewest = count;
    at = i;
  }
  Row::Asks& joined = *row.mutable_asks(at);
  const Row::Asks& next = row.asks(at + 1);
  joined.set_last(next.last());
  joined.set_count(joined.count() + next.count());
  joined.set_ask_time(std::min(joined.ask_time(), next.ask_time()));
  row.mutable_asks()->DeleteSubrange(at + 1, 1);
}

}  // namespace

bool AsksToErase(const v1::Event& event) {
  return event.has_message_deleted() || event.has_message_expired() || event.has_erase_asked();
}

bool AddAsk(Row& row, Sequence sequence, absl::Time now) {
  if (sequence <= row.erased_through()) return false;
  int place = row.asks_size();
  while (place > 0 && row.asks(place - 1).first() > sequence) --place;
  if (place > 0 && row.asks(place - 1).last() >= sequence) return false;
  Row::Asks& added = *row.add_asks();
  added.set_first(sequence);
  added.set_last(sequence);
  added.set_count(1);
  added.set_ask_time(absl::ToUnixMicros(now));
  for (int i = row.asks_size() - 1; i > place; --i) row.mutable_asks()->SwapElements(i, i - 1);
  if (row.asks_size() > kEraseAsksMax) JoinSmallest(row);
  return true;
}

bool ConfirmAsks(Row& row, Sequence sequence, absl::Time now) {
  int done = 0;
  while (done < row.asks_size() && row.asks(done).last() <= sequence) ++done;
  if (done == 0) return false;
  row.mutable_asks()->DeleteSubrange(0, done);
  row.set_erased_through(std::max<uint64_t>(row.erased_through(), sequence));
  row.set_confirm_time(absl::ToUnixMicros(now));
  return true;
}

bool ConfirmAll(Row& row, absl::Time now) {
  const bool everything_open = row.everything_ask_time() != 0 && !row.everything_confirmed();
  if (row.asks().empty() && !everything_open) return false;
  if (!row.asks().empty()) {
    const Sequence last = row.asks(row.asks_size() - 1).last();
    row.set_erased_through(std::max<uint64_t>(row.erased_through(), last));
  }
  row.clear_asks();
  if (everything_open) row.set_everything_confirmed(true);
  row.set_confirm_time(absl::ToUnixMicros(now));
  return true;
}

}  // namespace postern::broker
