// SPDX-License-Identifier: Apache-2.0
#include "broker/send_limits.h"

#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "broker/absl_text.h"
#include "broker/limits.h"
#include "broker/rpc_status.h"
#include "permissions/scope.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::Principal;
using permissions::Scope;
using permissions::TokenBucket;

constexpr absl::Duration kHour = absl::Hours(1);
constexpr absl::Duration kDay = absl::Hours(24);
// A row covers this part of what may be used: eight writes for an hour of sends, 64 for a day of
// reading.
constexpr uint32_t kSendsPart = 8;
constexpr uint64_t kReadBytesStep = uint64_t{16} << 20;

absl::Status Exceeded(std::string_view limit, uint64_t most, std::string_view what,
                      absl::Duration wait) {
  const std::string seconds = absl::StrCat(
      absl::ToInt64Seconds(absl::Ceil(std::max(wait, absl::Seconds(1)), absl::Seconds(1))));
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      absl::StrCat("this app may ", AbslText(what), "; again in ", seconds, " s"),
                      {{"limit", std::string(limit)},
                       {"max", absl::StrCat(most)},
                       {"retry_after_seconds", seconds}});
}

}  // namespace

SendLimits::Budgets::Budgets()
    : writes(kWritesPerMinute, absl::Minutes(1)),
      typing(kTypingPerMinute, absl::Minutes(1)),
      lease_calls(kLeaseCallsPerMinute, absl::Minutes(1)),
      resolves(kResolvesPerHour, kHour) {}

absl::StatusOr<std::unique_ptr<SendLimits>> SendLimits::Open(Store& store,
                                                             const platform::Clock& clock) {
  std::unique_ptr<SendLimits> limits(new SendLimits(store, clock));
  RETURN_IF_ERROR(limits->Load());
  return limits;
}

absl::Status SendLimits::Load() {
  const absl::Time now = clock_.Now();
  platform::MutexLock lock(mutex_);
  return store_.Read([&](Database& database) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
    ASSIGN_OR_RETURN(Statement sends,
                     database.Prepare("SELECT principal, per_hour, missing, time FROM "
                                      "send_budgets"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, sends.Step());
      if (!more) break;
      const auto per_hour = static_cast<uint32_t>(sends.Integer(1));
      // A clock that went back regains nothing.
      const absl::Duration since =
          std::max(now - absl::FromUnixSeconds(sends.Integer(3)), absl::ZeroDuration());
      const double regained = absl::FDivDuration(since, kHour) * per_hour;
      const double missing = std::ceil(static_cast<double>(sends.Integer(2)) - regained);
      Budgets& budgets = budgets_[Principal::FromRaw(sends.Bytes(0))];
      Sends& line = SendsOf(budgets, per_hour);
      if (missing > 0) {
        line.bucket.Take(clock_.Elapsed(),
                         std::min<uint64_t>(per_hour, static_cast<uint64_t>(missing)));
      }
    }
    ASSIGN_OR_RETURN(Statement days,
                     database.Prepare("SELECT principal, start, new_chats, bytes FROM "
                                      "day_budgets"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, days.Step());
      if (!more) return absl::OkStatus();
      Day& day = budgets_[Principal::FromRaw(days.Bytes(0))].day;
      day.start = absl::FromUnixSeconds(days.Integer(1));
      day.new_chats = static_cast<uint32_t>(days.Integer(2));
      day.bytes = static_cast<uint64_t>(days.Integer(3));
      day.written_bytes = day.bytes;
    }
  });
}

SendLimits::~SendLimits() {
  platform::MutexLock lock(mutex_);
  for (auto& [principal, budgets] : budgets_) {
    for (auto& [per_hour, line] : budgets.sends) {
      if (line.covered == 0) continue;
      // What has come back since it was last looked at.
      line.bucket.Take(clock_.Elapsed(), 0);
      WriteSends(principal, per_hour, static_cast<uint64_t>(std::ceil(line.bucket.missing())))
          .IgnoreError();
    }
    const Day& day = budgets.day;
    if (day.bytes != day.written_bytes) WriteDay(principal, day, day.bytes).IgnoreError();
  }
}

SendLimits::Sends& SendLimits::SendsOf(Budgets& budgets, uint32_t per_hour) {
  const auto known = budgets.sends.find(per_hour);
  if (known != budgets.sends.end()) return known->second;
  // What one allowance used up is no refill when a grant changes its number.
  double missing = 0;
  for (const auto& [other, line] : budgets.sends)
    missing = std::max(missing, line.bucket.missing());
  Sends line{TokenBucket(per_hour, kHour)};
  line.bucket.Take(clock_.Elapsed(),
                   std::min<uint64_t>(per_hour, static_cast<uint64_t>(std::ceil(missing))));
  return budgets.sends.emplace(per_hour, std::move(line)).first->second;
}

absl::Status SendLimits::TakeSend(const Principal& principal, uint32_t per_hour) {
  platform::MutexLock lock(mutex_);
  Sends& line = SendsOf(budgets_[principal], per_hour);
  const absl::Duration wait = line.bucket.Take(clock_.Elapsed());
  if (wait > absl::ZeroDuration()) {
    return Exceeded("sends_per_hour", per_hour,
                    absl::StrCat("send ", per_hour, " messages an hour"), std::min(wait, kHour));
  }
  if (line.covered == 0) {
    const uint32_t part = std::max(per_hour / kSendsPart, 1u);
    const auto missing = static_cast<uint64_t>(std::ceil(line.bucket.missing())) + part - 1;
    if (absl::Status status = WriteSends(principal, per_hour, missing); !status.ok()) {
      line.bucket.GiveBack();
      return status;
    }
    line.covered = part;
  }
  --line.covered;
  return absl::OkStatus();
}

