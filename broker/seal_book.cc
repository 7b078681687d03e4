// SPDX-License-Identifier: Apache-2.0
#include "broker/seal_book.h"

#include <absl/strings/str_cat.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ContactId;

constexpr std::string_view kSetMacKey = "seals_mac";

v1::SealReach ToWire(SealReach reach) {
  switch (reach) {
    case SealReach::kNone:
      return v1::SEAL_REACH_UNSPECIFIED;
    case SealReach::kOffDevice:
      return v1::SEAL_REACH_OFF_DEVICE;
    case SealReach::kAllApps:
      return v1::SEAL_REACH_ALL_APPS;
  }
  return v1::SEAL_REACH_ALL_APPS;
}

SealReach FromWire(v1::SealReach reach) {
  switch (reach) {
    case v1::SEAL_REACH_UNSPECIFIED:
      return SealReach::kNone;
    case v1::SEAL_REACH_OFF_DEVICE:
      return SealReach::kOffDevice;
    default:
      // One that a newer program wrote closes all.
      return SealReach::kAllApps;
  }
}

std::string ToRecord(const Seal& seal) {
  storage::v1::Seal stored;
  if (!seal.target.chat.empty()) stored.set_chat_id(IdText(seal.target.chat));
  if (!seal.target.person.empty()) stored.set_contact_id(IdText(seal.target.person));
  stored.set_sealed(ToWire(seal.sealed));
  stored.set_objection(ToWire(seal.objection));
  stored.set_objection_encrypted(seal.objection_encrypted);
  if (!seal.objection_chat.empty()) stored.set_objection_chat_id(IdText(seal.objection_chat));
  *stored.mutable_seal_time() = ToProto(seal.seal_time);
  return stored.SerializeAsString();
}

std::optional<Seal> FromRecord(const std::string& record) {
  storage::v1::Seal stored;
  if (!stored.ParseFromString(record)) return std::nullopt;
  Seal seal;
  seal.target.chat = IdFromText<ChatId>(stored.chat_id());
  seal.target.person = IdFromText<ContactId>(stored.contact_id());
  if (seal.target.chat.empty() == seal.target.person.empty()) return std::nullopt;
  seal.sealed = FromWire(stored.sealed());
  seal.objection = FromWire(stored.objection());
  seal.objection_encrypted = stored.objection_encrypted();
  seal.objection_chat = IdFromText<ChatId>(stored.objection_chat_id());
  seal.seal_time = FromProto(stored.seal_time());
  return seal;
}

// The row's key: of which kind, and which.
std::string KeyOf(const SealTarget& target) {
  return target.person.empty() ? absl::StrCat("c", AbslText(target.chat.view()))
                               : absl::StrCat("p", AbslText(target.person.view()));
}

Closure ClosureOf(const Seal& seal) {
  Closure closure;
  closure.sealed = seal.sealed == SealReach::kAllApps;
  closure.objection = std::max(seal.objection, seal.sealed);
  return closure;
}

bool Equal(const std::string& a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

absl::Status TooMany(size_t seals_max) {
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      absl::StrCat("more than ", seals_max,
                                   " chats and people are sealed; open some of them first"));
}

}  // namespace

void Closure::Add(const Closure& other) {
  sealed = sealed || other.sealed;
  objection = std::max(objection, other.objection);
}

SealBook::SealBook(Store& store, std::function<void()> on_change, size_t seals_max)
    : store_(store),
      on_change_(std::move(on_change)),
      seals_max_(seals_max),
      mac_(store.DeriveKey("postern seal book rows")) {}

absl::StatusOr<std::unique_ptr<SealBook>> SealBook::Open(Store& store,
                                                         std::function<void()> on_change,
                                                         bool& damaged, size_t seals_max) {
  std::unique_ptr<SealBook> book(new SealBook(store, std::move(on_change), seals_max));
  damaged = false;
  RETURN_IF_ERROR(book->Load(damaged));
  return book;
}

std::string SealBook::RowMac(const std::string& record) const {
  const auto mac = mac_.Of("row\n", record);
  return std::string(reinterpret_cast<const char*>(mac.data()), mac.size());
}

