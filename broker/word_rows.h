// SPDX-License-Identifier: Apache-2.0
// The rows of the search index: an FTS5 table inside the database, and so encrypted and erased with
// it. Each row has the words of one message as they are now. Chat and sender are words of the row
// too, so that a query reads the entries of the chats it is about and no others.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string>

#include "broker/database.h"
#include "broker/history_place.h"
#include "permissions/ids.h"

namespace postern::broker {

struct WordRow {
  Place place = 0;
  permissions::ChatId chat;
  permissions::ContactId sender;
  // As search_text.h gives it.
  std::string text;
  // Of the record that made the message.
  Sequence sequence = 0;
  // When the network says the message was written.
  absl::Time written;
  // The edit whose text it is; 0 when it is the message's own.
  Sequence edit = 0;
};

// Puts the row in place of what stands there. For use within a job of Store::Write, like the rest.
absl::Status PutWords(Database& database, const WordRow& row);
// Takes out what stands there, if anything does.
absl::Status ForgetWords(Database& database, Place place);
// Takes out the words that came from this record, whose content is about to go. Nothing happens
// when none did.
absl::Status ForgetWordsOf(Database& database, Sequence sequence);

// The word by which rows of this chat, or sender, are found: needs no quoting.
std::string WordOf(const permissions::ChatId& chat);
std::string WordOf(const permissions::ContactId& sender);

}  // namespace postern::broker
