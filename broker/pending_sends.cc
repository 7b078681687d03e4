// SPDX-License-Identifier: Apache-2.0
#include "broker/pending_sends.h"

#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::MessageId;

// Stored: never change the numbers. Above these, the outcome's own number follows.
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

absl::Status SetState(Store& store, const PendingSends::Ask& ask, int state, MessageId message) {
  return store.Write([&](Database& database) {
    return database.Run(
        "INSERT OR REPLACE INTO pending_sends(principal, request_id, account, chat, state, "
        "message) "
        "VALUES(?, ?, ?, ?, ?, ?)",
        Blob{ask.principal.view()}, ask.request_id, Blob{ask.account.view()}, Blob{ask.chat.view()},
        state, Blob{message.view()});
  });
}

}  // namespace

absl::Status PendingSends::Add(const Ask& ask) { return SetState(store_, ask, kAsked, {}); }

absl::Status PendingSends::Begin(const Ask& ask) { return SetState(store_, ask, kBegun, {}); }

absl::Status PendingSends::End(const Ended& ended) {
  return SetState(store_, ended.ask, kEnded + static_cast<int>(ended.outcome), ended.message);
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
                     database.Prepare("SELECT principal, request_id, account, chat, state, message "
                                      "FROM pending_sends"));
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) return absl::OkStatus();
      Ended ended;
      ended.ask.principal = permissions::Principal::FromRaw(rows.Bytes(0));
      ended.ask.request_id = std::string(rows.Text(1));
      ended.ask.account = permissions::AccountId::FromRaw(rows.Bytes(2));
      ended.ask.chat = permissions::ChatId::FromRaw(rows.Bytes(3));
      ended.outcome = OutcomeOf(rows.Integer(4));
      ended.message = MessageId::FromRaw(rows.Bytes(5));
      left.push_back(std::move(ended));
    }
  }));
  return left;
}

}  // namespace postern::broker
