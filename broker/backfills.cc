// SPDX-License-Identifier: Apache-2.0
#include "broker/backfills.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/broker_event.h"
#include "broker/capabilities.h"
#include "broker/command_id.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/message_index.h"
#include "broker/open_chat.h"
#include "broker/proto_time.h"
#include "broker/request_check.h"
#include "broker/request_ledger.h"
#include "broker/request_outcome.h"
#include "broker/rpc_status.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "platform/awake_time.h"
#include "platform/status_macros.h"
#include "postern/storage/v1/stored_event.pb.h"

namespace postern::broker {
namespace {

using permissions::AccountId;
using permissions::ChatId;
using permissions::Principal;
using permissions::Scope;

absl::Status Full(std::string_view limit) {
  return ReasonStatus(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
                      "older history is being brought in already; ask again when that has ended",
                      {{"limit", std::string(limit)}, {"retry_after_seconds", "60"}});
}

absl::Status Silent() {
  return ReasonStatus(absl::StatusCode::kUnavailable, v1::ERROR_REASON_GATEKEEPER_RETRY,
                      "the gatekeeper stopped in the middle; ask again for the rest");
}

// How far back the app's grants reach in this chat.
absl::Time HistoryStart(const Viewer& viewer, const permissions::ObjectFacts& facts) {
  absl::Time start = absl::InfiniteFuture();
  for (const permissions::Grant& grant : viewer.access.grants) {
    const permissions::Access one{
        {&grant, 1}, viewer.access.paused, viewer.access.session_unlocked};
    if (Decide(one, Scope::kMessagesHistory, facts, viewer.now) == permissions::Verdict::kAllowed) {
      start = std::min(start, grant.history_start_time);
    }
  }
  return start;
}

// What the network calls the oldest message of the chat that is here; empty when none is.
absl::StatusOr<std::string> OldestMessage(const Parts& parts, ChatId chat) {
  if (const absl::Status status = parts.index.CatchUp(parts.log.last_sequence(), kIndexWait);
      !status.ok() && !absl::IsDeadlineExceeded(status)) {
    return status;
  }
  ASSIGN_OR_RETURN(const std::vector<MessageIndex::Entry> oldest,
                   parts.index.ListChatAfter(chat, 0, kPageSizeDefault));
  std::vector<Sequence> sequences;
  for (const MessageIndex::Entry& entry : oldest) sequences.push_back(entry.sequence);
  ASSIGN_OR_RETURN(const std::vector<RecordPointer> records, parts.log.Read(sequences));
  for (const RecordPointer& record : records) {
    // A deleted one no longer says what it was called.
    if (record == nullptr || record->erased()) continue;
    storage::v1::StoredEvent stored;
    if (!stored.ParseFromString(record->body)) {
      return absl::DataLossError("a stored event is unreadable");
    }
    if (!stored.remote_message_id().empty()) return stored.remote_message_id();
  }
  return std::string();
}

bool IsEnd(const v1::CommandResult& result) {
  return result.state() != v1::CommandResult::STATE_PENDING;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Backfills>> Backfills::Open(const Parts& parts) {
  std::unique_ptr<Backfills> backfills(new Backfills(parts));
  RETURN_IF_ERROR(backfills->Load());
  parts.adapters.Follow(
      {[self = backfills.get()](AccountId account, const auto& result) {
         return self->Take(account, result);
       },
       [self = backfills.get()](AccountId account) { return self->AwaitedOf(account); }});
  return backfills;
}

absl::Status Backfills::Load() {
  absl::flat_hash_map<std::string, Run> running;
  RETURN_IF_ERROR(parts_.store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT principal, request_id, account, chat, command "
                                      "FROM backfills"));
    while (true) {
      ASSIGN_OR_RETURN(const bool row, rows.Step());
      if (!row) return absl::OkStatus();
      Run run;
      run.principal = Principal::FromRaw(rows.Bytes(0));
      run.request_id = std::string(rows.Text(1));
      run.account = AccountId::FromRaw(rows.Bytes(2));
      run.chat = ChatId::FromRaw(rows.Bytes(3));
      const std::string_view command = rows.Bytes(4);
      if (!run.command.ParseFromArray(command.data(), static_cast<int>(command.size()))) {
        return absl::DataLossError("a stored request for older history is unreadable");
      }
      run.sent = 1;
      running.emplace(run.command.command_id(), std::move(run));
    }
  }));
  platform::MutexLock lock(mutex_);
  running_ = std::move(running);
  return absl::OkStatus();
}

