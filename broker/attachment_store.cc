// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_store.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "broker/request_check.h"
#include "broker/rpc_status.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::AttachmentId;

absl::Status NoRoom(uint64_t limit) {
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      "there is no room for a file of this size beside what is on its way; try "
                      "again when that is done, or with a smaller file",
                      {{"limit", "attachment_bytes"}, {"bytes_max", absl::StrCat(limit)}});
}

}  // namespace

AttachmentStore::Incoming::~Incoming() { store_.Release(*this); }

absl::StatusOr<std::unique_ptr<AttachmentStore>> AttachmentStore::Open(Store& store,
                                                                       Bounds bounds) {
  std::unique_ptr<AttachmentStore> attachments(new AttachmentStore(store, bounds));
  RETURN_IF_ERROR(attachments->Load());
  return attachments;
}

absl::Status AttachmentStore::Load() {
  platform::MutexLock lock(mutex_);
  absl::flat_hash_set<std::string> names;
  RETURN_IF_ERROR(
      store_.Read([&](Database& database) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
        ASSIGN_OR_RETURN(Statement rows,
                         database.Prepare("SELECT attachment, name, account, size, sha256, key "
                                          "FROM attachment_files ORDER BY rowid"));
        while (true) {
          ASSIGN_OR_RETURN(const bool row, rows.Step());
          if (!row) break;
          Entry entry;
          entry.name = std::string(rows.Text(1));
          entry.account = AccountId::FromRaw(rows.Bytes(2));
          entry.bytes = static_cast<uint64_t>(rows.Integer(3));
          entry.sha256 = std::string(rows.Bytes(4));
          entry.key = std::string(rows.Bytes(5));
          entry.used = ++uses_;
          names.insert(entry.name);
          charged_[entry.account] += entry.bytes;
          total_ += entry.bytes;
          kept_ += entry.bytes;
          entries_[AttachmentId::FromRaw(rows.Bytes(0))] = std::move(entry);
        }
        ASSIGN_OR_RETURN(Statement uploads,
                         database.Prepare("SELECT name FROM uploads WHERE length(name) > 0"));
        while (true) {
          ASSIGN_OR_RETURN(const bool row, uploads.Step());
          if (!row) return absl::OkStatus();
          names.insert(std::string(uploads.Text(0)));
        }
      }));
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = file.path().filename().string();
    if (IsVaultName(name) && !names.contains(name)) RemoveVaultFile(file.path().string());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<VaultFile>> AttachmentStore::Find(AttachmentId attachment,
                                                                 const std::string& sha256) {
  platform::MutexLock lock(mutex_);
  const auto found = entries_.find(attachment);
  if (found == entries_.end()) return std::shared_ptr<VaultFile>();
  Entry& entry = found->second;
  if (!sha256.empty() && entry.sha256 != sha256) {
    // The network said anew what it should be.
    RETURN_IF_ERROR(Evict(attachment));
    return std::shared_ptr<VaultFile>();
  }
  absl::StatusOr<std::unique_ptr<VaultFile>> file =
      VaultFile::Open(PathOf(entry.name), VaultKey(entry.key), false);
  if (!file.ok() || (*file)->readable() != entry.bytes) {
    // Somebody removed or cut it: it can be fetched again.
    RETURN_IF_ERROR(Evict(attachment));
    return std::shared_ptr<VaultFile>();
  }
  entry.used = ++uses_;
  return std::shared_ptr<VaultFile>(*std::move(file));
}

absl::StatusOr<std::unique_ptr<AttachmentStore::Incoming>> AttachmentStore::Begin(AccountId account,
                                                                                  uint64_t bytes) {
  std::unique_ptr<Incoming> incoming(new Incoming(*this, account));
  RETURN_IF_ERROR(Charge(*incoming, bytes));
  RETURN_IF_ERROR(MakeVaultFolder(directory_));
  incoming->name_ = NewVaultName();
  incoming->key_ = NewVaultKey();
  ASSIGN_OR_RETURN(std::unique_ptr<VaultFile> file,
                   VaultFile::Create(PathOf(incoming->name_), VaultKey(incoming->key_)));
  incoming->file_ = std::move(file);
  return incoming;
}

absl::Status AttachmentStore::Charge(Incoming& incoming, uint64_t bytes) {
  platform::MutexLock lock(mutex_);
  if (bytes <= incoming.charged_) return absl::OkStatus();
  const uint64_t more = bytes - incoming.charged_;
  RETURN_IF_ERROR(MakeRoom(incoming.account_, more, 0));
  incoming.charged_ = bytes;
  charged_[incoming.account_] += more;
  total_ += more;
  return absl::OkStatus();
}

