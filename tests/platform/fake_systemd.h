// SPDX-License-Identifier: Apache-2.0
// As much of systemd's user instance as starting a unit takes, on a bus of the test's own.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "platform/mutex.h"
#include "platform/unique_fd.h"

namespace postern::platform {

// Thread-safe. Serves from a thread of its own.
class FakeSystemd {
 public:
  explicit FakeSystemd(const std::string& address) {
    Require(sd_bus_new(&bus_), "a bus");
    Require(sd_bus_set_address(bus_, address.c_str()), "its address");
    Require(sd_bus_set_bus_client(bus_, 1), "a client");
    Require(sd_bus_start(bus_), "a connection");
    Require(sd_bus_add_filter(bus_, nullptr, &FakeSystemd::Filter, this), "a filter");
    Require(sd_bus_request_name(bus_, "org.freedesktop.systemd1", 0), "systemd's name");
    thread_ = std::thread([this] { Loop(); });
  }
  ~FakeSystemd() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(stop_.get(), &one, sizeof(one));
    thread_.join();
    sd_bus_close_unref(bus_);
  }
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

  void Install(const std::string& unit) {
    MutexLock lock(mutex_);
    installed_.insert(unit);
  }
  void Mask(const std::string& unit) {
    MutexLock lock(mutex_);
    installed_.insert(unit);
    masked_.insert(unit);
  }
  std::vector<std::string> asked() {
    MutexLock lock(mutex_);
    return asked_;
  }

 private:
  static void Require(int result, const char* what) {
    if (result >= 0) return;
    std::cerr << "fake systemd: no " << what << ": " << result << std::endl;
    std::abort();
  }

  static int Filter(sd_bus_message* call, void* self, sd_bus_error*) {
    return static_cast<FakeSystemd*>(self)->Answer(call);
  }

  int Answer(sd_bus_message* call) {
    if (sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", "StartUnit") <= 0) {
      return 0;
    }
    const char* unit = nullptr;
    const char* mode = nullptr;
    if (sd_bus_message_read(call, "ss", &unit, &mode) < 0 || std::string(mode) != "replace") {
      return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "what");
    }
    MutexLock lock(mutex_);
    asked_.emplace_back(unit);
    if (!installed_.contains(unit)) {
      return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit", "none");
    }
    if (masked_.contains(unit)) {
      return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.UnitMasked", "masked");
    }
    return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
  }

  void Loop() {
    while (true) {
      while (sd_bus_process(bus_, nullptr) > 0) {
      }
      pollfd wait[] = {{sd_bus_get_fd(bus_), static_cast<int16_t>(sd_bus_get_events(bus_)), 0},
                       {stop_.get(), POLLIN, 0}};
      poll(wait, 2, -1);
      if (wait[1].revents != 0) return;
    }
  }

  sd_bus* bus_ = nullptr;
  const UniqueFd stop_{eventfd(0, EFD_CLOEXEC)};
  Mutex mutex_;
  std::set<std::string> installed_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> masked_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace postern::platform