absl::Status Backfills::Write(const Run& run) {
  return parts_.store.Write([&run](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO backfills(command_id, principal, request_id, account, chat, "
        "command) VALUES(?, ?, ?, ?, ?, ?)",
        run.command.command_id(), Blob{run.principal.view()}, run.request_id,
        Blob{run.account.view()}, Blob{run.chat.view()}, Blob{run.command.SerializeAsString()});
  });
}

absl::StatusOr<Backfills::Run> Backfills::Prepare(const Asker& asker,
                                                  const v1::RequestBackfillRequest& request) const {
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request.chat_id())));
  ASSIGN_OR_RETURN(const OpenChat open,
                   FindOpenChat(parts_, asker, chat, Scope::kMessagesHistory, "chat_id"));
  RETURN_IF_ERROR(RequireWhole(parts_.directory.CapabilitiesOf(open.account, chat), "backfill"));
  RETURN_IF_ERROR(parts_.adapters.CheckServed(open.account));
  Run run;
  run.principal = asker.app->principal;
  run.request_id = request.request_id();
  run.account = open.account;
  run.chat = chat;
  run.command.set_command_id(NewCommandId(run.principal, {1, {}}));
  v1::BackfillCommand& command = *run.command.mutable_backfill();
  command.set_chat_id(open.remote_id);
  command.set_messages_max(request.messages_max() == 0
                               ? kBackfillMessagesDefault
                               : std::min(request.messages_max(), kBackfillMessagesMax));
  absl::Time start = HistoryStart(asker.viewer, open.facts);
  if (request.has_start_time()) start = std::max(start, FromProto(request.start_time()));
  if (start > absl::UnixEpoch()) *command.mutable_start_time() = ToProto(start);
  ASSIGN_OR_RETURN(*command.mutable_before_message_id(), OldestMessage(parts_, chat));
  return run;
}

absl::Status Backfills::CheckRoom(const Run& run) const {
  size_t own = 0;
  for (const auto& [id, other] : running_) {
    if (other.chat == run.chat) return Full("backfills_per_chat");
    if (other.principal == run.principal) ++own;
  }
  if (own >= kBackfillsPerAppMax) return Full("backfills_per_app");
  return running_.size() >= kBackfillsMax ? Full("backfills") : absl::OkStatus();
}

absl::Status Backfills::Begin(const Caller& caller, const v1::RequestBackfillRequest& request) {
  const Asker asker(parts_, caller);
  v1::RequestBackfillResponse response;
  std::optional<Run> run;
  return parts_.requests.Once(
      caller.principal, "RequestBackfill", request.request_id(), request, response,
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(run, Prepare(asker, request));
        {
          platform::MutexLock lock(mutex_);
          RETURN_IF_ERROR(CheckRoom(*run));
        }
        return parts_.limits.TakeWrite(caller.principal);
      },
      [&] { return Start(*std::move(run)); });
}

absl::Status Backfills::Start(Run run) {
  AccessRow row;
  row.verb = v1::ACCESS_VERB_WRITE;
  row.principal = run.principal;
  row.chat = run.chat;
  RETURN_IF_ERROR(parts_.accesses.Record(std::move(row)));
  const std::string id = run.command.command_id();
  const AccountId account = run.account;
  run.sent = 1;
  run.begins = true;
  v1::AttachResponse response;
  *response.mutable_command() = run.command;
  {
    platform::MutexLock lock(mutex_);
    RETURN_IF_ERROR(CheckRoom(run));
    running_.emplace(id, run);
  }
  absl::Status status = Write(run);
  if (status.ok() && !parts_.adapters.Tell(account, std::move(response))) {
    status = GatekeeperOffline();
  }
  const absl::Duration deadline = platform::AwakeTime() + kCommandTimeout;
  bool ended = !status.ok();
  {
    platform::MutexLock lock(mutex_);
    while (!ended && !stopping_) {
      const auto found = running_.find(id);
      if (found == running_.end() || !found->second.begins) break;
      const absl::Duration left = deadline - platform::AwakeTime();
      if (left <= absl::ZeroDuration()) break;
      changed_.WaitFor(mutex_, left);
    }
    const auto found = running_.find(id);
    if (found != running_.end()) {
      if (status.ok() && !found->second.begun.ok()) {
        status = found->second.begun;
        ended = true;
      }
      // From here on its end is told by an event.
      found->second.begins = false;
      if (ended) running_.erase(found);
    }
  }
  if (!ended) return absl::OkStatus();
  const absl::Status removed = parts_.store.Write([&](Database& database) {
    return database.Run("DELETE FROM backfills WHERE command_id = ?", id);
  });
  return removed.ok() ? status : removed;
}

