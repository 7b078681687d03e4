// SPDX-License-Identifier: Apache-2.0
#include "broker/chat_notices.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "broker/absl_text.h"
#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/proto_time.h"
#include "platform/secret_bytes.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using storage::v1::Notice;

// No '.': an id with one names the app that caused it (command_id.h), and no app did.
constexpr std::string_view kIdPrefix = "notice-";
// Answers are forgotten once they are over: nothing asks for them again.
constexpr std::string_view kAnswerPrefix = "notice-answer-";

bool IsOver(const Notice& notice) {
  return notice.state() == Notice::STATE_POSTED || notice.state() == Notice::STATE_FAILED;
}

}  // namespace

ChatNotices::ChatNotices(Store& store, AdapterTable& adapters, const Directory& directory,
                         const platform::Clock& clock)
    : store_(store),
      adapters_(adapters),
      directory_(directory),
      clock_(clock),
      names_(store.DeriveKey("postern notice ids")) {}

absl::StatusOr<std::unique_ptr<ChatNotices>> ChatNotices::Open(Store& store, AdapterTable& adapters,
                                                               const Directory& directory,
                                                               const platform::Clock& clock) {
  std::unique_ptr<ChatNotices> notices(new ChatNotices(store, adapters, directory, clock));
  RETURN_IF_ERROR(notices->Load());
  return notices;
}

absl::Status ChatNotices::Load() {
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT command_id, record FROM chat_notices"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      Entry entry;
      if (!entry.notice.ParseFromString(std::string(rows.Bytes(1)))) {
        return absl::DataLossError("a stored notice is unreadable");
      }
      entry.account = IdFromText<AccountId>(entry.notice.account_id());
      entry.chat = IdFromText<ChatId>(entry.notice.chat_id());
      const std::string id(rows.Text(0));
      order_.push_back(id);
      entries_[id] = std::move(entry);
    }
  }));
  std::sort(order_.begin(), order_.end(), [&](const std::string& a, const std::string& b) {
    return FromProto(entries_.at(a).notice.create_time()) <
           FromProto(entries_.at(b).notice.create_time());
  });
  return absl::OkStatus();
}

std::string ChatNotices::CommandId(ChatId chat, uint64_t number) const {
  const auto name = names_.Of(chat.view(), absl::StrCat(number));
  return absl::StrCat(AbslText(kIdPrefix), absl::BytesToHexString(absl::string_view(
                                               reinterpret_cast<const char*>(name.data()), 16)));
}

bool ChatNotices::IsNoticeId(std::string_view command_id) {
  return command_id.starts_with(kIdPrefix);
}

absl::Status ChatNotices::Write(const std::string& command_id, const Notice& notice) {
  const std::string record = notice.SerializeAsString();
  return store_.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO chat_notices(command_id, record) VALUES(?, ?)",
                        command_id, Blob{record});
  });
}

absl::Status ChatNotices::SetState(const std::string& command_id, Notice::State state) {
  Notice next = entries_.at(command_id).notice;
  next.set_state(state);
  if (IsOver(next) && command_id.starts_with(kAnswerPrefix)) {
    RETURN_IF_ERROR(store_.Write([&](Database& database) {
      return database.Run("DELETE FROM chat_notices WHERE command_id = ?", command_id);
    }));
    std::erase(order_, std::string(command_id));
    entries_.erase(std::string(command_id));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(Write(command_id, next));
  entries_.at(command_id).notice = std::move(next);
  return absl::OkStatus();
}

absl::Status ChatNotices::Add(AccountId account, ChatId chat, uint64_t number,
                              const std::string& text, std::string_view objection_word) {
  const std::string id = CommandId(chat, number);
  if (entries_.contains(id)) return absl::OkStatus();
  Entry entry{.account = account, .chat = chat, .notice = {}, .due = clock_.Elapsed()};
  entry.notice.set_text(text);
  entry.notice.set_objection_word(std::string(objection_word));
  std::vector<std::string> over;
  for (const auto& [other_id, other] : entries_) {
    if (other.chat == chat && IsOver(other.notice)) over.push_back(other_id);
  }
  return Insert(id, std::move(entry), over);
}

absl::Status ChatNotices::AddAnswer(AccountId account, ChatId chat, const std::string& text) {
  std::array<uint8_t, 16> random;
  platform::FillRandom(random);
  const std::string id = absl::StrCat(
      AbslText(kAnswerPrefix), absl::BytesToHexString(absl::string_view(
                                   reinterpret_cast<const char*>(random.data()), random.size())));
  Entry entry{.account = account, .chat = chat, .notice = {}, .due = clock_.Elapsed()};
  entry.notice.set_text(text);
  return Insert(id, std::move(entry), {});
}

absl::Status ChatNotices::Insert(const std::string& id, Entry entry,
                                 const std::vector<std::string>& over) {
  entry.notice.set_account_id(IdText(entry.account));
  entry.notice.set_chat_id(IdText(entry.chat));
  *entry.notice.mutable_create_time() = ToProto(clock_.Now());
  const std::string record = entry.notice.SerializeAsString();
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const std::string& other : over) {
      RETURN_IF_ERROR(database.Run("DELETE FROM chat_notices WHERE command_id = ?", other));
    }
    return database.Run("INSERT INTO chat_notices(command_id, record) VALUES(?, ?)", id,
                        Blob{record});
  }));
  for (const std::string& other : over) {
    entries_.erase(other);
    std::erase(order_, other);
  }
  order_.push_back(id);
  entries_[id] = std::move(entry);
  return absl::OkStatus();
}

