// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "clients/sdk/client_core.h"
#include "clients/sdk/subscription.h"

namespace postern::sdk {

// 'core' is shared with the client, so that a subscription may outlive it.
std::unique_ptr<Subscription> MakeSubscription(std::shared_ptr<ClientCore> core,
                                               SubscribeOptions options);

std::unique_ptr<EventSession> MakeEventSession(std::unique_ptr<Subscription> subscription,
                                               EventSession::Handler handler,
                                               EventSession::EndHandler on_end,
                                               AcknowledgeMode mode);

}  // namespace postern::sdk
