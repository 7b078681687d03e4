// SPDX-License-Identifier: Apache-2.0
#include "broker/schema.h"

#include <absl/strings/str_cat.h>

#include <iterator>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// A step that has been released is never changed; add one.
constexpr const char* kSteps[] = {
    R"sql(
    CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;

    -- The log. Body last, so that the rest of a row is read without its overflow pages.
    CREATE TABLE events(
        sequence INTEGER PRIMARY KEY,
        header BLOB NOT NULL,
        proof BLOB NOT NULL,
        erased INTEGER NOT NULL,
        body BLOB);
    CREATE TABLE source_positions(account BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;

    -- The message index; 'key' is the first half of a message id, 'place' is from history_place.h.
    -- 'created' is the sequence of the record that made the message; early changes have none yet.
    CREATE TABLE chat_messages(chat BLOB NOT NULL, place INTEGER NOT NULL,
        sequence INTEGER NOT NULL, PRIMARY KEY(chat, place)) WITHOUT ROWID;
    CREATE TABLE message_refs(part INTEGER NOT NULL, key INTEGER NOT NULL,
        sequence INTEGER NOT NULL, kind INTEGER NOT NULL,
        PRIMARY KEY(part, key, sequence)) WITHOUT ROWID;
    CREATE TABLE message_changes(created INTEGER NOT NULL, sequence INTEGER NOT NULL,
        kind INTEGER NOT NULL, PRIMARY KEY(created, sequence)) WITHOUT ROWID;
    CREATE TABLE early_changes(key INTEGER NOT NULL, sequence INTEGER NOT NULL,
        kind INTEGER NOT NULL, PRIMARY KEY(key, sequence)) WITHOUT ROWID;
    CREATE TABLE deleted_messages(message BLOB PRIMARY KEY) WITHOUT ROWID;

    -- The search index, a row for each message with words; its rowid is the message's place
    -- (broker/word_rows.h). 'edited_words' names the edits whose text stands there.
    CREATE VIRTUAL TABLE message_words USING fts5(chat, sender, text, sequence UNINDEXED,
        written UNINDEXED, columnsize = 0,
        tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'");
    INSERT INTO message_words(message_words, rank) VALUES('secure-delete', 1);
    CREATE TABLE edited_words(place INTEGER PRIMARY KEY, edit INTEGER NOT NULL);
    CREATE INDEX edited_words_by_edit ON edited_words(edit);

    -- What the gatekeepers told of their world.
    CREATE TABLE accounts(id BLOB PRIMARY KEY, remote_id TEXT NOT NULL, adapter BLOB NOT NULL,
        record BLOB NOT NULL, capabilities BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE chats(id BLOB PRIMARY KEY, account BLOB NOT NULL, remote_id TEXT NOT NULL,
        record BLOB NOT NULL, removed INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX chats_by_account ON chats(account);
    CREATE TABLE contacts(id BLOB PRIMARY KEY, account BLOB NOT NULL, remote_id TEXT NOT NULL,
        record BLOB NOT NULL, told INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX contacts_by_account ON contacts(account);
    -- Contacts that the user says are one person; 'person' is the same for all of them.
    CREATE TABLE contact_links(contact BLOB PRIMARY KEY, person BLOB NOT NULL) WITHOUT ROWID;
    -- Whose links changed and of whom apps are still to be told (broker/contact_links.h).
    CREATE TABLE untold_links(id INTEGER PRIMARY KEY AUTOINCREMENT, contact BLOB NOT NULL);

    -- Who may do what.
    CREATE TABLE principals(principal BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE grants(id BLOB PRIMARY KEY, principal BLOB NOT NULL, record BLOB NOT NULL,
        mac BLOB NOT NULL) WITHOUT ROWID;
    CREATE INDEX grants_by_principal ON grants(principal);
    CREATE TABLE subscriptions(principal BLOB NOT NULL, name TEXT NOT NULL,
        sequence INTEGER NOT NULL, PRIMARY KEY(principal, name)) WITHOUT ROWID;
    CREATE TABLE requests(principal BLOB NOT NULL, request_id TEXT NOT NULL, method TEXT NOT NULL,
        digest BLOB NOT NULL, state INTEGER NOT NULL, response BLOB, create_time INTEGER NOT NULL,
        PRIMARY KEY(principal, request_id)) WITHOUT ROWID;
    CREATE INDEX requests_by_time ON requests(create_time);

    -- What is closed to apps beside any grant (broker/seal_book.h).
    CREATE TABLE seals(target BLOB PRIMARY KEY, record BLOB NOT NULL, mac BLOB NOT NULL) WITHOUT ROWID;

    -- What apps have used of what they may do, and requests that wait for the person's word or the
    -- gatekeeper's (broker/send_limits.h, broker/pending_sends.h).
    CREATE TABLE send_budgets(principal BLOB NOT NULL, per_hour INTEGER NOT NULL,
        missing INTEGER NOT NULL, time INTEGER NOT NULL,
        PRIMARY KEY(principal, per_hour)) WITHOUT ROWID;
    CREATE TABLE day_budgets(principal BLOB PRIMARY KEY, start INTEGER NOT NULL,
        new_chats INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE pending_sends(principal BLOB NOT NULL, request_id TEXT NOT NULL,
        account BLOB NOT NULL, chat BLOB NOT NULL, state INTEGER NOT NULL, message BLOB NOT NULL,
        command_id TEXT NOT NULL, time INTEGER NOT NULL, error BLOB NOT NULL,
        PRIMARY KEY(principal, request_id)) WITHOUT ROWID;

    -- Older history that apps asked for and that is being brought in (broker/backfills.h).
    CREATE TABLE backfills(command_id TEXT PRIMARY KEY, principal BLOB NOT NULL,
        request_id TEXT NOT NULL, account BLOB NOT NULL, chat BLOB NOT NULL,
        command BLOB NOT NULL) WITHOUT ROWID;

    -- What each chat was told of the apps that see it, and notices on their way into chats
    -- (broker/disclosure_book.h, broker/chat_notices.h).
    CREATE TABLE disclosures(chat BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE chat_notices(command_id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE notice_policies(account BLOB PRIMARY KEY, policy INTEGER NOT NULL) WITHOUT ROWID;

    -- What apps did, and what the user decided of them (broker/access_history.h).
    CREATE TABLE access_history(sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL,
        verb INTEGER NOT NULL, principal BLOB NOT NULL, chat BLOB NOT NULL, grant_id BLOB NOT NULL,
        count INTEGER NOT NULL, reason TEXT NOT NULL, chain BLOB NOT NULL);
    CREATE INDEX access_history_by_time ON access_history(time);

    -- What grants once were, and which stretches of the log each app was handed: what an app saw
    -- (broker/past_grants.h, broker/deliveries.h).
    CREATE TABLE past_grants(id BLOB NOT NULL, principal BLOB NOT NULL, record BLOB NOT NULL,
        until INTEGER NOT NULL, PRIMARY KEY(id, record)) WITHOUT ROWID;
    CREATE INDEX past_grants_by_principal ON past_grants(principal);
    CREATE TABLE deliveries(principal BLOB NOT NULL, chat BLOB NOT NULL, place INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, from_time INTEGER NOT NULL,
        to_time INTEGER NOT NULL, PRIMARY KEY(principal, chat, place)) WITHOUT ROWID;

    -- What apps were asked to erase, and what each could see (broker/erasure_book.h); when messages
    -- disappear (broker/message_expiry.h).
    CREATE TABLE erasures(principal BLOB PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE erasure_sights(principal BLOB NOT NULL, chat BLOB NOT NULL, sight INTEGER NOT NULL,
        PRIMARY KEY(principal, chat)) WITHOUT ROWID;
    CREATE TABLE expiries(time INTEGER NOT NULL, sequence INTEGER NOT NULL,
        PRIMARY KEY(time, sequence)) WITHOUT ROWID;

    -- Files: what events say of them, whose bytes are stored under which key, and what apps upload
    -- (broker/attachment_index.h, broker/attachment_store.h, broker/upload_book.h).
    CREATE TABLE attachments(id BLOB PRIMARY KEY, account BLOB NOT NULL, remote_id TEXT NOT NULL,
        size INTEGER NOT NULL, sha256 BLOB NOT NULL, mime_type TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE attachment_refs(id BLOB NOT NULL, sequence INTEGER NOT NULL,
        PRIMARY KEY(id, sequence)) WITHOUT ROWID;
    CREATE INDEX attachment_refs_by_sequence ON attachment_refs(sequence);
    CREATE TABLE attachment_files(attachment BLOB PRIMARY KEY, name TEXT NOT NULL, key BLOB NOT NULL,
        account BLOB NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL);
    CREATE TABLE uploads(principal BLOB NOT NULL, request_id TEXT NOT NULL, digest BLOB NOT NULL,
        name TEXT NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, attachment BLOB NOT NULL,
        remote_id TEXT NOT NULL, time INTEGER NOT NULL, description BLOB NOT NULL,
        PRIMARY KEY(principal, request_id)) WITHOUT ROWID;
    CREATE INDEX uploads_by_attachment ON uploads(principal, attachment);

    -- What the user was told and has not yet marked as read (broker/owner_notices.h).
    CREATE TABLE owner_notices(id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    )sql",
};

}  // namespace

int NewestSchema() { return static_cast<int>(std::size(kSteps)); }

absl::Status Migrate(Database& database) { return Migrate(database, kSteps); }

absl::Status Migrate(Database& database, std::span<const char* const> steps) {
  const auto newest = static_cast<int64_t>(steps.size());
  ASSIGN_OR_RETURN(const int64_t found, database.QueryInteger("PRAGMA user_version"));
  if (found > newest) {
    return absl::FailedPreconditionError(absl::StrCat("the database has schema version ", found,
                                                      ", this program knows up to ", newest,
                                                      "; start the newer posternd that wrote it"));
  }
  for (int64_t version = found; version < newest; ++version) {
    const absl::Status status =
        database.Execute(absl::StrCat("BEGIN IMMEDIATE;", steps[static_cast<size_t>(version)],
                                      "PRAGMA user_version = ", version + 1, ";COMMIT")
                             .c_str());
    if (!status.ok()) {
      if (database.in_transaction()) (void)database.Execute("ROLLBACK");
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
