// SPDX-License-Identifier: Apache-2.0
#include "broker/loop_guard.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "broker/limits.h"
#include "platform/secret_bytes.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Principal;

// One more send is a loop when the app has sent the same into the chat so often in this time.
struct Rule {
  absl::Duration within;
  int sends;
  // Only sends that came back count.
  bool echoed;
};
// The first is a loop at a machine's pace: two echoes are chance, three are not, and it ends well
// within 5 s. The second is one over a slow network. The third is an app that talks to itself, or
// to another robot, without an echo.
constexpr std::array<Rule, 3> kRules = {{
    {kEchoSoon, 2, true},
    {kEchoLate, 5, true},
    {kEchoLate, 10, false},
}};
// After it was open once, the first echo opens the breaker again.
constexpr Rule kWatchedRule = {kEchoSoon, 1, true};

uint64_t RandomKey() {
  std::array<uint8_t, 8> random;
  platform::FillRandom(random);
  uint64_t key = 0;
  for (const uint8_t byte : random) key = key << 8 | byte;
  return key;
}

}  // namespace

LoopGuard::LoopGuard(const platform::Clock& clock) : clock_(clock), key_(RandomKey()) {}

void LoopGuard::Forget(App& app, absl::Duration now) {
  while (!app.lines.empty() &&
         (now - app.lines.front().time >= kEchoLate || app.lines.size() > kRecentSendsMax)) {
    app.lines.pop_front();
  }
  absl::erase_if(app.breakers,
                 [&](const auto& entry) { return now >= entry.second.watched_until; });
}

std::optional<LoopGuard::Sent> LoopGuard::FindCause(const Principal& app, std::string_view text,
                                                    absl::FunctionRef<bool(ChatId)> may_read) {
  const TextSignature signature(key_, text);
  std::vector<Line> found;
  {
    const absl::Duration now = clock_.Elapsed();
    platform::MutexLock lock(mutex_);
    if (now - last_time_ >= kEchoSoon) return std::nullopt;
    for (const auto& [principal, other] : apps_) {
      if (principal == app) continue;
      for (const Line& line : other.lines) {
        if (now - line.time >= kEchoSoon) continue;
        if (line.signature.IsWithin(signature) || line.signature.Resembles(signature)) {
          found.push_back(line);
        }
      }
    }
  }
  // Of several, the app may be answering any.
  std::sort(found.begin(), found.end(), [](const Line& a, const Line& b) {
    return std::pair(a.trail.hops, a.number) > std::pair(b.trail.hops, b.number);
  });
  for (Line& line : found) {
    if (may_read(line.chat)) return Sent{line.chat, std::move(line.trail)};
  }
  return std::nullopt;
}

bool LoopGuard::IsLoop(const App& app, ChatId chat, const TextSignature& signature, bool watched,
                       absl::Duration now) const {
  const auto breaks = [&](const Rule& rule) {
    int sends = 0;
    for (const Line& line : app.lines) {
      if (line.chat != chat || now - line.time >= rule.within) continue;
      if (rule.echoed && !line.echoed) continue;
      if (line.signature.Resembles(signature)) ++sends;
    }
    return sends >= rule.sends;
  };
  return (watched && breaks(kWatchedRule)) || std::any_of(kRules.begin(), kRules.end(), breaks);
}

LoopGuard::Entry LoopGuard::Enter(const Principal& app, ChatId chat, std::string_view text,
                                  const Trail& trail) {
  TextSignature signature(key_, text);
  const absl::Duration now = clock_.Elapsed();
  platform::MutexLock lock(mutex_);
  App& own = apps_[app];
  Forget(own, now);
  const auto breaker = own.breakers.find(chat);
  const bool watched = breaker != own.breakers.end();
  if (watched && now < breaker->second.open_until) return {breaker->second.open_until - now};
  if (IsLoop(own, chat, signature, watched, now)) {
    Breaker& opened = own.breakers[chat];
    const absl::Duration open =
        std::min(kBreakerOpen * (int64_t{1} << std::min(opened.times, 10)), kBreakerOpenMax);
    ++opened.times;
    opened.open_until = now + open;
    opened.watched_until = opened.open_until + kBreakerWatched;
    // What led to it has been answered; the next try is judged by itself.
    std::erase_if(own.lines, [&](const Line& line) { return line.chat == chat; });
    return {open, true};
  }
  for (auto& [principal, other] : apps_) {
    if (principal == app) continue;
    for (Line& line : other.lines) {
      if (now - line.time < kEchoLate && line.signature.Resembles(signature)) line.echoed = true;
    }
  }
  own.lines.push_back({++last_number_, now, chat, std::move(signature), trail, false});
  last_time_ = now;
  return {absl::ZeroDuration(), false, last_number_};
}

void LoopGuard::Withdraw(const Principal& app, uint64_t number) {
  platform::MutexLock lock(mutex_);
  const auto own = apps_.find(app);
  if (own == apps_.end()) return;
  std::erase_if(own->second.lines, [&](const Line& line) { return line.number == number; });
}

void LoopGuard::Arrived(std::string_view text) {
  const absl::Duration now = clock_.Elapsed();
  {
    platform::MutexLock lock(mutex_);
    if (now - last_time_ >= kEchoLate) return;
  }
  const TextSignature signature(key_, text);
  platform::MutexLock lock(mutex_);
  for (auto& [principal, app] : apps_) {
    for (Line& line : app.lines) {
      if (now - line.time < kEchoLate && line.signature.Resembles(signature)) line.echoed = true;
    }
  }
}

}  // namespace postern::broker
