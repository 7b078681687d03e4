// SPDX-License-Identifier: Apache-2.0
// What must be said beside a list of what apps may do: that for now none of them may.
#pragma once

#include "clients/postern/command.h"
#include "clients/postern/owner.h"

namespace postern::cli {

// Adds a line when all apps are paused. A broker that cannot say so takes nothing from the list.
void SayWhenPaused(Context& context, Owner& owner);

}  // namespace postern::cli
