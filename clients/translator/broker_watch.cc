// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/broker_watch.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <optional>

#include "clients/sdk/stubs.h"

namespace postern::translator {
namespace {

using SystemClock = std::chrono::system_clock;

// How long the end may have to wait for the thread.
constexpr auto kLook = std::chrono::seconds(1);
// A restart that takes no longer is nothing to talk about.
constexpr auto kGrace = std::chrono::seconds(2);

}  // namespace

BrokerWatch::BrokerWatch(sdk::Client& client, Screen& screen)
    : client_(client), screen_(screen), thread_([this] { Look(); }) {}

BrokerWatch::~BrokerWatch() {
  stopping_ = true;
  thread_.join();
}

void BrokerWatch::Look() {
  const auto channel = client_.stubs().channel;
  std::optional<std::chrono::steady_clock::time_point> away_since;
  bool told = false;
  while (!stopping_) {
    // Connecting is the stream's.
    const auto state = channel->GetState(/*try_to_connect=*/false);
    const auto now = std::chrono::steady_clock::now();
    if (state == GRPC_CHANNEL_READY) {
      if (told) screen_.Note("posternd is back.");
      told = false;
      away_since.reset();
    } else if (!away_since.has_value()) {
      away_since = now;
    } else if (!told && now - *away_since >= kGrace) {
      screen_.Note("posternd went away; waiting.");
      told = true;
    }
    channel->WaitForStateChange(state, SystemClock::now() + kLook);
  }
}

}  // namespace postern::translator
