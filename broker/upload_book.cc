// SPDX-License-Identifier: Apache-2.0
#include "broker/upload_book.h"

#include <absl/strings/str_cat.h>

#include <utility>
#include <vector>

#include "broker/attachment_limits.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/rpc_status.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AttachmentId;
using permissions::Principal;

std::string TurnKey(const Principal& principal, const std::string& request_id) {
  return std::string(principal.view()) + request_id;
}

}  // namespace

UploadBook::Turn::~Turn() {
  platform::MutexLock lock(book_.mutex_);
  book_.taken_.erase(key_);
  book_.changed_.NotifyAll();
}

absl::StatusOr<std::unique_ptr<UploadBook::Turn>> UploadBook::Take(
    const Principal& principal, const std::string& request_id,
    absl::FunctionRef<bool()> cancelled) {
  const std::string key = TurnKey(principal, request_id);
  const absl::Duration deadline = platform::AwakeTime() + kUploadTakeover;
  platform::MutexLock lock(mutex_);
  while (taken_.contains(key)) {
    if (cancelled()) return absl::CancelledError();
    if (platform::AwakeTime() >= deadline) {
      return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT,
                          "this upload is still under way; ask GetUpload how far it is, and go on "
                          "then");
    }
    changed_.WaitFor(mutex_, kTransferPoll);
  }
  taken_.insert(key);
  return std::unique_ptr<Turn>(new Turn(*this, key));
}

absl::StatusOr<std::optional<UploadBook::Upload>> UploadBook::Find(const Principal& principal,
                                                                   const std::string& request_id) {
  std::optional<Upload> upload;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT digest, name, key, size, attachment, remote_id "
                                      "FROM uploads WHERE principal = ? AND request_id = ?"));
    row.BindAll(Blob{principal.view()}, std::string_view(request_id));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) return absl::OkStatus();
    upload.emplace();
    upload->digest = std::string(row.Bytes(0));
    upload->name = std::string(row.Text(1));
    upload->key = std::string(row.Bytes(2));
    upload->size = static_cast<uint64_t>(row.Integer(3));
    upload->attachment = AttachmentId::FromRaw(row.Bytes(4));
    upload->remote_id = std::string(row.Text(5));
    return absl::OkStatus();
  }));
  return upload;
}

absl::StatusOr<UploadBook::Upload> UploadBook::Begin(const Principal& principal,
                                                     const std::string& request_id,
                                                     const std::string& digest, uint64_t size) {
  RETURN_IF_ERROR(Drop(principal, request_id));
  RETURN_IF_ERROR(MakeVaultFolder(directory_));
  Upload upload;
  upload.digest = digest;
  upload.name = NewVaultName();
  upload.key = NewVaultKey();
  upload.size = size;
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    int64_t count = 0;
    uint64_t bytes = 0;
    {
      ASSIGN_OR_RETURN(Statement row,
                       database.Prepare("SELECT count(*), coalesce(sum(size), 0) FROM uploads "
                                        "WHERE principal = ? AND length(name) > 0"));
      row.BindAll(Blob{principal.view()});
      RETURN_IF_ERROR(row.Step().status());
      count = row.Integer(0);
      bytes = static_cast<uint64_t>(row.Integer(1));
    }
    if (count >= static_cast<int64_t>(kUploadsPerAppMax) || bytes + size > kUploadBytesPerAppMax) {
      return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                          "this app has begun enough uploads; finish one, or wait a day until "
                          "those are dropped that nobody goes on with",
                          {{"limit", "upload_bytes"},
                           {"bytes_max", absl::StrCat(kUploadBytesPerAppMax)},
                           {"uploads_max", absl::StrCat(kUploadsPerAppMax)}});
    }
    return database.Run(
        "INSERT INTO uploads(principal, request_id, digest, name, key, size, attachment, "
        "remote_id, time, description) VALUES(?, ?, ?, ?, ?, ?, x'', '', ?, x'')",
        Blob{principal.view()}, std::string_view(request_id), Blob{digest},
        std::string_view(upload.name), Blob{upload.key}, size, absl::ToUnixSeconds(clock_.Now()));
  }));
  return upload;
}