absl::Status AttachmentStore::MakeRoom(AccountId account, uint64_t more, size_t files) {
  while (true) {
    const bool account_full = charged_[account] + more > bounds_.account_bytes_max;
    if (!account_full && total_ + more <= bounds_.bytes_max &&
        entries_.size() + files <= bounds_.files_max) {
      return absl::OkStatus();
    }
    const Entry* oldest = nullptr;
    AttachmentId oldest_id;
    for (const auto& [id, entry] : entries_) {
      if (account_full && entry.account != account) continue;
      if (oldest != nullptr && oldest->used <= entry.used) continue;
      oldest = &entry;
      oldest_id = id;
    }
    if (oldest == nullptr) {
      return NoRoom(account_full ? bounds_.account_bytes_max : bounds_.bytes_max);
    }
    RETURN_IF_ERROR(Evict(oldest_id));
  }
}

absl::Status AttachmentStore::Evict(AttachmentId attachment) {
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("DELETE FROM attachment_files WHERE attachment = ?",
                        Blob{attachment.view()});
  }));
  Forget(attachment);
  return absl::OkStatus();
}

void AttachmentStore::Forget(AttachmentId attachment) {
  const auto found = entries_.find(attachment);
  if (found == entries_.end()) return;
  RemoveVaultFile(PathOf(found->second.name));
  charged_[found->second.account] -= found->second.bytes;
  total_ -= found->second.bytes;
  kept_ -= found->second.bytes;
  entries_.erase(found);
}

absl::Status AttachmentStore::Keep(std::unique_ptr<Incoming> incoming, AttachmentId attachment,
                                   const std::string& sha256) {
  const uint64_t bytes = incoming->file_->readable();
  RETURN_IF_ERROR(Charge(*incoming, bytes));
  platform::MutexLock lock(mutex_);
  // Here, where it becomes one: many can be on their way at once, and an empty one takes no bytes.
  RETURN_IF_ERROR(MakeRoom(incoming->account_, 0, entries_.contains(attachment) ? 0 : 1));
  bool named = false;
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    {
      ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT 1 FROM attachments WHERE id = ?"));
      row.BindAll(Blob{attachment.view()});
      ASSIGN_OR_RETURN(named, row.Step());
    }
    if (!named) return absl::OkStatus();
    return database.Run(
        "INSERT OR REPLACE INTO attachment_files(attachment, name, key, account, size, sha256) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        Blob{attachment.view()}, std::string_view(incoming->name_), Blob{incoming->key_},
        Blob{incoming->account_.view()}, bytes, Blob{sha256});
  }));
  if (!named) {
    // Released below, which takes the lock.
    return NotFound("attachment_id");
  }
  Forget(attachment);
  entries_[attachment] = {incoming->name_, incoming->account_, bytes,
                          sha256,          incoming->key_,     ++uses_};
  // What was announced and did not come is not taken.
  charged_[incoming->account_] -= incoming->charged_ - bytes;
  total_ -= incoming->charged_ - bytes;
  kept_ += bytes;
  incoming->kept_ = true;
  return absl::OkStatus();
}

void AttachmentStore::Release(Incoming& incoming) {
  if (incoming.kept_) return;
  if (!incoming.name_.empty()) RemoveVaultFile(PathOf(incoming.name_));
  platform::MutexLock lock(mutex_);
  charged_[incoming.account_] -= incoming.charged_;
  total_ -= incoming.charged_;
}

absl::Status AttachmentStore::Drop(AttachmentId attachment) {
  platform::MutexLock lock(mutex_);
  return Evict(attachment);
}

absl::Status AttachmentStore::Sweep() {
  absl::flat_hash_set<AttachmentId> kept;
  platform::MutexLock lock(mutex_);
  if (entries_.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare("SELECT attachment FROM attachment_files"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      kept.insert(AttachmentId::FromRaw(rows.Bytes(0)));
    }
  }));
  std::vector<AttachmentId> gone;
  for (const auto& [id, entry] : entries_) {
    if (!kept.contains(id)) gone.push_back(id);
  }
  for (const AttachmentId& id : gone) Forget(id);
  return absl::OkStatus();
}

uint64_t AttachmentStore::kept_bytes() const {
  platform::MutexLock lock(mutex_);
  return kept_;
}

}  // namespace postern::broker
