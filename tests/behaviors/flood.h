// SPDX-License-Identifier: Apache-2.0
// A gatekeeper that pours messages in.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "platform/mutex.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {

// Pushes 5,000 messages a second, in hundreds, from its making to Stop. Each text is a number,
// counted on from the one given, a space, and so many dots.
class Flood {
 public:
  static constexpr int kPerSecond = 5000;

  // 'chat_of' names the chat of a number; by default all is written in "club". Pushes nothing else
  // through 'adapter' meanwhile.
  Flood(Adapter& adapter, uint64_t before, size_t dots,
        std::function<std::string(uint64_t)> chat_of = {});
  ~Flood();
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  // Returns the last number, once all of it is durable.
  uint64_t Stop();

  // After Stop: messages a second that were handed to the broker. Less than kPerSecond when it fell
  // behind: then what a test saw was no flood.
  double rate() const { return rate_; }
  // What rate() must come to. A sanitizer's figures say nothing.
  static constexpr double kRateMin = kSanitized ? 0 : 0.9 * kPerSecond;

 private:
  void Loop();

  Adapter& adapter_;
  const std::function<std::string(uint64_t)> chat_of_;
  const std::string filler_;
  uint64_t number_;
  uint64_t position_ = 0;
  double rate_ = 0;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// The number that a flood's text begins with; 0 for other events.
uint64_t NumberIn(const v1::Event& event);

}  // namespace postern::behaviors
