// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "clients/postern/names.h"
#include "postern/v1/event.pb.h"

namespace postern::cli {

// Returns what happened, in one sentence without time and chat, for every kind of event but a new
// message (event_line.h writes those). The text is visible text. Never empty.
std::string EventWords(const v1::Event& event, const Names& names);

}  // namespace postern::cli
