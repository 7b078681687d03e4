// SPDX-License-Identifier: Apache-2.0
// As much of systemd's user instance as starting a unit takes, on a bus of the test's own.
#pragma once

#include <systemd/sd-bus.h>

#include <set>
#include <string>
#include <vector>

#include "platform/mutex.h"
#include "tests/fakes/bus_service.h"

namespace postern::platform {

// Thread-safe.
class FakeSystemd {
 public:
  explicit FakeSystemd(const std::string& address)
      : service_(address, {"org.freedesktop.systemd1"},
                 [this](sd_bus_message* call) { return Answer(call); }) {}

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

  Mutex mutex_;
  std::set<std::string> installed_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> masked_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> asked_ ABSL_GUARDED_BY(mutex_);
  fakes::BusService service_;
};

}  // namespace postern::platform
