// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <thread>

#include "clients/sdk/client.h"
#include "clients/translator/screen.h"

namespace postern::translator {

// Says when posternd goes away and when it is back. The stream of events waits for it without a
// word, and somebody who looks at the screen would take the silence for peace.
class BrokerWatch {
 public:
  // Both must outlive it. A thread of its own.
  BrokerWatch(sdk::Client& client, Screen& screen);
  // Waits for its thread: a moment.
  ~BrokerWatch();
  BrokerWatch(const BrokerWatch&) = delete;
  BrokerWatch& operator=(const BrokerWatch&) = delete;

 private:
  void Look();

  sdk::Client& client_;
  Screen& screen_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace postern::translator
