// SPDX-License-Identifier: Apache-2.0
#include "permissions/consent_memory.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "permissions/json_reader.h"

namespace postern::permissions {
namespace {

using nlohmann::json;

constexpr absl::Duration kHour = absl::Hours(1);
// Year 9999.
constexpr int64_t kUnixSecondsMax = 253402300799;
// "unknown" and paths; see consent_question.cc.
constexpr size_t kOriginBytesMax = 4096;

// A clock that was set back by more than this was wrong when the time was noted.
constexpr absl::Duration kClockSlack = absl::Hours(1);

// The end of a wait that began at 'start'. The clock can be set back: by a little, and the wait
// starts from now; by more, and 'start' counts for nothing, else an hour in a wrong year would
// silence for ever.
absl::Time EndOfWait(absl::Time start, absl::Duration wait, absl::Time now) {
  if (start > now + kClockSlack) return absl::InfinitePast();
  return std::min(start, now) + wait;
}

}  // namespace

absl::Time ConsentMemory::MayAskFrom(const Principal& principal, std::string_view origin,
                                     absl::Time now) const {
  absl::Time from = absl::InfinitePast();
  const auto asked = asked_.find(principal.ToHex());
  if (asked != asked_.end()) from = std::max(from, EndOfWait(asked->second, pace_.interval, now));
  const auto refused = refusals_.find(std::string(origin));
  if (refused != refusals_.end()) {
    const absl::Duration wait =
        refused->second.count >= pace_.refusals_max ? pace_.silence : pace_.interval;
    from = std::max(from, EndOfWait(refused->second.last, wait, now));
  }
  if (asked == asked_.end() && asked_.size() >= kEntriesMax)
    from = std::max(from, now + pace_.interval);
  if (refused == refusals_.end() && refusals_.size() >= kEntriesMax) {
    from = std::max(from, now + pace_.silence);
  }
  // The hour that is full ends when its oldest question leaves it.
  std::vector<absl::Time> ends;
  for (absl::Time time : questions_) {
    const absl::Time end = EndOfWait(time, kHour, now);
    if (end > now) ends.push_back(end);
  }
  if (static_cast<int>(ends.size()) >= pace_.questions_per_hour) {
    std::sort(ends.begin(), ends.end());
    from = std::max(from, ends[ends.size() - static_cast<size_t>(pace_.questions_per_hour)]);
  }
  return from;
}

void ConsentMemory::RecordAsked(const Principal& principal, absl::Time now) {
  Prune(now);
  if (asked_.size() < kEntriesMax) asked_[principal.ToHex()] = now;
  questions_.push_back(now);
}

void ConsentMemory::TakeBackAsked(const Principal& principal) {
  // What it replaced was older than the interval, or there would have been no question.
  asked_.erase(principal.ToHex());
  if (!questions_.empty()) questions_.pop_back();
}

void ConsentMemory::RecordRefused(std::string_view origin, absl::Time now) {
  Record(origin, 1, now);
}

void ConsentMemory::RecordUnanswered(std::string_view origin, absl::Time now) {
  Record(origin, 0, now);
}

void ConsentMemory::Record(std::string_view origin, int refusals_more, absl::Time now) {
  Prune(now);
  const std::string key(origin.substr(0, kOriginBytesMax));
  const auto it = refusals_.find(key);
  if (it == refusals_.end() && refusals_.size() >= kEntriesMax) return;
  Refusals& refusals = refusals_[key];
  // A silence that has been served is pruned by now: three new refusals make the next.
  refusals.count = std::min(refusals.count + refusals_more, pace_.refusals_max);
  refusals.last = now;
}

void ConsentMemory::RecordAllowed(std::string_view origin) { refusals_.erase(std::string(origin)); }

void ConsentMemory::Prune(absl::Time now) {
  std::erase_if(asked_, [&](const auto& entry) {
    return EndOfWait(entry.second, pace_.interval, now) <= now;
  });
  std::erase_if(refusals_, [&](const auto& entry) {
    return EndOfWait(entry.second.last, pace_.silence, now) <= now;
  });
  std::erase_if(questions_, [&](absl::Time time) { return EndOfWait(time, kHour, now) <= now; });
}

std::string ConsentMemory::ToJson() const {
  json asked = json::object();
  for (const auto& [principal, time] : asked_) asked[principal] = absl::ToUnixMillis(time);
  json refusals = json::array();
  for (const auto& [origin, entry] : refusals_) {
    refusals.push_back(
        {{"count", entry.count}, {"last", absl::ToUnixMillis(entry.last)}, {"origin", origin}});
  }
  json questions = json::array();
  for (absl::Time time : questions_) questions.push_back(absl::ToUnixMillis(time));
  return json{{"asked", asked}, {"questions", questions}, {"refusals", refusals}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<ConsentMemory> ConsentMemory::FromJson(std::string_view text, ConsentPace pace) {
  const json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return absl::InvalidArgumentError("not JSON");
  constexpr int64_t kMillisMax = kUnixSecondsMax * 1000;
  ConsentMemory memory(pace);
  JsonReader reader(value);
  if (const json* asked = reader.Field("asked"); asked != nullptr) {
    JsonReader entries(*asked);
    if (!entries.ok()) return entries.status();
    if (asked->size() > kEntriesMax) return absl::InvalidArgumentError("asked: too many");
    for (const auto& [principal, time] : asked->items()) {
      if (Principal::FromHex(principal).empty()) entries.Fail("asked", "not a principal");
      memory.asked_[principal] = absl::FromUnixMillis(entries.Integer(principal, 0, kMillisMax));
    }
    if (!entries.ok()) return entries.status();
  }
  for (const json& item : reader.Array("refusals", kEntriesMax)) {
    JsonReader entry(item);
    Refusals refusals;
    refusals.count = static_cast<int>(entry.Integer("count", 0, 1000));
    refusals.last = absl::FromUnixMillis(entry.Integer("last", 0, kMillisMax));
    memory.refusals_[entry.String("origin")] = refusals;
    if (!entry.ok()) return entry.status();
  }
  for (const json& item : reader.Array("questions", kEntriesMax)) {
    if (!item.is_number_integer()) return absl::InvalidArgumentError("questions: not a time");
    memory.questions_.push_back(absl::FromUnixMillis(item.get<int64_t>()));
  }
  if (!reader.ok()) return reader.status();
  return memory;
}

bool ConsentMemory::operator==(const ConsentMemory& other) const {
  return asked_ == other.asked_ && refusals_ == other.refusals_ && questions_ == other.questions_;
}

}  // namespace postern::permissions
