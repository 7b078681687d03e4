// SPDX-License-Identifier: Apache-2.0
// The subset law: what is made from a grant without asking the user opens nothing that the grant
// did not open.
#pragma once

#include "permissions/grant.h"

namespace postern::permissions {

// Returns whether 'narrower' opens nothing, now or later, that 'wider' does not open, and allows no
// more of it. Who holds them, and their ids, do not matter: it is also the law for a grant that one
// app would hand to another.
//
// Never wrongly true (but for LapseTime, which counts from each one's own use). False also where
// only more than the two grants say could prove it: that an account belongs to a network, or that a
// chat is a group.
bool IsWithin(const Grant& narrower, const Grant& wider);

}  // namespace postern::permissions
