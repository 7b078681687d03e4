// SPDX-License-Identifier: Apache-2.0
// The duty to erase: which app was asked to erase something, and which has said that it did.
//
// Asks are events like others: message_deleted and message_expired, and erase_asked, which this
// book makes for an app that could see a chat and no longer can (narrowed, one of several grants
// taken back or over, sealed, objected to). What counts is what was written to the app's streams:
// of that the book keeps one row an app, bounded, and the app confirms by cursor. Access that ends
// as a whole is itself the ask, of everything: the stream says so, and no event could reach the app
// any more. A pause, a suspension or a locked screen asks for nothing.
//
// What each app could see is kept beside it, a row for each app and chat, so that a change that a
// crash cut off from its ask is found after the restart. Told first, noted then: a crash in between
// asks twice, which costs nothing.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "postern/storage/v1/erasure.pb.h"

namespace postern::broker {

// Thread-safe.
class ErasureBook {
 public:
  // What it is made of; all must outlive it.
  struct World {
    Store& store;
    EventLog& log;
    AppRegistry& apps;
    const Directory& directory;
    const Deliveries& deliveries;
    // What decisions go by, and what records are dated by (trusted_clock.h).
    const platform::Clock& clock;
    const platform::Clock& dates;
  };
  static absl::StatusOr<std::unique_ptr<ErasureBook>> Open(const World& world);

  // Looks at who can see what now, and asks those to erase who no longer can. For whoever knows
  // that something changed.
  absl::Status Look();
  // The same for one app, after each change of its grants: what it was given is noted before it can
  // be taken back.
  absl::Status Look(const permissions::Principal& app);

  // Notes that the events with these sequences, which ask to erase, are about to be written to a
  // stream of the app: before it can confirm them. Sent again, they count once. Never blocks on
  // disk.
  void Sent(const permissions::Principal& app, std::span<const Sequence> asks);
  // Writes what Sent noted: of one app, before it can say that it dealt with it, or of all.
  absl::Status Flush(const permissions::Principal& app);
  absl::Status Flush();

  // The app has erased what was asked up to 'sequence', or everything it ever got. Durable when it
  // returns; what was not asked costs no write.
  absl::Status ConfirmThrough(const permissions::Principal& app, Sequence sequence);
  absl::Status ConfirmEverything(const permissions::Principal& app);

  // Where an app stands.
  struct Erasure {
    permissions::Principal app;
    // Asks that it was sent and has not confirmed; where they were too many to tell apart, those
    // that were joined with a later one count until that is confirmed.
    uint64_t unconfirmed = 0;
    // When the first of them was sent; InfiniteFuture when there is none.
    absl::Time oldest_ask = absl::InfiniteFuture();
    bool everything_asked = false;
    bool everything_confirmed = false;
    // InfinitePast when it never confirmed anything.
    absl::Time confirm_time = absl::InfinitePast();

    bool open() const { return unconfirmed > 0 || (everything_asked && !everything_confirmed); }
  };
  // Every app that was ever asked, in no order.
  std::vector<Erasure> All() const;

 private:
  // How much of each chat an app can see (Sight in erasure_book.cc).
  using Sights = absl::flat_hash_map<permissions::ChatId, int>;
  using Chats = std::vector<std::pair<permissions::AccountId, permissions::ChatId>>;
  using Change = absl::FunctionRef<bool(storage::v1::Erasure&)>;

  explicit ErasureBook(const World& world) : world_(world) {}
  absl::Status Load();
  absl::Status LookAt(const AppPointer& app, const Chats& chats)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  // Its access is over: asks for everything, once.
  absl::Status AskForEverything(const permissions::Principal& app)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  absl::Status AskForChats(const permissions::Principal& app, const Chats& chats);
  absl::Status KeepSights(const permissions::Principal& app, const Sights& changed)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(look_mutex_);
  // Makes 'change' durable, then shows it. False: it changes nothing.
  absl::Status Write(const permissions::Principal& app, Change change) ABSL_LOCKS_EXCLUDED(mutex_);

  const World world_;

  // One look at a time; taken before the others, held over writes to store and log.
  platform::Mutex look_mutex_;
  // What each app can see; chats it cannot are not in it.
  std::map<permissions::Principal, Sights> sights_ ABSL_GUARDED_BY(look_mutex_);
  // As it was at the last look, where it had access: a chat that began since then was seen under
  // these grants.
  std::map<permissions::Principal, AppPointer> looked_at_ ABSL_GUARDED_BY(look_mutex_);

  // One write at a time. Taken before mutex_.
  platform::Mutex write_mutex_;
  mutable platform::Mutex mutex_;
  std::map<permissions::Principal, storage::v1::Erasure> rows_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<permissions::Principal> unwritten_ ABSL_GUARDED_BY(mutex_);
  // Whose row is being written, and what it was asked since the writer took it: what confirms all
  // that was asked before does not confirm that.
  permissions::Principal writing_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<Sequence, absl::Time>> asked_meanwhile_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
