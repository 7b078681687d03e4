// SPDX-License-Identifier: Apache-2.0
// What is closed to apps beside any grant: chats and people that the user sealed, and people who
// object. Grants do not reach them; only the user's answer in the dialog, or the person, opens them
// again.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/keyed_hash.h"
#include "broker/limits.h"
#include "broker/store.h"
#include "permissions/decide.h"
#include "permissions/ids.h"
#include "platform/mutex.h"
#include "postern/storage/v1/seal.pb.h"

namespace postern::broker {

// A chat or a person; the other one is empty.
struct SealTarget {
  permissions::ChatId chat;
  permissions::ContactId person;

  bool operator==(const SealTarget&) const = default;
  template <typename H>
  friend H AbslHashValue(H state, const SealTarget& target) {
    return H::combine(std::move(state), target.chat, target.person);
  }
};

// Which apps are kept out: none, those that take text off this device, all.
using SealReach = permissions::Objection;

// What is closed about one chat or person.
struct Seal {
  SealTarget target;
  // By the user: kAllApps is as if it were not there, kOffDevice puts a mark in place of messages.
  SealReach sealed = SealReach::kNone;
  // By the person: always a mark. kAllApps once the user made it wider.
  SealReach objection = SealReach::kNone;
  // The objection came encrypted.
  bool objection_encrypted = false;
  // Where the person said so; may be empty.
  permissions::ChatId objection_chat;
  absl::Time seal_time;
};

// The same, as a decision needs it.
struct Closure {
  bool sealed = false;
  permissions::Objection objection = permissions::Objection::kNone;

  // Closed as far as either is.
  void Add(const Closure& other);
};

// Thread-safe. Every change is durable before it shows, and then makes all who decide look again.
class SealBook {
 public:
  // Reads what is sealed. Where a row is missing or is not as it was written, what can be trusted
  // is kept, 'damaged' is set, and the caller must keep apps out until the user has looked: a lost
  // row would open what was closed. 'on_change' is called after each change, under no lock of the
  // book.
  static absl::StatusOr<std::unique_ptr<SealBook>> Open(Store& store,
                                                        std::function<void()> on_change,
                                                        bool& damaged,
                                                        size_t seals_max = kSealsMax);

  Closure OfChat(permissions::ChatId chat) const { return Of({chat, {}}); }
  Closure OfPerson(permissions::ContactId person) const { return Of({{}, person}); }
  // Whether anything is closed about any person: else nothing needs to be looked up by its writer.
  bool concerns_people() const { return people_.load(std::memory_order_acquire) > 0 || overfull(); }
  // More people object than can be written down. Whoever they are, they are closed: everybody of
  // whom nothing is written is, to apps that take text off this device, until the user opens a
  // seal.
  bool overfull() const { return overfull_.load(std::memory_order_acquire); }

  // Closes for the user. Never opens: a lesser 'reach' than there is changes nothing. What a person
  // objects to is made wider. RESOURCE_EXHAUSTED LIMIT_EXCEEDED above 'seals_max'.
  absl::Status Close(const SealTarget& target, SealReach reach, absl::Time now);
  // Closes what 'person' writes, for apps that take text off this device. False when it was so
  // already. Above 'seals_max' the book is overfull from then on.
  absl::StatusOr<bool> Object(permissions::ContactId person, permissions::ChatId where,
                              bool encrypted, absl::Time now);
  // The person takes it back. False when there is nothing to take back, and for a word in clear
  // where the objection came encrypted: anybody on the way could have written it. What the user had
  // made wider stays, as the user's own.
  absl::StatusOr<bool> TakeBack(permissions::ContactId person, bool encrypted);
  // Where the book was damaged: takes what could be trusted as all there is, so that the next start
  // finds a whole one. Call once apps are kept out, durably.
  absl::Status Mend();
  // Opens what was closed as in 'shown', whoever closed it. Only after the user said so in the
  // dialog. NOT_FOUND when it is not closed; ABORTED when it was closed further, or the person has
  // objected, while the user was asked: that is not what they said yes to.
  absl::Status Open(const Seal& shown);

  std::optional<Seal> Find(const SealTarget& target) const;
  // In order of their targets.
  std::vector<Seal> All() const;

 private:
  SealBook(Store& store, std::function<void()> on_change, size_t seals_max);
  absl::Status Load(bool& damaged);
  Closure Of(const SealTarget& target) const;
  // Writes 'seal', or takes its row out when it closes nothing, and that the book is not overfull
  // any more when that makes room; then shows it.
  absl::Status Put(const Seal& seal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // Writes that the book is overfull, then shows it.
  absl::Status Overfill() ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mutex_);
  // Over all rows, so that a missing one is noticed, and over whether there should be more.
  std::string SetMac(std::vector<std::string> row_macs, bool overfull) const;
  std::string RowMac(const std::string& record) const;

  Store& store_;
  const std::function<void()> on_change_;
  const size_t seals_max_;
  const KeyedHash mac_;
  // How many people there are among the seals, and how many seals.
  std::atomic<size_t> people_{0};
  std::atomic<size_t> count_{0};
  std::atomic<bool> overfull_{false};

  // One change at a time; taken before mutex_, held while the change is written.
  platform::Mutex change_mutex_;
  mutable platform::Mutex mutex_;
  absl::flat_hash_map<SealTarget, Seal> seals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::broker
