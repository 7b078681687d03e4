// SPDX-License-Identifier: Apache-2.0
#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "platform/unit_starter.h"

namespace postern::platform {
namespace {

constexpr char kSystemd[] = "org.freedesktop.systemd1";
// The manager is on this machine; one that loads many units at login answers in a second or two.
constexpr uint64_t kCallTimeoutUsec = 5'000'000;

struct CloseBus {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct FreeMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};

class BusError {
 public:
  BusError() = default;
  ~BusError() { sd_bus_error_free(&error_); }
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  sd_bus_error* get() { return &error_; }
  bool Is(const char* name) const { return sd_bus_error_has_name(&error_, name) != 0; }

 private:
  sd_bus_error error_{nullptr, nullptr, 0};
};

absl::Status Unavailable() {
  return absl::UnavailableError(
      "the user's service manager does not answer; look at `systemctl --user status`");
}

}  // namespace

absl::Status StartUserUnit(const std::string& unit) {
  sd_bus* opened = nullptr;
  if (sd_bus_open_user(&opened) < 0) return Unavailable();
  const std::unique_ptr<sd_bus, CloseBus> bus(opened);
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_method_call(bus.get(), &made, kSystemd, "/org/freedesktop/systemd1",
                                     "org.freedesktop.systemd1.Manager", "StartUnit") < 0) {
    return absl::InternalError("a message to the bus could not be made");
  }
  const std::unique_ptr<sd_bus_message, FreeMessage> call(made);
  // Where no systemd runs, none is to be started for this.
  sd_bus_message_set_auto_start(call.get(), 0);
  if (sd_bus_message_append(call.get(), "ss", unit.c_str(), "replace") < 0) {
    return absl::InvalidArgumentError("the unit's name cannot be sent");
  }
  BusError error;
  sd_bus_message* answer = nullptr;
  const int called = sd_bus_call(bus.get(), call.get(), kCallTimeoutUsec, error.get(), &answer);
  const std::unique_ptr<sd_bus_message, FreeMessage> owned(answer);
  if (called >= 0) return absl::OkStatus();
  if (error.Is("org.freedesktop.systemd1.NoSuchUnit") ||
      error.Is("org.freedesktop.systemd1.LoadFailed")) {
    return absl::NotFoundError("the user's service manager knows no such unit");
  }
  if (error.Is(SD_BUS_ERROR_SERVICE_UNKNOWN) || error.Is(SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
      error.Is(SD_BUS_ERROR_NO_REPLY) || error.Is(SD_BUS_ERROR_TIMEOUT) || called == -ETIMEDOUT ||
      called == -ENOTCONN || called == -ECONNRESET) {
    return Unavailable();
  }
  return absl::FailedPreconditionError("the user's service manager refused to start the unit");
}

}  // namespace postern::platform
