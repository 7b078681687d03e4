// SPDX-License-Identifier: Apache-2.0
// Messages as they are now: the record that made each, with its edits, delete and reactions folded
// in, as one app may see them.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/message_index.h"
#include "permissions/ids.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {

// Thread-safe. Borrows log and index.
class History {
 public:
  History(EventLog& log, MessageIndex& index) : log_(log), index_(index) {}

  struct Page {
    // Newest first, in the viewer's pseudonyms.
    std::vector<v1::Message> messages;
    // Go on before this one; 0 when nothing older is left.
    Sequence next_before = 0;
  };

  // Lists messages of a chat recorded before 'before' (0: all), newest first, at most 'limit'. What
  // the viewer may not see is passed over, so a page can be shorter although more follow.
  absl::StatusOr<Page> List(const Viewer& viewer, permissions::ChatId chat, Sequence before,
                            int limit);
  // NOT_FOUND when there is none that the viewer may see.
  absl::StatusOr<v1::Message> Get(const Viewer& viewer, permissions::MessageId message);

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
  absl::StatusOr<std::optional<v1::Message>> Fold(const Viewer& viewer,
                                                  const std::vector<RecordPointer>& records);

  EventLog& log_;
  MessageIndex& index_;
};

}  // namespace postern::broker
