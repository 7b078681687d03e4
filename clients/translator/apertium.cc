// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/apertium.h"

#include <algorithm>
#include <string_view>

#include "clients/translator/apertium_packages.h"

namespace postern::translator {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A pipeline that gets stuck is replaced and tried once more; a text that it sticks at again is
// given up, or it would stop everything behind it.
constexpr int kTries = 2;

absl::Duration LimitFor(const std::string& text, absl::Duration stuck) {
  return stuck + absl::Milliseconds(200) * static_cast<int64_t>(text.size() / 1024);
}

// A word that becomes nothing leaves its space: "I am on my way" begins with one in Spanish.
std::string WithEndsOf(std::string_view text, std::string_view translated) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpaces);
  const size_t first = translated.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos || first == std::string_view::npos) return std::string(text);
  translated = translated.substr(first, translated.find_last_not_of(kSpaces) - first + 1);
  const std::string_view end = text.substr(text.find_last_not_of(kSpaces) + 1);
  return std::string(text.substr(0, begin)).append(translated).append(end);
}

}  // namespace

Apertium::Apertium(ApertiumOptions options)
    : options_(std::move(options)), modes_(ApertiumModes::Read(options_.modes_directory)) {}

absl::StatusOr<std::string> Apertium::Translate(const std::string& text, const Language& from,
                                                const Language& to) {
  std::lock_guard lock(mutex_);
  std::vector<Pair> route = modes_.Route(from, to);
  if (route.empty()) {
    // What was installed meanwhile.
    modes_ = ApertiumModes::Read(options_.modes_directory);
    route = modes_.Route(from, to);
  }
  if (route.empty()) return absl::NotFoundError(PackageAdvice(from, to, modes_));
  std::string result = text;
  for (const Pair& pair : route) {
    auto step = Step(result, pair);
    if (!step.ok()) return step;
    result = *std::move(step);
  }
  return WithEndsOf(text, result);
}

absl::StatusOr<std::string> Apertium::Step(const std::string& text, const Pair& pair) {
  absl::Status last;
  for (int tries = 0; tries < kTries; ++tries) {
    auto place = pairs_.find(pair);
    if (place == pairs_.end()) {
      MakeRoom();
      auto pipeline = ApertiumPipeline::Start(modes_.pairs().at(pair));
      if (!pipeline.ok()) return pipeline.status();
      place = pairs_.emplace(pair, Running{*std::move(pipeline), {}}).first;
    }
    auto result = place->second.pipeline->Translate(text, LimitFor(text, options_.stuck));
    if (result.ok()) {
      place->second.last_used = SteadyClock::now();
      return result;
    }
    last = result.status();
    pairs_.erase(place);
  }
  // Final, whatever it was: the same text would do the same again.
  return absl::DeadlineExceededError(last.message());
}

void Apertium::MakeRoom() {
  while (pairs_.size() >= std::max<size_t>(options_.pairs_max, 1)) {
    pairs_.erase(std::min_element(pairs_.begin(), pairs_.end(), [](auto& a, auto& b) {
      return a.second.last_used < b.second.last_used;
    }));
  }
}

void Apertium::Rest() {
  std::lock_guard lock(mutex_);
  const auto oldest = SteadyClock::now() - absl::ToChronoNanoseconds(options_.idle);
  std::erase_if(pairs_, [&](const auto& entry) { return entry.second.last_used <= oldest; });
}

size_t Apertium::running() {
  std::lock_guard lock(mutex_);
  return pairs_.size();
}

}  // namespace postern::translator
