// SPDX-License-Identifier: Apache-2.0
// The far end: has its program do things, and looks at what it shows.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "clients/conformance/driver.h"
#include "clients/conformance/finding.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::conformance {

// Has the people bring an event about. 'files': paths by the ids that the event uses, may be empty.
// Gives what the program said when it was done; UNIMPLEMENTED where it cannot or did not, else the
// driver's error.
absl::StatusOr<Json> BringAbout(Driver& driver, const v1::Event& event, const Json& files);

// Where the people have to look.
struct Place {
  std::string chat_id;
  // Empty where there is none.
  std::string message_id;
};

// Looks at 'place' until it shows 'expected', which 'command' was to bring about, at most so long;
// sets the finding.
void LookAt(Driver& driver, absl::Duration wait, const Place& place, const v1::Command& command,
            const Json& expected, Finding& finding);

// It writes a message that was not there before.
bool MakesMessage(const v1::Command& command);

}  // namespace postern::conformance
