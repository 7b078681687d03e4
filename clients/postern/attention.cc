// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/attention.h"

#include <algorithm>

namespace postern::cli {
namespace {

// What tells the user of their own yes, so that one they never gave does not go unseen, and what
// reminds them of it want nothing of them.
bool IsAlarm(const v1::OwnerNotice& notice) {
  return notice.kind() != v1::OwnerNotice::KIND_ACCESS_CHANGED &&
         notice.kind() != v1::OwnerNotice::KIND_ACCESS_REMINDER;
}

}  // namespace

bool WantsAttention(const v1::GetStatusResponse& status) {
  return !status.warnings().empty() ||
         std::any_of(status.notices().begin(), status.notices().end(), IsAlarm);
}

}  // namespace postern::cli
