// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

namespace postern::fakes {

// A D-Bus daemon of a test's own, on which anybody may own any name. Ends with the object.
class PrivateBus {
 public:
  // Aborts the test program when dbus-daemon does not come up.
  PrivateBus();
  ~PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  // For DBUS_SYSTEM_BUS_ADDRESS and DBUS_SESSION_BUS_ADDRESS.
  const std::string& address() const { return address_; }

 private:
  std::string folder_;
  std::string address_;
  pid_t daemon_ = -1;
};

}  // namespace postern::fakes