bool ChatNotices::IsPosted(ChatId chat, uint64_t number) const {
  const auto it = entries_.find(CommandId(chat, number));
  return it != entries_.end() && it->second.notice.state() == Notice::STATE_POSTED;
}

absl::Status ChatNotices::Forget(ChatId chat) {
  std::vector<std::string> gone;
  for (const auto& [id, entry] : entries_) {
    if (entry.chat == chat) gone.push_back(id);
  }
  if (gone.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    for (const std::string& id : gone) {
      RETURN_IF_ERROR(database.Run("DELETE FROM chat_notices WHERE command_id = ?", id));
    }
    return absl::OkStatus();
  }));
  for (const std::string& id : gone) {
    entries_.erase(id);
    std::erase(order_, id);
  }
  return absl::OkStatus();
}

void ChatNotices::Attached(AccountId account) {
  platform::MutexLock lock(mutex_);
  if (std::find(attached_.begin(), attached_.end(), account) == attached_.end()) {
    attached_.push_back(account);
  }
}

bool ChatNotices::Completed(AccountId account, const v1::CommandResult& result) {
  if (!IsNoticeId(result.command_id())) return false;
  platform::MutexLock lock(mutex_);
  // An adapter that answers what it was not asked is not kept waiting for.
  if (results_.size() < kAdapterOutboxMax) results_.emplace_back(account, result);
  return true;
}

absl::Status ChatNotices::TakeResults(absl::Duration now) {
  decltype(results_) results;
  decltype(attached_) attached;
  {
    platform::MutexLock lock(mutex_);
    results.swap(results_);
    attached.swap(attached_);
  }
  for (const auto& [account, result] : results) {
    const auto it = entries_.find(result.command_id());
    if (it == entries_.end() || it->second.account != account || IsOver(it->second.notice)) {
      continue;
    }
    Line& line = lines_[account];
    if (line.on_its_way == result.command_id()) line.on_its_way.clear();
    switch (result.state()) {
      case v1::CommandResult::STATE_SENT:
      case v1::CommandResult::STATE_PENDING:
        RETURN_IF_ERROR(SetState(result.command_id(), Notice::STATE_POSTED));
        break;
      case v1::CommandResult::STATE_FAILED_RETRIABLE:
        it->second.due = now + kNoticeRetry;
        break;
      default:
        spdlog::warn("event=notice_not_posted state={}", static_cast<int>(result.state()));
        RETURN_IF_ERROR(SetState(result.command_id(), Notice::STATE_FAILED));
        break;
    }
  }
  // What an adapter that is gone had in hand, the new one is asked for.
  for (const AccountId& account : attached) lines_[account].on_its_way.clear();
  return absl::OkStatus();
}

absl::Status ChatNotices::HandOver(AccountId account, Line& line, absl::Duration now) {
  if (!line.on_its_way.empty()) {
    if (now < line.give_up) return absl::OkStatus();
    // It may be in the chat: it is not sent again.
    const std::string late = std::exchange(line.on_its_way, {});
    if (entries_.contains(late)) RETURN_IF_ERROR(SetState(late, Notice::STATE_FAILED));
  }
  if (now < line.next) return absl::OkStatus();
  for (const std::string& id : order_) {
    const Entry& entry = entries_.at(id);
    if (entry.account != account || IsOver(entry.notice) || entry.due > now) continue;
    const std::optional<std::string> chat = directory_.RemoteChatId(entry.chat);
    if (!chat.has_value() || !adapters_.IsAttached(account)) continue;
    RETURN_IF_ERROR(SetState(id, Notice::STATE_SENDING));
    v1::AttachResponse response;
    v1::Command& command = *response.mutable_command();
    command.set_command_id(id);
    command.mutable_post_notice()->set_chat_id(*chat);
    command.mutable_post_notice()->set_text(entry.notice.text());
    command.mutable_post_notice()->set_objection_word(entry.notice.objection_word());
    if (!adapters_.Tell(account, std::move(response))) return absl::OkStatus();
    line.on_its_way = id;
    line.give_up = now + kNoticeAnswerMax;
    line.next = now + kNoticeSpacing;
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Duration> ChatNotices::Work() {
  const absl::Duration now = clock_.Elapsed();
  RETURN_IF_ERROR(TakeResults(now));
  for (const auto& [id, entry] : entries_) lines_.try_emplace(entry.account);
  absl::Duration wait = absl::InfiniteDuration();
  for (auto& [account, line] : lines_) {
    RETURN_IF_ERROR(HandOver(account, line, now));
    if (!line.on_its_way.empty()) {
      wait = std::min(wait, line.give_up - now);
      continue;
    }
    if (!adapters_.IsAttached(account)) continue;
    for (const auto& [id, entry] : entries_) {
      if (entry.account != account || IsOver(entry.notice)) continue;
      wait = std::min(wait, std::max(entry.due, line.next) - now);
    }
  }
  return wait;
}

}  // namespace postern::broker
