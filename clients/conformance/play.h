// SPDX-License-Identifier: Apache-2.0
// The playing of one row, in either direction: from the end where it is done to the end where it
// must be seen.
#pragma once

#include "clients/conformance/ends.h"
#include "clients/conformance/finding.h"
#include "clients/conformance/rows.h"
#include "clients/conformance/words.h"

namespace postern::conformance {

// The far end does it, and the adapter must tell it. 'words' have begun the row; sets what was
// carried, unjudged, and the detail.
void PlayIn(const Row& row, const Ends& ends, Words& words, Finding& finding);
// The adapter is told to do it, and the far end must see it.
void PlayOut(const Row& row, const Ends& ends, Words& words, Finding& finding);

}  // namespace postern::conformance
