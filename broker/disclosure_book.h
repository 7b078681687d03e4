// SPDX-License-Identifier: Apache-2.0
// What each chat is told of the apps that can see it: events to apps, disclosures to the client,
// and notices to the other people, under the policy of each account.
//
// One thread looks again whenever grants, seals, chats or adapters changed, and tells what is news.
// What was told is durable, so that a restart repeats nothing. A burst of changes makes one notice:
// the first waits kNoticeDelay, and what holds then is told. So access that was given and taken
// back within that time is not told of in the chat; the access history has it.
//
// A notice is about who may see a chat from now on. A newcomer is told once, when a notice was made
// before they came; who left and comes back is not told again.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/chat_audience.h"
#include "broker/chat_notices.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/event_log.h"
#include "broker/store.h"
#include "permissions/ids.h"
#include "platform/clock.h"
#include "platform/mutex.h"
#include "postern/storage/v1/disclosure.pb.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::broker {

// Thread-safe.
class DisclosureBook {
 public:
  // What it is made of; all must outlive it.
  struct World {
    Store& store;
    EventLog& log;
    AppRegistry& apps;
    const Directory& directory;
    AdapterTable& adapters;
    // What decisions go by, and what records are dated by (trusted_clock.h).
    const platform::Clock& clock;
    const platform::Clock& dates;
    // Called on the book's thread after each look at who sees what: something changed. May be
    // empty.
    std::function<void()> looked = {};
  };
  // Reads what was told, and takes the registry's change hook. Tells nothing before Start.
  static absl::StatusOr<std::unique_ptr<DisclosureBook>> Open(const World& world);
  // Stops.
  ~DisclosureBook();
  DisclosureBook(const DisclosureBook&) = delete;
  DisclosureBook& operator=(const DisclosureBook&) = delete;

  void Start();
  // Tells nothing any more. Calling it again does nothing.
  void Stop();

  // Who can see a chat now.
  struct Shown {
    permissions::AccountId account;
    permissions::ChatId chat;
    Audience audience;
    // The people in the chat were told of this very state.
    bool notice_posted = false;
  };
  // Chats that some app can see, or that were told of one, in no order. Tells what is news first.
  absl::StatusOr<std::vector<Shown>> List();

  v1::NoticePolicy PolicyOf(permissions::AccountId account) const;
  // Durable when it returns. Going quieter is not news in the chats.
  absl::Status SetPolicy(permissions::AccountId account, v1::NoticePolicy policy);
  // The words to put under what 'app' sends on 'account', or empty: as the account's policy says.
  std::string AttributionFor(permissions::AccountId account,
                             const permissions::Principal& app) const;

  // Whether a notice in the chat has named the word to object with.
  bool NamesWord(permissions::ChatId chat) const;
  // Posts a text of the broker's own in a chat, once; durable when it returns. kSparing says
  // nothing when something was said there within kAnswerSpacing: who calls without end is not
  // answered so.
  enum class Manner { kSparing, kAlways };
  absl::Status Say(permissions::AccountId account, permissions::ChatId chat,
                   const std::string& text, Manner manner);

  // These events were taken: looks again when they change who is where.
  void Took(std::span<const TakenEvent> events);
  // An adapter of the account is there.
  void Attached(permissions::AccountId account);
  // Takes the answer to a notice. False when it is not about one.
  bool Completed(permissions::AccountId account, const v1::CommandResult& result);

 private:
  // What one pass found of a chat.
  struct Chat {
    permissions::AccountId account;
    Audience audience;
    // Some app would get an event of its change: else none is recorded.
    bool is_heard = false;
  };
  using Chats = absl::flat_hash_map<permissions::ChatId, Chat>;

  explicit DisclosureBook(const World& world) : world_(world) {}
  absl::Status Load();
  void Loop();
  void Wake();

  // Looks at everything and tells what is news. Returns how long until something is due.
  absl::StatusOr<absl::Duration> Pass() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  Chats Look(absl::Time now) const;
  absl::Status ForgetGone(const Chats& chats) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  absl::Status TellApps(const Chats& chats, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  // False when more is left to tell than an adapter takes at once.
  bool TellAdapters(const Chats& chats) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  // Makes the notices that are due; returns how long until the next is.
  absl::StatusOr<absl::Duration> TellPeople(const Chats& chats)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  absl::Status MakeNotice(permissions::ChatId id, const Chat& chat, const Audience& named)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  // When the next grant ends by itself.
  absl::Duration UntilExpiry(absl::Time now) const;

  // Those of the audience that the policy has named in the chat.
  static Audience Named(const Audience& audience, v1::NoticePolicy policy);
  storage::v1::Disclosure RowOf(permissions::ChatId chat) const;
  absl::Status PutRow(permissions::ChatId chat, storage::v1::Disclosure row)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);

  const World world_;

  // One pass at a time; taken before mutex_, held over writes to the store and the log.
  platform::Mutex pass_mutex_;
  std::unique_ptr<ChatNotices> notices_ ABSL_GUARDED_BY(pass_mutex_);
  // For Completed and Attached, which only note.
  ChatNotices* noted_ = nullptr;
  // What each adapter was told since it attached: by chat, the disclosure's bytes.
  std::map<permissions::AccountId, absl::flat_hash_map<permissions::ChatId, std::string>> told_
      ABSL_GUARDED_BY(pass_mutex_);
  // When something was last said in a chat, by elapsed time.
  absl::flat_hash_map<permissions::ChatId, absl::Duration> said_ ABSL_GUARDED_BY(pass_mutex_);
  // When a chat's news may be posted, by elapsed time.
  absl::flat_hash_map<permissions::ChatId, absl::Duration> due_ ABSL_GUARDED_BY(pass_mutex_);

  mutable platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  absl::flat_hash_map<permissions::ChatId, storage::v1::Disclosure> rows_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<permissions::ChatId> known_chats_ ABSL_GUARDED_BY(mutex_);
  std::map<permissions::AccountId, v1::NoticePolicy> policies_ ABSL_GUARDED_BY(mutex_);
  std::vector<permissions::AccountId> attached_ ABSL_GUARDED_BY(mutex_);
  bool news_ ABSL_GUARDED_BY(mutex_) = true;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postern::broker
