// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_index.h"

#include <utility>

#include "broker/attachment_limits.h"
#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::AttachmentId;

constexpr int kSlice = 1024;
// Where nothing names a file, how far the index came is written so seldom: reading again is cheap.
constexpr Sequence kWriteEvery = 65'536;

// An event that names an attachment.
struct Naming {
  KnownAttachment known;
  Sequence sequence = 0;
};

// What the event says of the bytes of an attachment; null when it only names it.
const v1::Attachment* DescriptionIn(const v1::Event& event, const std::string& id) {
  if (event.has_attachment_ready() && event.attachment_ready().attachment().id() == id) {
    return &event.attachment_ready().attachment();
  }
  for (const v1::Attachment& attachment : event.message_created().message().attachments()) {
    if (attachment.id() == id) return &attachment;
  }
  return nullptr;
}

absl::Status AddNamings(const LogRecord& record, std::vector<Naming>& namings) {
  if (record.erased() || record.body.empty()) return absl::OkStatus();
  storage::v1::StoredEvent stored;
  if (!stored.ParseFromString(record.body)) {
    return absl::DataLossError("a stored event is unreadable");
  }
  for (const storage::v1::RemoteAttachment& named : stored.attachments()) {
    Naming naming;
    naming.sequence = record.sequence;
    naming.known.id = IdFromText<AttachmentId>(named.id());
    naming.known.account = record.account;
    naming.known.remote_id = named.remote_id();
    if (const v1::Attachment* said = DescriptionIn(stored.event(), named.id()); said != nullptr) {
      naming.known.size_bytes = said->size_bytes();
      naming.known.sha256 = said->sha256();
      naming.known.mime_type = said->mime_type();
    }
    namings.push_back(std::move(naming));
  }
  return absl::OkStatus();
}

absl::Status Insert(Database& database, const Naming& naming) {
  // Its content may have gone since it was read.
  ASSIGN_OR_RETURN(Statement kept,
                   database.Prepare("SELECT 1 FROM events WHERE sequence = ? AND erased = 0"));
  kept.BindAll(naming.sequence);
  ASSIGN_OR_RETURN(const bool is_kept, kept.Step());
  if (!is_kept) return absl::OkStatus();
  RETURN_IF_ERROR(kept.Run());
  const KnownAttachment& known = naming.known;
  // The latest word on the bytes holds; silence changes nothing.
  RETURN_IF_ERROR(database.Run(
      "INSERT INTO attachments(id, account, remote_id, size, sha256, mime_type) "
      "VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(id) DO UPDATE SET "
      "size = CASE WHEN ?4 > 0 THEN ?4 ELSE size END, "
      "sha256 = CASE WHEN length(?5) > 0 THEN ?5 ELSE sha256 END, "
      "mime_type = CASE WHEN length(?6) > 0 THEN ?6 ELSE mime_type END",
      Blob{known.id.view()}, Blob{known.account.view()}, std::string_view(known.remote_id),
      known.size_bytes, Blob{known.sha256}, std::string_view(known.mime_type)));
  return database.Run("INSERT OR IGNORE INTO attachment_refs(id, sequence) VALUES(?, ?)",
                      Blob{known.id.view()}, naming.sequence);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AttachmentIndex>> AttachmentIndex::Open(Store& store,
                                                                       EventLog& log) {
  std::unique_ptr<AttachmentIndex> index(new AttachmentIndex(store, log));
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    const auto through =
        database.QueryInteger("SELECT value FROM meta WHERE key = 'attachments_through'");
    if (!through.ok() && !absl::IsNotFound(through.status())) return through.status();
    platform::MutexLock lock(index->mutex_);
    index->through_ = through.ok() ? static_cast<Sequence>(*through) : 0;
    index->written_ = index->through_;
    return absl::OkStatus();
  }));
  return index;
}

absl::StatusOr<bool> AttachmentIndex::IndexSlice() {
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, log_.ReadAfter(through_, kSlice));
  if (records.empty()) return false;
  std::vector<Naming> namings;
  for (const RecordPointer& record : records) RETURN_IF_ERROR(AddNamings(*record, namings));
  const Sequence through = records.back()->sequence;
  if (!namings.empty() || through - written_ >= kWriteEvery) {
    RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
      for (const Naming& naming : namings) RETURN_IF_ERROR(Insert(database, naming));
      return database.Run(
          "INSERT OR REPLACE INTO meta(key, value) VALUES('attachments_through', ?)", through);
    }));
    written_ = through;
  }
  through_ = through;
  return true;
}

absl::Status AttachmentIndex::CatchUp(absl::Duration timeout) {
  const absl::Duration deadline = platform::AwakeTime() + timeout;
  const Sequence last = log_.last_sequence();
  while (true) {
    platform::MutexLock lock(mutex_);
    if (through_ >= last) return absl::OkStatus();
    if (platform::AwakeTime() > deadline) {
      return absl::DeadlineExceededError("the index of attachments is behind");
    }
    ASSIGN_OR_RETURN(const bool more, IndexSlice());
    if (!more) return absl::OkStatus();
  }
}

absl::StatusOr<KnownAttachment> AttachmentIndex::Find(AttachmentId id) {
  const absl::Status caught_up = CatchUp(kIndexWait);
  // Late is better than nothing: the newest attachments are missing then.
  if (!caught_up.ok() && !absl::IsDeadlineExceeded(caught_up)) return caught_up;
  KnownAttachment known;
  known.id = id;
  bool found = false;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT account, remote_id, size, sha256, mime_type "
                                      "FROM attachments WHERE id = ?"));
    row.BindAll(Blob{id.view()});
    ASSIGN_OR_RETURN(found, row.Step());
    if (!found) return absl::OkStatus();
    known.account = permissions::AccountId::FromRaw(row.Bytes(0));
    known.remote_id = std::string(row.Text(1));
    known.size_bytes = static_cast<uint64_t>(row.Integer(2));
    known.sha256 = std::string(row.Bytes(3));
    known.mime_type = std::string(row.Text(4));
    ASSIGN_OR_RETURN(Statement refs,
                     database.Prepare("SELECT sequence FROM attachment_refs WHERE id = ? "
                                      "ORDER BY sequence DESC LIMIT ?"));
    refs.BindAll(Blob{id.view()}, kAttachmentEventsMax);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, refs.Step());
      if (!more) return absl::OkStatus();
      known.named_by.push_back(static_cast<Sequence>(refs.Integer(0)));
    }
  }));
  if (!found) return NotFound("attachment_id");
  return known;
}

}  // namespace postern::broker
