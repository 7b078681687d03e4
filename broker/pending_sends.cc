// SPDX-License-Identifier: Apache-2.0
#include "broker/pending_sends.h"

#include <utility>

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::MessageId;

// Stored: never change the numbers. Above these, the outcome's own number follows.
constexpr int kWaiting = -1;
constexpr int kAsked = 0;
constexpr int kBegun = 1;
constexpr int kEnded = 2;

PendingSends::Outcome OutcomeOf(int64_t state) {
  if (state == kAsked) return v1::RequestCompleted::OUTCOME_REFUSED;
  const int64_t number = state - kEnded;
  if (state == kBegun || !v1::RequestCompleted::Outcome_IsValid(static_cast<int>(number))) {
    return v1::RequestCompleted::OUTCOME_UNKNOWN;
  }
  return static_cast<PendingSends::Outcome>(number);
}

// What a row says beside its state.
struct Rest {
  MessageId message;
  std::string command_id;
  absl::Time time = absl::UnixEpoch();
  std::string error;
};

absl::Status Put(Store& store, const PendingSends::Ask& ask, int state, const Rest& rest = {}) {
  return store.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO pending_sends(principal, request_id, account, chat, state, "
        "message, command_id, time, error) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        Blob{ask.principal.view()}, ask.request_id, Blob{ask.account.view()}, Blob{ask.chat.view()},
        state, Blob{rest.message.view()}, rest.command_id, absl::ToUnixSeconds(rest.time),
        Blob{rest.error});
  });
}

PendingSends::Ask AskOf(Statement& row) {
  PendingSends::Ask ask;
  ask.principal = permissions::Principal::FromRaw(row.Bytes(0));
  ask.request_id = std::string(row.Text(1));
  ask.account = permissions::AccountId::FromRaw(row.Bytes(2));
  ask.chat = permissions::ChatId::FromRaw(row.Bytes(3));
  return ask;
}

}  // namespace

absl::Status PendingSends::Add(const Ask& ask) { return Put(store_, ask, kAsked); }

absl::Status PendingSends::Begin(const Ask& ask) { return Put(store_, ask, kBegun); }

absl::Status PendingSends::Wait(const Waiting& waiting) {
  return Put(store_, waiting.ask, kWaiting, {{}, waiting.command_id, waiting.since, {}});
}

absl::Status PendingSends::End(const Ended& ended) {
  return Put(store_, ended.ask, kEnded + static_cast<int>(ended.outcome),
             {ended.message, {}, absl::UnixEpoch(), ended.error.SerializeAsString()});
}

absl::Status PendingSends::Remove(const Ask& ask) {
  return store_.Write([&](Database& database) {
    return database.Run("DELETE FROM pending_sends WHERE principal = ? AND request_id = ?",
                        Blob{ask.principal.view()}, ask.request_id);
  });
}

absl::StatusOr<std::vector<PendingSends::Ended>> PendingSends::LeftBehind() {
  std::vector<Ended> left;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT principal, request_id, account, chat, state, "
                                      "message, error FROM pending_sends WHERE state != ?"));
    rows.BindAll(kWaiting);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      Ended ended;
      ended.ask = AskOf(rows);
      ended.outcome = OutcomeOf(rows.Integer(4));
      ended.message = MessageId::FromRaw(rows.Bytes(5));
      // What cannot be read is told without its reason.
      if (!ended.error.ParseFromString(std::string(rows.Bytes(6)))) ended.error.Clear();
      left.push_back(std::move(ended));
    }
  }));
  return left;
}

absl::StatusOr<std::vector<PendingSends::Waiting>> PendingSends::StillWaiting() {
  std::vector<Waiting> waiting;
  RETURN_IF_ERROR(store_.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement rows,
                     database.Prepare("SELECT principal, request_id, account, chat, command_id, "
                                      "time FROM pending_sends WHERE state = ?"));
    rows.BindAll(kWaiting);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      waiting.push_back(
          {AskOf(rows), std::string(rows.Text(4)), absl::FromUnixSeconds(rows.Integer(5))});
    }
  }));
  return waiting;
}

}  // namespace postern::broker
