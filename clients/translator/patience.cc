// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/patience.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "clients/sdk/errors.h"
#include "clients/sdk/grants.h"

namespace postern::translator {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(500);
constexpr absl::Duration kLongestWait = absl::Seconds(30);

}  // namespace

bool PassesByItself(const absl::Status& status) {
  return sdk::IsRetriable(status) || sdk::AccessRests(status);
}

absl::Status Patiently(const std::string& what, Screen& screen,
                       const std::function<absl::Status()>& attempt) {
  bool told = false;
  for (absl::Duration wait = kFirstWait;; wait = std::min(wait * 2, kLongestWait)) {
    const absl::Status status = attempt();
    if (!PassesByItself(status)) {
      if (told && status.ok()) screen.Note(absl::StrCat(what, " goes on."));
      return status;
    }
    if (!told) {
      screen.Note(absl::StrCat(
          what, " waits, and is tried again: ", Printable(std::string(status.message()))));
    }
    told = true;
    absl::SleepFor(std::max(wait, std::min(sdk::RetryAfterOf(status), kLongestWait)));
  }
}

}  // namespace postern::translator
