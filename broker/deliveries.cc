// SPDX-License-Identifier: Apache-2.0
#include "broker/deliveries.h"

#include <algorithm>

#include "broker/app_registry.h"
#include "broker/limits.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;

// Single records that one call notes apart, so that it leaves most of what is kept as it was.
constexpr size_t kSinglesMax = kDeliveriesMax / 4;

void Join(Delivery& one, const Delivery& other) {
  one.first = std::min(one.first, other.first);
  one.last = std::max(one.last, other.last);
  one.from_time = std::min(one.from_time, other.from_time);
  one.to_time = std::max(one.to_time, other.to_time);
}

// Whether nothing of the log lies between the two.
bool Touch(const Delivery& one, const Delivery& other) {
  return one.first <= other.last + 1 && other.first <= one.last + 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Deliveries>> Deliveries::Open(Store& store) {
  std::unique_ptr<Deliveries> opened(new Deliveries(store));
  decltype(deliveries_) read;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT principal, chat, first, last, from_time, to_time "
                                      "FROM deliveries ORDER BY from_time"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      const Delivery delivery{
          ChatId::FromRaw(rows.Bytes(1)), static_cast<Sequence>(rows.Integer(2)),
          static_cast<Sequence>(rows.Integer(3)), absl::FromUnixMicros(rows.Integer(4)),
          absl::FromUnixMicros(rows.Integer(5))};
      read[{Principal::FromRaw(rows.Bytes(0)), delivery.chat}].push_back(delivery);
    }
  }));
  platform::MutexLock lock(opened->mutex_);
  opened->deliveries_ = std::move(read);
  opened->last_flush_ = store.clock().Elapsed();
  return opened;
}

void Deliveries::Note(const AppSnapshot& app, ChatId chat, Sequence first, Sequence last) {
  if (first > last) return;
  const absl::Time now = clock_.Now();
  const Delivery added{chat, first, last, now, now};
  const Key key{app.principal, chat};
  platform::MutexLock lock(mutex_);
  std::vector<Delivery>& known = deliveries_[key];
  unwritten_.insert(key);
  // What came before a change of the grants stays apart: other things were shown then.
  if (!known.empty() && known.back().to_time >= app.change_time && Touch(known.back(), added)) {
    Join(known.back(), added);
    return;
  }
  known.push_back(added);
  if (known.size() <= kDeliveriesMax) return;
  Join(known[0], known[1]);
  known.erase(known.begin() + 1);
}

void Deliveries::Note(const AppSnapshot& app, ChatId chat, std::vector<Sequence> records) {
  if (records.empty()) return;
  std::sort(records.begin(), records.end());
  if (records.size() > kSinglesMax) {
    Note(app, chat, records.front(), records.back());
    return;
  }
  for (const Sequence record : records) Note(app, chat, record, record);
}

std::vector<Delivery> Deliveries::Of(const Principal& principal) const {
  std::vector<Delivery> all;
  platform::MutexLock lock(mutex_);
  for (const auto& [key, known] : deliveries_) {
    if (key.first == principal) all.insert(all.end(), known.begin(), known.end());
  }
  return all;
}

absl::Status Deliveries::FlushWhenDue() {
  {
    platform::MutexLock lock(mutex_);
    if (unwritten_.empty() || clock_.Elapsed() - last_flush_ < kDeliveryFlushInterval) {
      return absl::OkStatus();
    }
    last_flush_ = clock_.Elapsed();
  }
  return Flush();
}

absl::Status Deliveries::Flush() {
  platform::MutexLock write_lock(write_mutex_);
  std::vector<std::pair<Key, std::vector<Delivery>>> changed;
  {
    platform::MutexLock lock(mutex_);
    for (const Key& key : unwritten_) changed.emplace_back(key, deliveries_[key]);
    unwritten_.clear();
  }
  if (changed.empty()) return absl::OkStatus();
  const absl::Status written = store_.Write([&](Database& database) -> absl::Status {
    for (const auto& [key, known] : changed) {
      const auto& [principal, chat] = key;
      RETURN_IF_ERROR(database.Run("DELETE FROM deliveries WHERE principal = ? AND chat = ?",
                                   Blob{principal.view()}, Blob{chat.view()}));
      for (size_t i = 0; i < known.size(); ++i) {
        RETURN_IF_ERROR(database.Run(
            "INSERT INTO deliveries(principal, chat, place, first, last, from_time, to_time) "
            "VALUES(?, ?, ?, ?, ?, ?, ?)",
            Blob{principal.view()}, Blob{chat.view()}, i, known[i].first, known[i].last,
            absl::ToUnixMicros(known[i].from_time), absl::ToUnixMicros(known[i].to_time)));
      }
    }
    return absl::OkStatus();
  });
  if (!written.ok()) {
    platform::MutexLock lock(mutex_);
    for (const auto& [key, known] : changed) unwritten_.insert(key);
  }
  return written;
}

}  // namespace postern::broker