absl::StatusOr<std::unique_ptr<VaultFile>> UploadBook::Open(const Upload& upload) {
  const std::string path = directory_ + "/" + upload.name;
  absl::StatusOr<std::unique_ptr<VaultFile>> file =
      VaultFile::Open(path, VaultKey(upload.key), false);
  if (absl::IsNotFound(file.status())) return VaultFile::Create(path, VaultKey(upload.key));
  if (file.ok() && upload.size > 0 && (*file)->readable() == upload.size) return file;
  // A last chunk that is not whole was cut off.
  return VaultFile::Open(path, VaultKey(upload.key), true);
}

absl::Status UploadBook::Done(const Principal& principal, const std::string& request_id,
                              AttachmentId attachment, const std::string& remote_id,
                              const v1::Attachment& description) {
  ASSIGN_OR_RETURN(const std::optional<Upload> upload, Find(principal, request_id));
  if (!upload.has_value()) return absl::NotFoundError("the upload was dropped");
  const std::string said = description.SerializeAsString();
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run(
        "UPDATE uploads SET name = '', key = x'', attachment = ?, remote_id = ?, time = ?, "
        "description = ? WHERE principal = ? AND request_id = ?",
        Blob{attachment.view()}, std::string_view(remote_id), absl::ToUnixSeconds(clock_.Now()),
        Blob{said}, Blob{principal.view()}, std::string_view(request_id));
  }));
  RemoveFile(upload->name);
  return absl::OkStatus();
}

absl::StatusOr<UploadBook::Uploaded> UploadBook::FindDone(const Principal& principal,
                                                          AttachmentId attachment) {
  std::optional<Uploaded> uploaded;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT remote_id, description FROM uploads WHERE "
                                      "principal = ? AND attachment = ? AND length(remote_id) > "
                                      "0"));
    row.BindAll(Blob{principal.view()}, Blob{attachment.view()});
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) return absl::OkStatus();
    uploaded.emplace();
    uploaded->remote_id = std::string(row.Text(0));
    if (uploaded->description.ParseFromString(std::string(row.Bytes(1)))) return absl::OkStatus();
    return absl::DataLossError("a stored upload is unreadable");
  }));
  if (!uploaded.has_value()) return NotFound("attachment_ids");
  return *std::move(uploaded);
}

absl::Status UploadBook::Drop(const Principal& principal, const std::string& request_id) {
  ASSIGN_OR_RETURN(const std::optional<Upload> upload, Find(principal, request_id));
  if (!upload.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run("DELETE FROM uploads WHERE principal = ? AND request_id = ?",
                        Blob{principal.view()}, std::string_view(request_id));
  }));
  RemoveFile(upload->name);
  return absl::OkStatus();
}

void UploadBook::RemoveFile(const std::string& name) {
  if (!name.empty()) RemoveVaultFile(directory_ + "/" + name);
}

absl::Status UploadBook::Sweep() {
  const absl::Time now = clock_.Now();
  struct Stale {
    Principal principal;
    std::string request_id;
  };
  std::vector<Stale> stale;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(
        Statement rows,
        database.Prepare("SELECT principal, request_id FROM uploads WHERE "
                         "(length(name) > 0 AND time < ?) OR (length(name) = 0 AND time < ?)"));
    rows.BindAll(absl::ToUnixSeconds(now - kUploadAgeMax),
                 absl::ToUnixSeconds(now - kRequestMemory));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      stale.push_back({Principal::FromRaw(rows.Bytes(0)), std::string(rows.Text(1))});
    }
  }));
  for (const Stale& upload : stale) {
    {
      // A stream that is at it may go on.
      platform::MutexLock lock(mutex_);
      if (taken_.contains(TurnKey(upload.principal, upload.request_id))) continue;
    }
    RETURN_IF_ERROR(Drop(upload.principal, upload.request_id));
  }
  return absl::OkStatus();
}

}  // namespace postern::broker
