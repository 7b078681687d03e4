// SPDX-License-Identifier: Apache-2.0
// Search, as one app may search: what the index finds is shown by the same view as everything else,
// and counts as found only where the app sees the very words that were found. An edit it does not
// see, a quotation, a message that is withheld: nothing of them can be asked for.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/event_view.h"
#include "broker/history.h"
#include "broker/limits.h"
#include "broker/search_index.h"
#include "permissions/ids.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// Thread-safe. Borrows all.
class MessageSearch {
 public:
  // 'rows_max' is what one page passes over for its time alone.
  MessageSearch(EventLog& log, SearchIndex& index, History& history,
                size_t rows_max = kSearchRowsMax)
      : log_(log), index_(index), history_(history), rows_max_(rows_max) {}

  struct Query {
    // As QueryWords gives them.
    std::vector<std::string> words;
    // Empty: in all that is open.
    permissions::ChatId chat;
    // Empty: of everybody.
    permissions::ContactId sender;
    // Written at or after, and before.
    absl::Time start = absl::InfinitePast();
    absl::Time end = absl::InfiniteFuture();
    // When it was asked, by the clock that dates records.
    absl::Time asked;
  };
  struct Page {
    // Newest first, in the viewer's pseudonyms.
    std::vector<v1::Message> messages;
    // Of each: its chat, the record that made it, and those that are folded into it.
    std::vector<std::pair<permissions::ChatId, std::vector<Sequence>>> found;
    // Go on before this one; 0 when nothing older is left.
    Place next_before = 0;
    // Messages recorded after this may be missing. When it was asked, unless the index lags: the
    // time of the latest record would tell when something came in any chat.
    absl::Time indexed_through;
  };

  // Finds what the viewer may find before 'before' (kPlaceEnd: all), at most 'limit'. The page is
  // shorter although more follow where it grows too large or the work reaches its bound
  // (kHistoryLooksMax, kSearchRowsMax): what is not seen is passed over and leaves no other trace.
  absl::StatusOr<Page> Find(const Viewer& viewer, const Query& query, Place before, int limit);

 private:
  EventLog& log_;
  SearchIndex& index_;
  History& history_;
  const size_t rows_max_;
};

}  // namespace postern::broker
