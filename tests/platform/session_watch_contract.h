// SPDX-License-Identifier: Apache-2.0
// What every session watch promises, whoever tells it.
#pragma once

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "platform/mutex.h"
#include "platform/session_watch.h"

namespace postern::platform {

// Notes what a watch tells, and lets a test wait for it.
class Told {
 public:
  explicit Told(SessionWatch& watch) : watch_(watch) {
    watch_.Watch([this] {
      MutexLock lock(mutex_);
      told_.push_back(watch_.presence());
      changed_.NotifyAll();
    });
  }
  ~Told() { watch_.Watch(nullptr); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

  // Waits until the last word is 'presence'.
  bool WaitFor(SessionPresence presence) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    MutexLock lock(mutex_);
    while ((told_.empty() || told_.back() != presence) && absl::Now() < deadline) {
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
    return !told_.empty() && told_.back() == presence;
  }
  size_t count() {
    MutexLock lock(mutex_);
    return told_.size();
  }

 private:
  SessionWatch& watch_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::vector<SessionPresence> told_ ABSL_GUARDED_BY(mutex_);
};

// A watch and the world that it looks at.
class WatchedWorld {
 public:
  virtual ~WatchedWorld() = default;
  virtual SessionWatch& watch() = 0;
  // Makes it so. The watch may learn of it later.
  virtual void Make(SessionPresence presence) = 0;
};

using MakeWorld = std::function<std::unique_ptr<WatchedWorld>()>;
class SessionWatchContract : public testing::TestWithParam<MakeWorld> {
 protected:
  void SetUp() override { world_ = GetParam()(); }
  std::unique_ptr<WatchedWorld> world_;
};

TEST_P(SessionWatchContract, BeginsWithThePersonPresent) {
  EXPECT_EQ(world_->watch().presence(), SessionPresence::kPresent);
  EXPECT_TRUE(IsPresent(world_->watch().presence()));
}

TEST_P(SessionWatchContract, TellsEveryChangeOnce) {
  Told told(world_->watch());
  world_->Make(SessionPresence::kLocked);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kLocked));
  EXPECT_FALSE(IsPresent(world_->watch().presence()));
  world_->Make(SessionPresence::kElsewhere);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kElsewhere));
  world_->Make(SessionPresence::kPresent);
  EXPECT_TRUE(told.WaitFor(SessionPresence::kPresent));
  EXPECT_EQ(told.count(), 3u);
}

TEST_P(SessionWatchContract, TellsNobodyWhoNoLongerListens) {
  size_t early = 0;
  {
    Told first(world_->watch());
    world_->Make(SessionPresence::kLocked);
    ASSERT_TRUE(first.WaitFor(SessionPresence::kLocked));
    early = first.count();
  }
  Told second(world_->watch());
  world_->Make(SessionPresence::kPresent);
  EXPECT_TRUE(second.WaitFor(SessionPresence::kPresent));
  EXPECT_EQ(early, 1u);
  EXPECT_EQ(second.count(), 1u);
}

}  // namespace postern::platform
