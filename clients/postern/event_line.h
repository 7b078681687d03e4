// SPDX-License-Identifier: Apache-2.0
// One event or message as one line for people.
#pragma once

#include <absl/time/time.h>

#include <string>

#include "clients/postern/names.h"
#include "clients/postern/terminal.h"
#include "postern/v1/event.pb.h"
#include "postern/v1/message.pb.h"

namespace postern::cli {

// When a line is read: times of another day than 'now' show their date.
struct Moment {
  absl::Time now;
  absl::TimeZone zone;
};

// Returns the line, without a line end: time, chat, a lock where it came end-to-end encrypted, who,
// what. Every kind of event has one, also kinds that a newer broker may send. 'names' has learned
// the event.
std::string EventLine(const v1::Event& event, const Names& names, const Terminal& terminal,
                      const Moment& moment);

// Returns the line for a message of the history.
std::string MessageLine(const v1::Message& message, const Names& names, const Terminal& terminal,
                        const Moment& moment);

// Returns e.g. "1.2 MB".
std::string SizeText(uint64_t bytes);

}  // namespace postern::cli
