// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>

#include "clients/translator/language.h"

namespace postern::translator {

// What translates: Apertium on this device, or a server. Thread-safe.
class Engine {
 public:
  virtual ~Engine() = default;

  // Translates a text of UTF-8. UNAVAILABLE when trying the same later can help. All else is final
  // for this text, with a sentence for the user: NOT_FOUND, saying what would add it, when there is
  // no such pair; DEADLINE_EXCEEDED when it got stuck on this text; FAILED_PRECONDITION when
  // something has to be put right first.
  virtual absl::StatusOr<std::string> Translate(const std::string& text, const Language& from,
                                                const Language& to) = 0;

  // Gives back what has not been used for a while. To be called now and then.
  virtual void Rest() = 0;
};

}  // namespace postern::translator
