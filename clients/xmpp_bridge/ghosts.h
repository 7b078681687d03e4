// SPDX-License-Identifier: Apache-2.0
// What the bridge and its ghosts answer when they are asked who they are and what they can do, and
// who may see whether they are online.
#pragma once

#include <string>
#include <vector>

#include "clients/xmpp_bridge/config.h"
#include "clients/xmpp_bridge/store.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {

// The answer to an <iq/> that asks something: disco, ping, vCard; an error for what is not known.
// "" for what needs no answer.
std::string AnswerIq(const gloox::Tag& iq, const Config& config, Store& store);

// What follows from the user's presence towards a ghost: subscriptions are granted, probes
// answered.
std::vector<std::string> AnswerPresence(const gloox::Tag& presence, const Config& config,
                                        Store& store);

}  // namespace postern::xmpp_bridge
