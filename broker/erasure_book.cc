// SPDX-License-Identifier: Apache-2.0
#include "broker/erasure_book.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include "broker/broker_event.h"
#include "broker/chat_audience.h"
#include "broker/erase_asks.h"
#include "broker/event_intake.h"
#include "broker/limits.h"
#include "permissions/decide.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Access;
using permissions::AccountId;
using permissions::ChatId;
using permissions::Grant;
using permissions::GrantState;
using permissions::ObjectFacts;
using permissions::Principal;
using permissions::Scope;
using permissions::Verdict;
using Row = storage::v1::Erasure;

// What people wrote, and then all else that tells of a chat.
constexpr Scope kTextScopes[] = {Scope::kMessagesRead, Scope::kMessagesSearch, Scope::kExport};
constexpr Scope kOutlineScopes[] = {
    Scope::kMessagesMetadata, Scope::kChatsRead,     Scope::kMessagesHistory,
    Scope::kAttachmentsRead,  Scope::kReactionsRead, Scope::kReceiptsRead,
    Scope::kTypingRead,       Scope::kPresenceRead,  Scope::kCallsRead};

// The grants that stand, a pause counted as none: what is suspended can come back.
std::vector<Grant> StandingGrants(const AppSnapshot& app, absl::Time now) {
  std::vector<Grant> standing;
  if (app.standing != Standing::kApp) return standing;
  for (const Grant& grant : app.grants) {
    if (!Stands(grant) || grant.validity.expire_time <= now) continue;
    standing.push_back(grant);
    standing.back().state = GrantState::kActive;
  }
  return standing;
}

// How much of a chat an app can see. The numbers are stored.
enum class Sight : uint8_t { kNothing = 0, kOutline = 1, kText = 2 };
constexpr int kNoSight = static_cast<int>(Sight::kNothing);

// An app's standing grants, to look at chats with.
class Eyes {
 public:
  Eyes(const AppSnapshot& app, absl::Time now) : grants_(StandingGrants(app, now)), now_(now) {
    access_.grants = grants_;
    access_.leaves_device =
        app.app.data_destination().kind() != v1::DataDestination::KIND_STAYS_ON_DEVICE;
  }
  Eyes(const Eyes&) = delete;
  Eyes& operator=(const Eyes&) = delete;

  bool closed() const { return grants_.empty(); }
  Sight SightOf(const ObjectFacts& object) const {
    const auto opens = [&](Scope scope) {
      return Decide(access_, scope, object, now_) == Verdict::kAllowed;
    };
    const bool text = std::any_of(std::begin(kTextScopes), std::end(kTextScopes), opens);
    if (text && !IsWithheld(access_, object)) return Sight::kText;
    if (text || std::any_of(std::begin(kOutlineScopes), std::end(kOutlineScopes), opens)) {
      return Sight::kOutline;
    }
    return Sight::kNothing;
  }

 private:
  const std::vector<Grant> grants_;
  const absl::Time now_;
  Access access_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ErasureBook>> ErasureBook::Open(const World& world) {
  std::unique_ptr<ErasureBook> book(new ErasureBook(world));
  RETURN_IF_ERROR(book->Load());
  return book;
}

absl::Status ErasureBook::Load() {
  decltype(rows_) rows;
  decltype(sights_) sights;
  RETURN_IF_ERROR(world_.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement kept, database.Prepare("SELECT principal, record FROM erasures"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, kept.Step());
      if (!more) break;
      if (!rows[Principal::FromRaw(kept.Bytes(0))].ParseFromString(std::string(kept.Bytes(1)))) {
        return absl::DataLossError("what an app was asked to erase is unreadable");
      }
    }
    ASSIGN_OR_RETURN(Statement seen,
                     database.Prepare("SELECT principal, chat, sight FROM erasure_sights"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, seen.Step());
      if (!more) return absl::OkStatus();
      sights[Principal::FromRaw(seen.Bytes(0))][ChatId::FromRaw(seen.Bytes(1))] =
          static_cast<int>(seen.Integer(2));
    }
  }));
  platform::MutexLock look(look_mutex_);
  sights_ = std::move(sights);
  platform::MutexLock lock(mutex_);
  rows_ = std::move(rows);
  return absl::OkStatus();
}