std::string SealBook::SetMac(std::vector<std::string> row_macs, bool overfull) const {
  std::sort(row_macs.begin(), row_macs.end());
  std::string all;
  for (const std::string& mac : row_macs) all += mac;
  const auto mac = mac_.Of(overfull ? "overfull set\n" : "set\n", all);
  return std::string(reinterpret_cast<const char*>(mac.data()), mac.size());
}

absl::Status SealBook::Load(bool& damaged) {
  std::vector<Seal> seals;
  std::vector<std::string> macs;
  std::string set_mac;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare("SELECT record, mac FROM seals"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) break;
      const std::string record(rows.Bytes(0));
      std::optional<Seal> seal = FromRecord(record);
      if (!Equal(RowMac(record), rows.Bytes(1)) || !seal.has_value()) {
        damaged = true;
        continue;
      }
      seals.push_back(*std::move(seal));
      macs.emplace_back(rows.Bytes(1));
    }
    ASSIGN_OR_RETURN(Statement meta, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    meta.BindAll(kSetMacKey);
    ASSIGN_OR_RETURN(const bool row, meta.Step());
    if (row) set_mac = std::string(meta.Bytes(0));
    return absl::OkStatus();
  }));
  // Before the first seal there is none.
  if (Equal(SetMac(macs, true), set_mac)) {
    overfull_.store(true);
  } else if (!(macs.empty() && set_mac.empty()) && !Equal(SetMac(macs, false), set_mac)) {
    damaged = true;
  }
  platform::MutexLock lock(mutex_);
  for (Seal& seal : seals) {
    if (!seal.target.person.empty()) people_.fetch_add(1);
    seals_[seal.target] = std::move(seal);
  }
  count_.store(seals_.size());
  return absl::OkStatus();
}

Closure SealBook::Of(const SealTarget& target) const {
  // Most books are empty, and this is asked for each event of each app.
  if (count_.load(std::memory_order_acquire) == 0 && !overfull()) return {};
  if (target.chat.empty() && target.person.empty()) return {};
  Closure closure;
  {
    platform::MutexLock lock(mutex_);
    const auto it = seals_.find(target);
    if (it != seals_.end()) closure = ClosureOf(it->second);
  }
  if (!target.person.empty() && overfull()) closure.Add({.objection = SealReach::kOffDevice});
  return closure;
}

std::optional<Seal> SealBook::Find(const SealTarget& target) const {
  platform::MutexLock lock(mutex_);
  const auto it = seals_.find(target);
  if (it == seals_.end()) return std::nullopt;
  return it->second;
}

std::vector<Seal> SealBook::All() const {
  std::vector<Seal> seals;
  {
    platform::MutexLock lock(mutex_);
    for (const auto& [target, seal] : seals_) seals.push_back(seal);
  }
  std::sort(seals.begin(), seals.end(), [](const Seal& a, const Seal& b) {
    return std::tie(a.target.chat, a.target.person) < std::tie(b.target.chat, b.target.person);
  });
  return seals;
}

absl::Status SealBook::Put(const Seal& seal) {
  const bool closes = seal.sealed != SealReach::kNone || seal.objection != SealReach::kNone;
  const std::string key = KeyOf(seal.target);
  const std::string record = ToRecord(seal);
  const std::string mac = RowMac(record);
  std::vector<std::string> macs;
  if (closes) macs.push_back(mac);
  for (const Seal& other : All()) {
    if (other.target != seal.target) macs.push_back(RowMac(ToRecord(other)));
  }
  const bool still_overfull = overfull() && macs.size() >= seals_max_;
  const std::string set_mac = SetMac(std::move(macs), still_overfull);
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    if (closes) {
      RETURN_IF_ERROR(
          database.Run("INSERT OR REPLACE INTO seals(target, record, mac) VALUES(?, ?, ?)",
                       Blob{key}, Blob{record}, Blob{mac}));
    } else {
      RETURN_IF_ERROR(database.Run("DELETE FROM seals WHERE target = ?", Blob{key}));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kSetMacKey,
                        Blob{set_mac});
  }));
  platform::MutexLock lock(mutex_);
  const bool is_person = !seal.target.person.empty();
  if (closes) {
    if (seals_.insert_or_assign(seal.target, seal).second && is_person) people_.fetch_add(1);
  } else if (seals_.erase(seal.target) > 0 && is_person) {
    people_.fetch_sub(1);
  }
  count_.store(seals_.size(), std::memory_order_release);
  overfull_.store(still_overfull, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status SealBook::Overfill() {
  if (overfull()) return absl::OkStatus();
  std::vector<std::string> macs;
  for (const Seal& seal : All()) macs.push_back(RowMac(ToRecord(seal)));
  const std::string set_mac = SetMac(std::move(macs), true);
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kSetMacKey,
                        Blob{set_mac});
  }));
  overfull_.store(true, std::memory_order_release);
  return absl::OkStatus();
}

