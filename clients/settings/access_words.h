// SPDX-License-Identifier: Apache-2.0
// The access history, and what the user is told, in words.
#pragma once

#include <string>

#include "clients/settings/snapshot.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::settings {

// One row as a sentence: "Translator read 12 messages in Family".
std::string EntryWords(const v1::AccessEntry& entry, const ChatPicture* chats);
// What it was about, who did it, or why it was refused; empty when there is nothing to add.
std::string EntryDetail(const v1::AccessEntry& entry);
// The icon that stands for a verb.
const char* VerbIcon(v1::AccessVerb verb);

// A heading for a notice.
std::string NoticeTitle(v1::OwnerNotice::Kind kind);

}  // namespace postern::settings