void SendLimits::GiveBackSend(const Principal& principal, uint32_t per_hour) {
  platform::MutexLock lock(mutex_);
  Sends& line = SendsOf(budgets_[principal], per_hour);
  line.bucket.GiveBack();
  ++line.covered;
}

SendLimits::Day& SendLimits::Today(Budgets& budgets) {
  const absl::Time now = clock_.Now();
  Day& day = budgets.day;
  // Set forward and back again, the clock must not shut an app out for years.
  day.start = std::min(day.start, now);
  if (now - day.start >= kDay) day = {now, 0, 0, 0};
  return day;
}

absl::Status SendLimits::TakeNewChat(const Principal& principal, uint32_t per_day) {
  platform::MutexLock lock(mutex_);
  Day& day = Today(budgets_[principal]);
  if (day.new_chats >= per_day) {
    return Exceeded("new_chats_per_day", per_day, absl::StrCat("start ", per_day, " chats a day"),
                    day.start + kDay - clock_.Now());
  }
  Day next = day;
  ++next.new_chats;
  RETURN_IF_ERROR(WriteDay(principal, next, next.written_bytes));
  day = next;
  return absl::OkStatus();
}

void SendLimits::GiveBackNewChat(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  Day& day = Today(budgets_[principal]);
  if (day.new_chats > 0) --day.new_chats;
}

absl::Status SendLimits::MayRead(const Principal& principal, uint64_t per_day) {
  platform::MutexLock lock(mutex_);
  const Day& day = Today(budgets_[principal]);
  if (day.bytes < per_day) return absl::OkStatus();
  return Exceeded("bytes_per_day", per_day,
                  absl::StrCat("read ", per_day, " bytes of content a day"),
                  day.start + kDay - clock_.Now());
}

void SendLimits::CountRead(const Principal& principal, uint64_t bytes) {
  if (bytes == 0) return;
  platform::MutexLock lock(mutex_);
  Day& day = Today(budgets_[principal]);
  day.bytes += bytes;
  if (day.bytes <= day.written_bytes) return;
  const uint64_t ahead = day.bytes + kReadBytesStep;
  if (absl::Status status = WriteDay(principal, day, ahead); !status.ok()) {
    spdlog::warn("event=read_budget_unwritten code={}", static_cast<int>(status.code()));
    return;
  }
  day.written_bytes = ahead;
}

absl::Status SendLimits::TakeWrite(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  const absl::Duration wait = budgets_[principal].writes.Take(clock_.Elapsed());
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return Exceeded("changes_per_minute", kWritesPerMinute,
                  absl::StrCat("make ", kWritesPerMinute, " changes a minute"), wait);
}

absl::Status SendLimits::TakeTyping(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  const absl::Duration wait = budgets_[principal].typing.Take(clock_.Elapsed());
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return Exceeded("typing_per_minute", kTypingPerMinute,
                  absl::StrCat("show typing ", kTypingPerMinute, " times a minute"), wait);
}

absl::Status SendLimits::TakeResolve(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  const absl::Duration wait = budgets_[principal].resolves.Take(clock_.Elapsed());
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return Exceeded("resolves_per_hour", kResolvesPerHour,
                  absl::StrCat("ask for ", kResolvesPerHour, " addresses an hour"), wait);
}

absl::Status SendLimits::TakeLeaseCall(const Principal& principal) {
  platform::MutexLock lock(mutex_);
  const absl::Duration wait = budgets_[principal].lease_calls.Take(clock_.Elapsed());
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  return Exceeded("lease_calls_per_minute", kLeaseCallsPerMinute,
                  absl::StrCat("ask for ", kLeaseCallsPerMinute, " leases a minute"), wait);
}

absl::Status SendLimits::WriteSends(const Principal& principal, uint32_t per_hour,
                                    uint64_t missing) {
  return store_.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO send_budgets(principal, per_hour, missing, time) "
        "VALUES(?, ?, ?, ?)",
        Blob{principal.view()}, per_hour, std::min<uint64_t>(missing, per_hour),
        absl::ToUnixSeconds(clock_.Now()));
  });
}

absl::Status SendLimits::WriteDay(const Principal& principal, const Day& day,
                                  uint64_t written_bytes) {
  return store_.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO day_budgets(principal, start, new_chats, bytes) "
        "VALUES(?, ?, ?, ?)",
        Blob{principal.view()}, absl::ToUnixSeconds(day.start), day.new_chats, written_bytes);
  });
}

uint64_t ReadAllowance(const permissions::Access& access, absl::Time now) {
  uint64_t reading = 0;
  uint64_t writing = 0;
  for (int number = 1; number <= permissions::kScopeCount; ++number) {
    const auto scope = static_cast<Scope>(number);
    uint64_t& most = permissions::IsWriteScope(scope) ? writing : reading;
    most = std::max(most, permissions::LimitsFor(access, scope, {}, now).bytes_per_day);
  }
  return reading > 0 ? reading : writing;
}

}  // namespace postern::broker
