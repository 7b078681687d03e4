// SPDX-License-Identifier: Apache-2.0
// What the broker itself knows and adds to a question before it is shown: accounts and chats to
// choose from, what is held already, and warnings about names. Nothing here comes from who asks.
#pragma once

#include <span>

#include "broker/app_registry.h"
#include "broker/directory.h"
#include "permissions/consent_question.h"
#include "permissions/grant.h"

namespace postern::broker {

// Fills 'question' in. 'asked_chats' are those that the app named: offered first, so that none of
// them falls off the end of a long list. Chats that are not there (any more) are left out.
void FillIn(permissions::ConsentQuestion& question,
            std::span<const permissions::ChatId> asked_chats, const AppRegistry& apps,
            const Directory& directory);

// Returns the question that asks to let 'grant' last longer.
permissions::ConsentQuestion ExtensionQuestion(const permissions::Grant& grant,
                                               const AppSnapshot& app, const Directory& directory,
                                               absl::Time now);

// Puts what the user knows of an allowed app into a question about it.
void DescribeApp(const v1::App& app, permissions::ConsentQuestion& question);

}  // namespace postern::broker
