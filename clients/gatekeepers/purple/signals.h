// SPDX-License-Identifier: GPL-3.0-or-later
// Connects an adapter to libpurple's signals, at the priorities that see a stanza before and after
// lurch.
#pragma once

namespace postern::purple {

class AccountAdapter;

// The adapter must be disconnected before it goes.
void ConnectSignals(AccountAdapter& adapter);
void DisconnectSignals(AccountAdapter& adapter);

}  // namespace postern::purple