absl::Status ErasureBook::Look() {
  platform::MutexLock look(look_mutex_);
  const Chats chats = world_.directory.ChatIds();
  for (const AppPointer& app : world_.apps.All()) RETURN_IF_ERROR(LookAt(app, chats));
  return absl::OkStatus();
}

absl::Status ErasureBook::Look(const Principal& app) {
  platform::MutexLock look(look_mutex_);
  return LookAt(world_.apps.Find(app), world_.directory.ChatIds());
}

absl::Status ErasureBook::LookAt(const AppPointer& app, const Chats& chats) {
  const absl::Time now = world_.clock.Now();
  const Eyes eyes(*app, now);
  if (eyes.closed()) return AskForEverything(app->principal);
  const auto last = looked_at_.find(app->principal);
  std::optional<Eyes> before;
  if (last != looked_at_.end()) before.emplace(*last->second, now);
  const Sights& known = sights_[app->principal];
  Sights changed;
  Chats lost;
  absl::flat_hash_set<ChatId> there;
  for (const auto& [account, chat] : chats) {
    there.insert(chat);
    const ObjectFacts object = world_.directory.FactsOf(account, chat);
    const Sight sight = eyes.SightOf(object);
    const auto it = known.find(chat);
    Sight had = it == known.end() ? Sight::kNothing : static_cast<Sight>(it->second);
    if (sight != had) changed[chat] = static_cast<int>(sight);
    if (it == known.end() && before.has_value()) had = before->SightOf(object);
    if (sight < had) lost.emplace_back(account, chat);
  }
  // What is gone from the user's own list is told of by its own event.
  for (const auto& [chat, sight] : known) {
    if (!there.contains(chat)) changed[chat] = kNoSight;
  }
  // Who was never handed anything has nothing to erase.
  if (!lost.empty() && !world_.deliveries.Of(app->principal).empty()) {
    RETURN_IF_ERROR(AskForChats(app->principal, lost));
  }
  RETURN_IF_ERROR(KeepSights(app->principal, changed));
  looked_at_[app->principal] = app;
  return absl::OkStatus();
}

absl::Status ErasureBook::AskForEverything(const Principal& app) {
  const auto known = sights_.find(app);
  const bool saw_chats = known != sights_.end() && !known->second.empty();
  if (!saw_chats && !looked_at_.contains(app)) return absl::OkStatus();
  // What is being handed over this very moment is found by the next look.
  if (world_.deliveries.Of(app).empty()) return absl::OkStatus();
  const int64_t now = absl::ToUnixMicros(world_.dates.Now());
  RETURN_IF_ERROR(Write(app, [now](Row& row) {
    row.set_everything_ask_time(now);
    row.set_everything_confirmed(false);
    return true;
  }));
  RETURN_IF_ERROR(world_.store.Write([&](Database& database) {
    return database.Run("DELETE FROM erasure_sights WHERE principal = ?", Blob{app.view()});
  }));
  sights_.erase(app);
  looked_at_.erase(app);
  return absl::OkStatus();
}

absl::Status ErasureBook::AskForChats(const Principal& app, const Chats& chats) {
  std::map<AccountId, std::vector<ChatId>> by_account;
  for (const auto& [account, chat] : chats) by_account[account].push_back(chat);
  for (const auto& [account, lost] : by_account) {
    EventLog::Batch batch;
    batch.account = account;
    for (size_t at = 0; at < lost.size(); at += kEraseChatsMax) {
      v1::Event event;
      event.mutable_erase_asked()->set_cause(v1::EraseAsked::CAUSE_REVOKED);
      for (size_t i = at; i < std::min(lost.size(), at + kEraseChatsMax); ++i) {
        event.mutable_erase_asked()->add_chat_ids(IdText(lost[i]));
      }
      batch.records.push_back(
          BrokerEvent(account, ChatId{}, std::move(event), app, world_.dates.Now()));
    }
    RETURN_IF_ERROR(world_.log.Append(std::move(batch)).status());
  }
  return absl::OkStatus();
}

