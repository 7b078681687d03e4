// SPDX-License-Identifier: Apache-2.0
#include "tests/behaviors/flood.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace postern::behaviors {
namespace {

constexpr int kBatch = 100;
constexpr std::chrono::milliseconds kTick{1000 * kBatch / Flood::kPerSecond};

}  // namespace

Flood::Flood(Adapter& adapter, uint64_t before, size_t dots,
             std::function<std::string(uint64_t)> chat_of)
    : adapter_(adapter),
      chat_of_(chat_of ? std::move(chat_of) : [](uint64_t) { return std::string("club"); }),
      filler_(dots, '.'),
      number_(before),
      thread_([this] { Loop(); }) {}

Flood::~Flood() { Stop(); }

uint64_t Flood::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
  EXPECT_TRUE(adapter_.WaitDurable(position_));
  return number_;
}

void Flood::Loop() {
  const auto start = Steady::now();
  const uint64_t before = number_;
  auto due = start;
  while (true) {
    std::vector<v1::Event> events;
    for (int i = 0; i < kBatch; ++i) {
      const std::string number = std::to_string(++number_);
      events.push_back(MessageEvent(chat_of_(number_), "m" + number, number + " " + filler_));
    }
    position_ = adapter_.Push(events);
    due += kTick;
    platform::MutexLock lock(mutex_);
    while (!stopping_ && Steady::now() < due) {
      changed_.WaitFor(mutex_, absl::FromChrono(due - Steady::now()));
    }
    if (stopping_) break;
  }
  // What is ahead of its time counts as if it were not.
  const auto end = std::max(due, Steady::now());
  rate_ =
      static_cast<double>(number_ - before) / std::chrono::duration<double>(end - start).count();
}

uint64_t NumberIn(const v1::Event& event) {
  const std::string& text = event.message_created().message().text();
  return text.empty() ? 0 : std::stoull(text);
}

}  // namespace postern::behaviors
