// SPDX-License-Identifier: Apache-2.0
#include "broker/owner_notices.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "platform/secret_bytes.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

std::string NewNoticeId() {
  std::array<uint8_t, 8> bytes;
  platform::FillRandom(bytes);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

std::string_view KindName(v1::OwnerNotice::Kind kind) {
  std::string_view name = v1::OwnerNotice::Kind_Name(kind);
  if (name.starts_with("KIND_")) name.remove_prefix(5);
  return name;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OwnerNotices>> OwnerNotices::Open(Store& store, Notifier* notifier,
                                                                 const platform::Clock& clock) {
  std::unique_ptr<OwnerNotices> notices(new OwnerNotices(store, notifier, clock));
  RETURN_IF_ERROR(notices->Load());
  notices->thread_ = std::thread([raw = notices.get()] { raw->Loop(); });
  return notices;
}

OwnerNotices::~OwnerNotices() { Stop(); }

absl::Status OwnerNotices::Load() {
  std::vector<v1::OwnerNotice> stored;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows, database.Prepare("SELECT record FROM owner_notices"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      v1::OwnerNotice notice;
      if (notice.ParseFromString(std::string(rows.Bytes(0)))) stored.push_back(std::move(notice));
    }
  }));
  std::sort(stored.begin(), stored.end(), [](const v1::OwnerNotice& a, const v1::OwnerNotice& b) {
    return FromProto(a.notice_time()) < FromProto(b.notice_time());
  });
  platform::MutexLock lock(mutex_);
  for (v1::OwnerNotice& notice : stored) open_.push_back(std::move(notice));
  return absl::OkStatus();
}

void OwnerNotices::Stop() {
  {
    platform::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  stop_notifier_.Cancel();
  if (thread_.joinable()) thread_.join();
}

void OwnerNotices::Tell(v1::OwnerNotice::Kind kind, std::string text,
                        const permissions::Principal& principal, permissions::ChatId chat,
                        uint32_t count) {
  const std::string principal_text = principal.empty() ? "" : principal.ToHex();
  const std::string chat_text = chat.empty() ? "" : IdText(chat);
  platform::MutexLock lock(mutex_);
  const auto same = std::find_if(open_.begin(), open_.end(), [&](const v1::OwnerNotice& notice) {
    return notice.kind() == kind && notice.principal() == principal_text &&
           notice.chat_id() == chat_text;
  });
  if (same != open_.end()) {
    open_.splice(open_.end(), open_, same);
  } else {
    MakeRoom();
    v1::OwnerNotice& notice = open_.emplace_back();
    notice.set_id(NewNoticeId());
    notice.set_kind(kind);
    notice.set_principal(principal_text);
    notice.set_chat_id(chat_text);
  }
  v1::OwnerNotice& notice = open_.back();
  *notice.mutable_notice_time() = ToProto(clock_.Now());
  notice.set_text(std::move(text));
  notice.set_count(notice.count() + count);
  unwritten_.insert(notice.id());
  const auto shown = shown_.find(notice.id());
  const bool again =
      shown == shown_.end() || clock_.Elapsed() - shown->second > kNotificationRepeat;
  if (again) unshown_.insert(notice.id());
  // A new notice goes to disk at once; the counts of a storm do not.
  if (same == open_.end()) last_written_ = -absl::InfiniteDuration();
  changed_.NotifyAll();
}

void OwnerNotices::MakeRoom() {
  if (open_.size() < kOwnerNoticesMax) return;
  // The oldest of the kind that there is most of: a flood of one kind drowns no other.
  std::map<v1::OwnerNotice::Kind, size_t> counts;
  for (const v1::OwnerNotice& notice : open_) ++counts[notice.kind()];
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto oldest = std::find_if(open_.begin(), open_.end(), [&](const v1::OwnerNotice& notice) {
    return notice.kind() == most->first;
  });
  const std::string id = oldest->id();
  Forget(id);
  unwritten_.insert(id);
}

void OwnerNotices::Forget(const std::string& id) {
  std::erase_if(open_, [&](const v1::OwnerNotice& notice) { return notice.id() == id; });
  unwritten_.erase(id);
  unshown_.erase(id);
  shown_.erase(id);
}

absl::Status OwnerNotices::Keep() { return WriteChanges(); }

std::vector<v1::OwnerNotice> OwnerNotices::Open() const {
  platform::MutexLock lock(mutex_);
  return {open_.rbegin(), open_.rend()};
}

absl::Status OwnerNotices::Dismiss(const std::vector<std::string>& ids) {
  platform::MutexLock writing(write_mutex_);
  std::vector<std::string> gone = ids;
  if (gone.empty()) {
    platform::MutexLock lock(mutex_);
    for (const v1::OwnerNotice& notice : open_) gone.push_back(notice.id());
  }
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const std::string& id : gone) {
      RETURN_IF_ERROR(database.Run("DELETE FROM owner_notices WHERE id = ?", id));
    }
    return absl::OkStatus();
  }));
  platform::MutexLock lock(mutex_);
  for (const std::string& id : gone) Forget(id);
  return absl::OkStatus();
}

