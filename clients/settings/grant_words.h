// SPDX-License-Identifier: Apache-2.0
// Grants, apps and seals in plain words.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "clients/settings/snapshot.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::settings {

// What a scope opens, as the consent question says it.
std::string ScopeWords(v1::Scope scope);
// Whether it lets the app do something, rather than see something.
bool IsWriting(v1::Scope scope);
// "Read new messages · Send messages as you · and 3 more": at most 'most' sentences.
std::string ScopesWords(const v1::Grant& grant, int most);

// "until you take it back", "until 2026-12-01 10:00 (in 3 days)", "while the app runs".
std::string ValidityWords(const v1::Validity& validity, absl::Time now);
// "all chats, also new ones", "Family, Work and 3 more".
std::string SelectionWords(const v1::Selection& selection, const ChatPicture* chats);
// "Active", "Suspended", ...
std::string StateWords(v1::Grant::State state);
// "Stays on this device", "Leaves this device: translate.example".
std::string DestinationWords(const v1::DataDestination& destination);
std::string NoticePolicyWords(v1::NoticePolicy policy);

// "Family, Work and 3 more".
std::string ListWords(const std::vector<std::string>& names, size_t most);

}  // namespace postern::settings