absl::Status ErasureBook::KeepSights(const Principal& app, const Sights& changed) {
  if (changed.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(world_.store.Write([&](Database& database) -> absl::Status {
    for (const auto& [chat, sight] : changed) {
      if (sight == kNoSight) {
        RETURN_IF_ERROR(database.Run("DELETE FROM erasure_sights WHERE principal = ? AND chat = ?",
                                     Blob{app.view()}, Blob{chat.view()}));
      } else {
        RETURN_IF_ERROR(database.Run(
            "INSERT OR REPLACE INTO erasure_sights(principal, chat, sight) VALUES(?, ?, ?)",
            Blob{app.view()}, Blob{chat.view()}, sight));
      }
    }
    return absl::OkStatus();
  }));
  Sights& known = sights_[app];
  for (const auto& [chat, sight] : changed) {
    if (sight == kNoSight) {
      known.erase(chat);
    } else {
      known[chat] = sight;
    }
  }
  return absl::OkStatus();
}

void ErasureBook::Sent(const Principal& app, std::span<const Sequence> asks) {
  if (asks.empty()) return;
  const absl::Time now = world_.dates.Now();
  platform::MutexLock lock(mutex_);
  Row& row = rows_[app];
  bool added = false;
  for (const Sequence sequence : asks) {
    if (!AddAsk(row, sequence, now)) continue;
    added = true;
    if (app == writing_) asked_meanwhile_.emplace_back(sequence, now);
  }
  if (added) unwritten_.insert(app);
}

absl::Status ErasureBook::Flush(const Principal& app) {
  {
    platform::MutexLock lock(mutex_);
    if (!unwritten_.contains(app)) return absl::OkStatus();
  }
  return Write(app, [](Row&) { return true; });
}

absl::Status ErasureBook::Flush() {
  absl::flat_hash_set<Principal> unwritten;
  {
    platform::MutexLock lock(mutex_);
    unwritten = unwritten_;
  }
  for (const Principal& app : unwritten) RETURN_IF_ERROR(Flush(app));
  return absl::OkStatus();
}

absl::Status ErasureBook::Write(const Principal& app, Change change) {
  platform::MutexLock write_lock(write_mutex_);
  Row next;
  {
    platform::MutexLock lock(mutex_);
    if (const auto it = rows_.find(app); it != rows_.end()) next = it->second;
    if (!change(next)) return absl::OkStatus();
    // What Sent notes from here on is written another time.
    unwritten_.erase(app);
    writing_ = app;
    asked_meanwhile_.clear();
  }
  const std::string record = next.SerializeAsString();
  const absl::Status written = world_.store.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO erasures(principal, record) VALUES(?, ?)",
                        Blob{app.view()}, Blob{record});
  });
  platform::MutexLock lock(mutex_);
  writing_ = {};
  if (!written.ok()) {
    unwritten_.insert(app);
    return written;
  }
  for (const auto& [sequence, time] : asked_meanwhile_) AddAsk(next, sequence, time);
  rows_[app] = std::move(next);
  return absl::OkStatus();
}

absl::Status ErasureBook::ConfirmThrough(const Principal& app, Sequence sequence) {
  const absl::Time now = world_.dates.Now();
  return Write(app, [&](Row& row) { return ConfirmAsks(row, sequence, now); });
}

absl::Status ErasureBook::ConfirmEverything(const Principal& app) {
  {
    // Whoever was just thrown out confirms before anybody has looked.
    platform::MutexLock look(look_mutex_);
    const AppPointer snapshot = world_.apps.Find(app);
    if (Eyes(*snapshot, world_.clock.Now()).closed()) {
      RETURN_IF_ERROR(AskForEverything(app));
    }
  }
  const absl::Time now = world_.dates.Now();
  return Write(app, [&](Row& row) { return ConfirmAll(row, now); });
}

std::vector<ErasureBook::Erasure> ErasureBook::All() const {
  std::vector<Erasure> all;
  platform::MutexLock lock(mutex_);
  for (const auto& [app, row] : rows_) {
    Erasure erasure;
    erasure.app = app;
    for (const Row::Asks& asks : row.asks()) {
      erasure.unconfirmed += asks.count();
      erasure.oldest_ask = std::min(erasure.oldest_ask, absl::FromUnixMicros(asks.ask_time()));
    }
    erasure.everything_asked = row.everything_ask_time() != 0;
    erasure.everything_confirmed = row.everything_confirmed();
    if (erasure.everything_asked && !erasure.everything_confirmed) {
      erasure.oldest_ask =
          std::min(erasure.oldest_ask, absl::FromUnixMicros(row.everything_ask_time()));
    }
    if (row.confirm_time() != 0) erasure.confirm_time = absl::FromUnixMicros(row.confirm_time());
    all.push_back(erasure);
  }
  return all;
}

}  // namespace postern::broker
