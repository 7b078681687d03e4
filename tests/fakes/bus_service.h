// SPDX-License-Identifier: Apache-2.0
// What a fake of somebody on D-Bus is made of: names on a bus, and a thread that answers calls.
#pragma once

#include <systemd/sd-bus.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "platform/unique_fd.h"

namespace postern::fakes {

// Serves from a thread of its own until it is destroyed. What its functions use must outlive it:
// the last member of the fake that has it.
class BusService {
 public:
  // Answers a message, and returns what a filter of sd-bus does: 0 when it is not for this service.
  using Answer = std::function<int(sd_bus_message*)>;
  // Emits what is to be told to others.
  using Tell = std::function<void(sd_bus*)>;

  // Owns 'names' on the bus at 'address'. Aborts the test program when it cannot. 'tell', which may
  // be empty, is called after each Wake, or several, once.
  BusService(const std::string& address, const std::vector<std::string>& names, Answer answer,
             Tell tell = {});
  ~BusService();
  BusService(const BusService&) = delete;
  BusService& operator=(const BusService&) = delete;

  // Thread-safe.
  void Wake();

 private:
  void Serve();

  const Answer answer_;
  const Tell tell_;
  const platform::UniqueFd wake_;
  std::atomic<bool> ended_ = false;
  sd_bus* bus_ = nullptr;
  std::thread thread_;
};

}  // namespace postern::fakes
