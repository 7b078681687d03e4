// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/player.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "platform/status_macros.h"

namespace postern::demo {
namespace {

// Events in one commit at full speed: the commit's cost is then spread thin, and a kill loses
// little.
constexpr int64_t kBatchEvents = 500;
// With a rate: how often a batch is due.
constexpr absl::Duration kTick = absl::Milliseconds(10);
// A full spool means that the broker is away or slow: look again so often.
constexpr absl::Duration kFullSpoolWait = absl::Milliseconds(200);

std::string MessageIdOf(const v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated:
      return event.message_created().message().id();
    case v1::Event::kMessageEdited:
      return event.message_edited().message_id();
    case v1::Event::kMessageDeleted:
      return event.message_deleted().message_id();
    case v1::Event::kReactionSet:
      return event.reaction_set().message_id();
    default:
      return "-";
  }
}

// Tells scripts apart: FNV-1a over the set-up and the beginning. Not a secret, only a name.
std::string Fingerprint(const Script& script) {
  constexpr size_t kStepsLookedAt = 100;
  uint64_t hash = 14695981039346656037u;
  const auto add = [&hash](const std::string& bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 1099511628211u;
  };
  for (const Step& step : script.setup) add(step.event.SerializeAsString());
  for (size_t i = 0; i < std::min(kStepsLookedAt, script.steps.size()); ++i) {
    add(script.steps[i].event.SerializeAsString());
  }
  add(absl::StrCat(script.steps.size()));
  return absl::StrCat(absl::Hex(hash, absl::kZeroPad16));
}

}  // namespace

Player::Player(const Script& script, PlayOptions options, Parts parts)
    : script_(script),
      options_(options),
      parts_(std::move(parts)),
      fingerprint_(Fingerprint(script)),
      setup_count_(static_cast<int64_t>(script.setup.size())),
      count_(setup_count_ + (options.setup_only
                                 ? 0
                                 : static_cast<int64_t>(script.steps.size()) * options.rounds)) {}

const Step& Player::StepAt(int64_t place) const {
  if (place < setup_count_) return script_.setup[place];
  return script_.steps[(place - setup_count_) % static_cast<int64_t>(script_.steps.size())];
}

int Player::RoundAt(int64_t place) const {
  if (place < setup_count_) return 0;
  return static_cast<int>((place - setup_count_) / static_cast<int64_t>(script_.steps.size()));
}

int64_t Player::FirstPlace() const {
  const std::vector<std::string> parts = absl::StrSplit(parts_.link().bookmark(), ' ');
  int64_t place = 0;
  if (parts.size() != 2 || parts[0] != fingerprint_ || !absl::SimpleAtoi(parts[1], &place)) {
    return 0;
  }
  return std::clamp<int64_t>(place, 0, count_);
}

void Player::AddEvents(int64_t place, absl::Time now, std::vector<v1::Event>& events) {
  const Step& step = StepAt(place);
  if (step.fault_count > 0) {
    parts_.faults.Next(step.fault, step.fault_count);
    return;
  }
  v1::Event event = Play(step, now, RoundAt(place));
  // Whatever the broker is told: in AliceChat it happened so.
  parts_.world.Apply(event);
  const auto key = static_cast<uint64_t>(place);
  const auto strikes = [&](Fault fault) {
    return place >= setup_count_ && parts_.faults.Strikes(fault, key);
  };
  if (strikes(Fault::kLyingTime)) {
    event = Play(step, now + parts_.faults.Lie(key), RoundAt(place));
  }
  if (strikes(Fault::kGap)) {
    event.Clear();
    event.mutable_gap()->set_cause(v1::Gap::CAUSE_GATEKEEPER);
    event.mutable_gap()->set_event_count(1);
  }
  const bool twice = strikes(Fault::kReplay);
  if (twice) events.push_back(event);
  events.push_back(std::move(event));
}

absl::Status Player::Submit(int64_t begin, int64_t& end) {
  std::vector<v1::Event> events;
  const absl::Time now = absl::Now();
  for (int64_t place = begin; place < end; ++place) {
    const size_t before = events.size();
    AddEvents(place, now, events);
    if (place < setup_count_ || place + 1 >= count_ || events.size() == before ||
        !parts_.faults.Strikes(Fault::kReorder, static_cast<uint64_t>(place))) {
      continue;
    }
    // The next one goes first.
    std::vector<v1::Event> later(events.begin() + static_cast<int64_t>(before), events.end());
    events.resize(before);
    AddEvents(++place, now, events);
    events.insert(events.end(), later.begin(), later.end());
    end = std::max(end, place + 1);
  }
  if (events.empty()) return absl::OkStatus();
  absl::StatusOr<uint64_t> last;
  for (;;) {
    last = parts_.link().SubmitAll(events, absl::StrCat(fingerprint_, " ", end));
    if (!absl::IsResourceExhausted(last.status())) break;
    if (!parts_.wait(kFullSpoolWait)) return absl::CancelledError("stopped");
  }
  RETURN_IF_ERROR(last.status());
  std::string lines;
  uint64_t position = *last - events.size();
  for (const v1::Event& event : events) {
    absl::StrAppend(&lines, ++position, " submitted ", MessageIdOf(event), "\n");
  }
  parts_.journal.Write(lines);
  return absl::OkStatus();
}

absl::Status Player::AwaitNext(int64_t place, int64_t start_place, absl::Time start, int64_t& end) {
  end = place + 1;
  if (place < setup_count_) {
    end = setup_count_;
  } else if (options_.rate > 0) {
    for (;;) {
      const double due = absl::ToDoubleSeconds(absl::Now() - start) * options_.rate;
      end = std::min(count_, start_place + static_cast<int64_t>(due));
      if (end > place) break;
      if (!parts_.wait(kTick)) return absl::CancelledError("stopped");
    }
    end = std::min(end, place + kBatchEvents);
  } else if (options_.speed <= 0) {
    end = std::min(count_, place + kBatchEvents);
    if (!parts_.wait(absl::ZeroDuration())) return absl::CancelledError("stopped");
  } else if (!parts_.wait(StepAt(place).delay / options_.speed)) {
    return absl::CancelledError("stopped");
  }
  return absl::OkStatus();
}

absl::Status Player::Run() {
  int64_t place = FirstPlace();
  const absl::Time start = absl::Now();
  const int64_t start_place = place;
  // What an earlier run has told is what AliceChat shows now.
  for (int64_t told = 0; told < place; ++told) {
    parts_.world.Apply(Play(StepAt(told), start, RoundAt(told)));
  }
  while (place < count_) {
    int64_t end = place;
    RETURN_IF_ERROR(AwaitNext(place, start_place, start, end));
    const auto key = static_cast<uint64_t>(place);
    if (place >= setup_count_ && parts_.faults.Strikes(Fault::kSlow, key) &&
        !parts_.wait(kSlowFor)) {
      return absl::CancelledError("stopped");
    }
    RETURN_IF_ERROR(Submit(place, end));
    if (place >= setup_count_ && parts_.faults.Strikes(Fault::kDisconnect, key)) {
      RETURN_IF_ERROR(parts_.reconnect());
    }
    for (; place < end; ++place) {
      if (const std::string& line = StepAt(place).line; !line.empty()) parts_.show(line);
    }
  }
  return absl::OkStatus();
}

}  // namespace postern::demo