bool Backfills::Take(AccountId account, const v1::CommandResult& result) {
  Run run;
  {
    platform::MutexLock lock(mutex_);
    const auto found = running_.find(result.command_id());
    if (found == running_.end() || found->second.account != account) return false;
    found->second.silent = absl::ZeroDuration();
    if (found->second.begins) {
      const absl::Status begun = Judge(result).status();
      if (!begun.ok() && !absl::IsUnknown(begun)) {
        // Begin, which waits, tells it.
        found->second.begun = begun;
        found->second.begins = false;
        changed_.NotifyAll();
        return true;
      }
      found->second.begins = false;
      changed_.NotifyAll();
    }
    run = found->second;
  }
  if (const absl::Status access = CheckAccess(run); !access.ok()) {
    End(result.command_id(), access);
    return true;
  }
  const uint32_t messages = std::max(run.told, result.backfilled_messages());
  const uint32_t step =
      std::max(uint32_t{1}, run.command.backfill().messages_max() / kBackfillProgressSteps);
  const bool done = result.state() == v1::CommandResult::STATE_SENT;
  if (done || messages >= run.told + step) {
    if (const absl::Status told = TellProgress(run, messages, done && result.backfill_complete());
        !told.ok()) {
      spdlog::warn("event=backfill_untold code={}", static_cast<int>(told.code()));
    } else {
      platform::MutexLock lock(mutex_);
      const auto found = running_.find(result.command_id());
      if (found != running_.end()) found->second.told = messages;
    }
  }
  if (!IsEnd(result)) return true;
  const absl::Status status = Judge(result).status();
  if (absl::IsUnknown(status) && Repeat(result.command_id())) return true;
  End(result.command_id(), status);
  return true;
}

std::vector<std::string> Backfills::AwaitedOf(AccountId account) const {
  std::vector<std::string> ids;
  platform::MutexLock lock(mutex_);
  for (const auto& [id, run] : running_) {
    if (run.account == account) ids.push_back(id);
  }
  return ids;
}

bool Backfills::Repeat(const std::string& command_id) {
  v1::AttachResponse response;
  AccountId account;
  {
    platform::MutexLock lock(mutex_);
    const auto found = running_.find(command_id);
    if (found == running_.end() || found->second.sent >= kBackfillAttemptsMax) return false;
    ++found->second.sent;
    account = found->second.account;
    *response.mutable_command() = found->second.command;
  }
  return parts_.adapters.Tell(account, std::move(response));
}

absl::Status Backfills::CheckAccess(const Run& run) const {
  const AppPointer app = parts_.apps.Find(run.principal);
  return VerdictStatus(Decide(parts_.apps.AccessOf(*app), Scope::kMessagesHistory,
                              parts_.directory.FactsOf(run.account, run.chat), parts_.clock.Now()),
                       Scope::kMessagesHistory);
}

absl::Status Backfills::TellProgress(const Run& run, uint32_t messages, bool complete) {
  v1::Event event;
  v1::BackfillProgress& progress = *event.mutable_backfill_progress();
  progress.set_request_id(run.request_id);
  progress.set_messages(messages);
  progress.set_complete(complete);
  EventLog::Batch batch;
  batch.account = run.account;
  batch.records.push_back(BrokerEvent(run.account, run.chat, std::move(event), run.principal,
                                      parts_.confirmed_clock.Now()));
  return parts_.log.Append(std::move(batch)).status();
}

absl::Status Backfills::TellEnd(const Run& run, const absl::Status& status) {
  RETURN_IF_ERROR(
      TellOutcome(parts_, EndedAs({run.principal, run.request_id, run.account, run.chat}, status)));
  return parts_.store.Write([&run](Database& database) {
    return database.Run("DELETE FROM backfills WHERE command_id = ?", run.command.command_id());
  });
}

void Backfills::End(const std::string& command_id, const absl::Status& status) {
  Run run;
  {
    platform::MutexLock lock(mutex_);
    const auto found = running_.find(command_id);
    if (found == running_.end()) return;
    run = std::move(found->second);
    running_.erase(found);
  }
  if (const absl::Status told = TellEnd(run, status); !told.ok()) {
    // Its row stays: after the next start the gatekeeper is asked once more.
    spdlog::warn("event=backfill_untold code={}", static_cast<int>(told.code()));
  }
}

void Backfills::EndSilent() {
  const absl::Duration now = parts_.clock.Elapsed();
  std::vector<std::string> silent;
  {
    platform::MutexLock lock(mutex_);
    const absl::Duration watched = silence_watch_.Look(now);
    silence_watch_.Plan(kUpkeepInterval);
    for (auto& [id, run] : running_) {
      run.silent += watched;
      if (!run.begins && run.silent >= kBackfillSilenceMax) silent.push_back(id);
    }
  }
  for (const std::string& id : silent) End(id, Silent());
}

void Backfills::Stop() {
  platform::MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

}  // namespace postern::broker