absl::Status SealBook::Mend() {
  platform::MutexLock change(change_mutex_);
  const std::vector<Seal> seals = All();
  std::vector<std::string> macs;
  for (const Seal& seal : seals) macs.push_back(RowMac(ToRecord(seal)));
  const std::string set_mac = SetMac(macs, overfull());
  return store_.Write([&](Database& database) -> absl::Status {
    RETURN_IF_ERROR(database.Run("DELETE FROM seals"));
    for (size_t i = 0; i < seals.size(); ++i) {
      const std::string key = KeyOf(seals[i].target);
      const std::string record = ToRecord(seals[i]);
      RETURN_IF_ERROR(database.Run("INSERT INTO seals(target, record, mac) VALUES(?, ?, ?)",
                                   Blob{key}, Blob{record}, Blob{macs[i]}));
    }
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kSetMacKey,
                        Blob{set_mac});
  });
}

absl::Status SealBook::Close(const SealTarget& target, SealReach reach, absl::Time now) {
  {
    platform::MutexLock change(change_mutex_);
    std::optional<Seal> seal = Find(target);
    if (!seal.has_value()) {
      if (count_.load() >= seals_max_) return TooMany(seals_max_);
      seal = Seal{.target = target};
    }
    SealReach& closed = seal->objection != SealReach::kNone ? seal->objection : seal->sealed;
    if (closed >= reach) return absl::OkStatus();
    closed = reach;
    seal->seal_time = now;
    RETURN_IF_ERROR(Put(*seal));
  }
  on_change_();
  return absl::OkStatus();
}

absl::StatusOr<bool> SealBook::Object(ContactId person, ChatId where, bool encrypted,
                                      absl::Time now) {
  {
    platform::MutexLock change(change_mutex_);
    const SealTarget target{{}, person};
    std::optional<Seal> seal = Find(target);
    if (seal.has_value() && seal->objection != SealReach::kNone &&
        (seal->objection_encrypted || !encrypted)) {
      return false;
    }
    const bool room = seal.has_value() || count_.load() < seals_max_;
    if (!seal.has_value()) seal = Seal{.target = target};
    seal->objection = std::max(seal->objection, SealReach::kOffDevice);
    seal->objection_encrypted = encrypted;
    seal->objection_chat = where;
    seal->seal_time = now;
    RETURN_IF_ERROR(room ? Put(*seal) : Overfill());
  }
  on_change_();
  return true;
}

absl::StatusOr<bool> SealBook::TakeBack(ContactId person, bool encrypted) {
  {
    platform::MutexLock change(change_mutex_);
    std::optional<Seal> seal = Find({{}, person});
    if (!seal.has_value() || seal->objection == SealReach::kNone ||
        (seal->objection_encrypted && !encrypted)) {
      return false;
    }
    if (seal->objection == SealReach::kAllApps) seal->sealed = SealReach::kAllApps;
    seal->objection = SealReach::kNone;
    seal->objection_encrypted = false;
    seal->objection_chat = {};
    RETURN_IF_ERROR(Put(*seal));
  }
  on_change_();
  return true;
}

absl::Status SealBook::Open(const Seal& shown) {
  {
    platform::MutexLock change(change_mutex_);
    const std::optional<Seal> seal = Find(shown.target);
    if (!seal.has_value()) return NotFound("target");
    if (seal->sealed > shown.sealed || seal->objection > shown.objection) {
      return absl::AbortedError(
          "more was closed while you were asked, so nothing was opened; look at `postern seal "
          "list` and ask again");
    }
    RETURN_IF_ERROR(Put(Seal{.target = shown.target}));
  }
  on_change_();
  return absl::OkStatus();
}

}  // namespace postern::broker
