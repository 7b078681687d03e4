// SPDX-License-Identifier: Apache-2.0
#include "broker/word_rows.h"

#include <absl/strings/escaping.h>

#include "broker/absl_text.h"
#include "broker/event_kinds.h"
#include "broker/record_chain.h"
#include "platform/status_macros.h"

namespace postern::broker {

absl::Status PutWords(Database& database, const WordRow& row) {
  RETURN_IF_ERROR(ForgetWords(database, row.place));
  if (row.text.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(
      database.Run("INSERT INTO message_words(rowid, chat, sender, text, sequence, written) "
                   "VALUES(?, ?, ?, ?, ?, ?)",
                   row.place, WordOf(row.chat), WordOf(row.sender), row.text, row.sequence,
                   absl::ToUnixMicros(row.written)));
  if (row.edit == 0) return absl::OkStatus();
  return database.Run("INSERT INTO edited_words(place, edit) VALUES(?, ?)", row.place, row.edit);
}

absl::Status ForgetWords(Database& database, Place place) {
  RETURN_IF_ERROR(database.Run("DELETE FROM message_words WHERE rowid = ?", place));
  return database.Run("DELETE FROM edited_words WHERE place = ?", place);
}

absl::Status ForgetWordsOf(Database& database, Sequence sequence) {
  LogRecord record;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        database.Prepare("SELECT header FROM events WHERE sequence = ? AND erased = 0"));
    row.Bind(1, sequence);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found || !UnpackHeader(row.Bytes(0), record)) return absl::OkStatus();
  }
  record.sequence = sequence;
  if (record.kind == kMessageCreated) return ForgetWords(database, PlaceOf(record));
  if (record.kind != kMessageEdited) return absl::OkStatus();
  Place place = 0;
  {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT place FROM edited_words WHERE edit = ?"));
    row.Bind(1, sequence);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) return absl::OkStatus();
    place = static_cast<Place>(row.Integer(0));
  }
  return ForgetWords(database, place);
}

std::string WordOf(const permissions::ChatId& chat) {
  return absl::BytesToHexString(AbslText(chat.view()));
}

std::string WordOf(const permissions::ContactId& sender) {
  return absl::BytesToHexString(AbslText(sender.view()));
}

}  // namespace postern::broker
