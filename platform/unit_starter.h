// SPDX-License-Identifier: Apache-2.0
// Starting a program of the user's through the service manager.
#pragma once

#include <absl/status/status.h>

#include <functional>
#include <string>

namespace postern::platform {

// Has the user's service manager start a unit, e.g. "translator.service", and returns once the
// manager has taken that on: whether the program then comes up, it does not say. A unit that runs
// already is no error. NOT_FOUND: the manager knows no such unit. UNAVAILABLE: there is no manager,
// or it does not answer. FAILED_PRECONDITION: it refused, e.g. a unit that is masked. Thread-safe;
// takes at most some seconds.
using UnitStarter = std::function<absl::Status(const std::string& unit)>;

// systemd's user instance (org.freedesktop.systemd1 on the session bus).
absl::Status StartUserUnit(const std::string& unit);

}  // namespace postern::platform
