// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_fetch.h"

#include <absl/strings/str_cat.h>

#include <array>
#include <utility>

#include "broker/absl_text.h"
#include "broker/attachment_limits.h"
#include "broker/file_type.h"
#include "broker/rpc_status.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// Of the machine: an adapter's pace is outside of any test's time, and it sleeps when we sleep.
absl::Duration Elapsed() { return platform::AwakeTime(); }

absl::Status Stalled() {
  return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                      "the gatekeeper brings nothing more of this file; try again");
}

}  // namespace

FileDigest::FileDigest() : context_(EVP_MD_CTX_new()) {
  if (context_ != nullptr) EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
}

void FileDigest::Add(std::string_view bytes) {
  if (context_ != nullptr) EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string FileDigest::Finish() {
  std::array<uint8_t, 32> digest{};
  unsigned int size = 0;
  // Without memory the digest is all zeroes, which fits nothing.
  if (context_ != nullptr) EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

absl::Status AttachmentMismatch(absl::StatusCode code, std::string_view field) {
  return ReasonStatus(code, v1::ERROR_REASON_ATTACHMENT_MISMATCH,
                      absl::StrCat("the bytes are not what '", AbslText(field),
                                   "' says of them; what had come was thrown away"),
                      {{"field", std::string(field)}});
}

AttachmentFetch::AttachmentFetch(AttachmentStore& store, KnownAttachment known,
                                 std::unique_ptr<AttachmentStore::Incoming> incoming)
    : store_(store),
      known_(std::move(known)),
      file_(incoming->file()),
      incoming_(std::move(incoming)),
      progress_(Elapsed()) {}

absl::Status AttachmentFetch::Add(const std::string& data) {
  const uint64_t most = known_.size_bytes > 0 ? known_.size_bytes : kAttachmentSizeMax;
  if (taken_ + data.size() > most) {
    return AttachmentMismatch(absl::StatusCode::kFailedPrecondition, "size_bytes");
  }
  RETURN_IF_ERROR(store_.Charge(*incoming_, taken_ + data.size()));
  RETURN_IF_ERROR(file_->Append(data));
  digest_.Add(data);
  if (beginning_.size() < kFileTypeBytes) {
    beginning_.append(data, 0, kFileTypeBytes - beginning_.size());
  }
  taken_ += data.size();
  return absl::OkStatus();
}

absl::Status AttachmentFetch::Complete() {
  const auto mismatch = [](std::string_view field) {
    return AttachmentMismatch(absl::StatusCode::kFailedPrecondition, field);
  };
  if (known_.size_bytes > 0 && taken_ != known_.size_bytes) return mismatch("size_bytes");
  const std::string sha256 = digest_.Finish();
  if (!known_.sha256.empty() && sha256 != known_.sha256) return mismatch("sha256");
  if (!FileTypeFits(known_.mime_type, beginning_)) return mismatch("mime_type");
  RETURN_IF_ERROR(file_->Finish());
  return store_.Keep(std::move(incoming_), known_.id, sha256);
}

void AttachmentFetch::Take(const v1::AttachmentChunk& chunk) {
  platform::MutexLock lock(mutex_);
  if (ended_) return;
  progress_ = Elapsed();
  const uint64_t end = chunk.offset() + chunk.data().size();
  if (chunk.offset() > taken_ || end < chunk.offset()) {
    End(ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                     "the gatekeeper left a part of this file out; try again"));
    return;
  }
  if (end > taken_) {
    if (absl::Status added = Add(chunk.data().substr(taken_ - chunk.offset())); !added.ok()) {
      End(std::move(added));
      return;
    }
  }
  // Of what is longer than was said the bytes after its end are looked at before it is believed.
  if (chunk.last()) End(Complete());
  changed_.NotifyAll();
}

void AttachmentFetch::Fail(absl::Status status) {
  platform::MutexLock lock(mutex_);
  if (!ended_) End(std::move(status));
}

void AttachmentFetch::End(absl::Status status) {
  ended_ = true;
  outcome_ = std::move(status);
  incoming_.reset();  // removes what was not kept
  changed_.NotifyAll();
}

void AttachmentFetch::NoteProgress() {
  platform::MutexLock lock(mutex_);
  progress_ = Elapsed();
}

void AttachmentFetch::EndIfStalled() {
  platform::MutexLock lock(mutex_);
  if (!ended_ && Elapsed() - progress_ > kTransferStallMax) End(Stalled());
}

AttachmentFetch::View AttachmentFetch::WaitPast(uint64_t offset, absl::Duration timeout) {
  const absl::Duration deadline = Elapsed() + timeout;
  platform::MutexLock lock(mutex_);
  while (!ended_ && file_->readable() <= offset) {
    const absl::Duration now = Elapsed();
    if (now - progress_ > kTransferStallMax) {
      End(Stalled());
      break;
    }
    if (now >= deadline) break;
    changed_.WaitFor(mutex_, deadline - now);
  }
  return {file_->readable(), ended_, outcome_};
}

uint64_t AttachmentFetch::taken() const {
  platform::MutexLock lock(mutex_);
  return taken_;
}

bool AttachmentFetch::ended() const {
  platform::MutexLock lock(mutex_);
  return ended_;
}

}  // namespace postern::broker