absl::Status OwnerNotices::WriteChanges() {
  platform::MutexLock writing(write_mutex_);
  absl::flat_hash_set<std::string> gone;
  std::vector<v1::OwnerNotice> changed;
  {
    platform::MutexLock lock(mutex_);
    last_written_ = clock_.Elapsed();
    std::swap(gone, unwritten_);
    for (const v1::OwnerNotice& notice : open_) {
      if (gone.erase(notice.id()) > 0) changed.push_back(notice);
    }
  }
  if (gone.empty() && changed.empty()) return absl::OkStatus();
  const absl::Status written = store_.Write([&](Database& database) -> absl::Status {
    for (const std::string& id : gone) {
      RETURN_IF_ERROR(database.Run("DELETE FROM owner_notices WHERE id = ?", id));
    }
    for (const v1::OwnerNotice& notice : changed) {
      RETURN_IF_ERROR(database.Run("INSERT OR REPLACE INTO owner_notices(id, record) VALUES(?, ?)",
                                   notice.id(), Blob{notice.SerializeAsString()}));
    }
    return absl::OkStatus();
  });
  if (written.ok()) return written;
  // They stay in memory, and go to disk with the next one.
  spdlog::error("event=owner_notice_not_stored code={}", static_cast<int>(written.code()));
  platform::MutexLock lock(mutex_);
  unwritten_.insert(gone.begin(), gone.end());
  for (const v1::OwnerNotice& notice : changed) unwritten_.insert(notice.id());
  return written;
}

absl::Duration OwnerNotices::UntilNotification() const {
  if (unshown_.empty()) return absl::InfiniteDuration();
  return std::max(absl::ZeroDuration(), last_shown_ + kNotificationInterval - clock_.Elapsed());
}

absl::Duration OwnerNotices::UntilWrite() const {
  if (unwritten_.empty()) return absl::InfiniteDuration();
  return std::max(absl::ZeroDuration(), last_written_ + kNoticeWriteInterval - clock_.Elapsed());
}

void OwnerNotices::Show() {
  std::vector<v1::OwnerNotice> shown;
  {
    platform::MutexLock lock(mutex_);
    if (UntilNotification() > absl::ZeroDuration()) return;
    for (const v1::OwnerNotice& notice : open_) {
      if (unshown_.contains(notice.id())) shown.push_back(notice);
    }
    unshown_.clear();
    last_shown_ = clock_.Elapsed();
    for (const v1::OwnerNotice& notice : shown) shown_[notice.id()] = last_shown_;
  }
  if (shown.empty()) return;
  absl::Status taken = absl::UnavailableError("no notifier");
  if (notifier_ != nullptr) {
    taken = notifier_->Notify(
        shown.size() == 1 ? shown.front().text()
                          : absl::StrCat(shown.size(),
                                         " things need your attention. Open Postern Settings, or "
                                         "run: postern status"),
        stop_notifier_);
  }
  if (taken.ok()) return;
  for (const v1::OwnerNotice& notice : shown) {
    spdlog::warn("event=owner_notice kind={} count={}", KindName(notice.kind()), notice.count());
  }
}

void OwnerNotices::Loop() {
  while (true) {
    {
      platform::MutexLock lock(mutex_);
      absl::Duration wait;
      while (!stopping_ &&
             (wait = std::min(UntilNotification(), UntilWrite())) > absl::ZeroDuration()) {
        if (wait == absl::InfiniteDuration()) {
          changed_.Wait(mutex_);
        } else {
          changed_.WaitFor(mutex_, wait);
        }
      }
      if (stopping_) break;
    }
    // What fails is in the journal, and tried again.
    WriteChanges().IgnoreError();
    Show();
  }
  WriteChanges().IgnoreError();
}

}  // namespace postern::broker
