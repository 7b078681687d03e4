// SPDX-License-Identifier: Apache-2.0
// Messages as they are now: the record that made each, with its edits, delete and reactions folded
// in, as one app may see them.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/history_place.h"
#include "broker/message_index.h"
#include "permissions/ids.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// Thread-safe. Borrows log and index.
class History {
 public:
  History(EventLog& log, MessageIndex& index) : log_(log), index_(index) {}

  struct Page {
    // Of all of them; empty when there are none.
    permissions::ChatId chat;
    // Newest first, in the viewer's pseudonyms.
    std::vector<v1::Message> messages;
    // Go on before this one; 0 when nothing older is left.
    Place next_before = 0;
    // Of the records that made these messages; 0 when there are none.
    Sequence first = 0;
    Sequence last = 0;
    // The records that are folded into them, in no order.
    std::vector<Sequence> folded;
  };

  // Lists messages of a chat that stand before 'before' (kPlaceEnd: all), newest first, at most
  // 'limit'. What the viewer may not see is passed over. The page is shorter although more follow
  // where it grows too large, or where kHistoryLooksMax were looked at.
  //
  // Stable while messages arrive: what is new stands before the page that was first, and history
  // that comes late where it belongs, so it is on a later page or on none.
  absl::StatusOr<Page> List(const Viewer& viewer, permissions::ChatId chat, Place before,
                            int limit);
  // Returns the message, and around it those of its chat that the viewer sees, newest first. A
  // deleted one is what List shows of it. NOT_FOUND when the viewer does not see the message
  // itself.
  absl::StatusOr<Page> Around(const Viewer& viewer, permissions::MessageId message, int before,
                              int after);
  // A message, its chat, and which records are folded into it.
  struct Shown {
    v1::Message message;
    permissions::ChatId chat;
    std::vector<Sequence> folded;
  };
  // Returns messages as the viewer sees them now, named by the records that made them, in their
  // order; nothing in place of what it does not see.
  absl::StatusOr<std::vector<std::optional<Shown>>> Show(const Viewer& viewer,
                                                         std::span<const Sequence> created);

  // Before this, the viewer sees no message of any chat: where its grants begin.
  static Place FloorOf(const Viewer& viewer);

  // Returns the record that made a message. Sees all records before 'before', and of later ones
  // what is indexed; null when there is none.
  absl::StatusOr<RecordPointer> FindCreated(permissions::MessageId message, Sequence before);

  // A message as the log knows it, for commands about it.
  struct Origin {
    RecordPointer record;
    std::string remote_message_id;
  };
  // NOT_FOUND when it is not in the log.
  absl::StatusOr<Origin> Find(permissions::MessageId message);

 private:
  absl::Status WaitForIndex();
  absl::StatusOr<std::optional<Shown>> Fold(const Viewer& viewer, const LogRecord& created,
                                            std::vector<RecordPointer> changes);
  enum class Direction { kOlder, kNewer };
  // Adds to 'page', in the order of 'direction' from 'from' on, and sets where to go on.
  absl::Status Walk(const Viewer& viewer, permissions::ChatId chat, Place from, Direction direction,
                    int limit, Page& page);

  EventLog& log_;
  MessageIndex& index_;
};

}  // namespace postern::broker
