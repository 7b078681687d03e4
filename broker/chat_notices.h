// SPDX-License-Identifier: Apache-2.0
// Notices on their way into chats: each is posted once, whatever crashes.
//
// A notice is durable before an adapter has it, and its command id never changes: an adapter that
// is asked again answers from its journal and does not post again. What an adapter could not say
// for certain is never repeated. One notice of an account is on its way at a time, with a pause in
// between: a grant for all chats is not to look like spam to the network.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/adapter_table.h"
#include "broker/directory.h"
#include "broker/keyed_hash.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "postern/storage/v1/disclosure.pb.h"

namespace postern::broker {

// Not thread-safe, but for Completed and Attached: those only note, and who owns this does.
class ChatNotices {
 public:
  static absl::StatusOr<std::unique_ptr<ChatNotices>> Open(Store& store, AdapterTable& adapters,
                                                           const Directory& directory,
                                                           const platform::Clock& clock);

  // Takes a notice, durably. 'number' tells the notices of a chat apart: the same one again is the
  // same notice, and changes nothing. Forgets older ones of the chat that are over.
  absl::Status Add(permissions::AccountId account, permissions::ChatId chat, uint64_t number,
                   const std::string& text, std::string_view objection_word);
  // The same for a text that has no number, an answer for one. Each call is another text.
  absl::Status AddAnswer(permissions::AccountId account, permissions::ChatId chat,
                         const std::string& text);
  // Whether that notice is in the chat.
  bool IsPosted(permissions::ChatId chat, uint64_t number) const;
  // Forgets all of a chat that is gone.
  absl::Status Forget(permissions::ChatId chat);

  // Hands over what is due and takes in what came back. Returns how long until something is due;
  // infinite when nothing is.
  absl::StatusOr<absl::Duration> Work();

  // An adapter of this account is there, perhaps anew: what it was asked before, it is asked again.
  void Attached(permissions::AccountId account);
  // Takes the answer to a notice. False when it is not about one.
  bool Completed(permissions::AccountId account, const v1::CommandResult& result);
  // Whether a command of this id posts a notice.
  static bool IsNoticeId(std::string_view command_id);

 private:
  struct Entry {
    permissions::AccountId account;
    permissions::ChatId chat;
    storage::v1::Notice notice;
    // Not before, by elapsed time.
    absl::Duration due;
  };
  // Whom an account's adapter has in hand now, and when it may have the next.
  struct Line {
    std::string on_its_way;
    absl::Duration give_up;
    absl::Duration next = -absl::InfiniteDuration();
  };

  ChatNotices(Store& store, AdapterTable& adapters, const Directory& directory,
              const platform::Clock& clock);
  absl::Status Load();
  std::string CommandId(permissions::ChatId chat, uint64_t number) const;
  absl::Status Insert(const std::string& command_id, Entry entry,
                      const std::vector<std::string>& over);
  absl::Status Write(const std::string& command_id, const storage::v1::Notice& notice);
  absl::Status SetState(const std::string& command_id, storage::v1::Notice::State state);
  absl::Status TakeResults(absl::Duration now);
  // Hands the account's next notice over, if it is time.
  absl::Status HandOver(permissions::AccountId account, Line& line, absl::Duration now);

  Store& store_;
  AdapterTable& adapters_;
  const Directory& directory_;
  const platform::Clock& clock_;
  const KeyedHash names_;

  // In the order they were made.
  std::vector<std::string> order_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::map<permissions::AccountId, Line> lines_;

  platform::Mutex mutex_;
  std::deque<std::pair<permissions::AccountId, v1::CommandResult>> results_ ABSL_GUARDED_BY(mutex_);
  std::vector<permissions::AccountId> attached_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
