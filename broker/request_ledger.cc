// SPDX-License-Identifier: Apache-2.0
#include "broker/request_ledger.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>

#include <optional>
#include <vector>

#include "broker/absl_text.h"
#include "broker/limits.h"
#include "broker/request_check.h"
#include "broker/rpc_status.h"
#include "platform/digest.h"
#include "platform/status_macros.h"
#include "postern/v1/error_reason.pb.h"

namespace postern::broker {
namespace {

using permissions::Principal;

// Old requests are thrown out this often: a daemon runs for months.
constexpr absl::Duration kPruneInterval = absl::Hours(1);

// Stored: never change the numbers.
enum class State : int { kBegun = 0, kAnswered = 1, kRefused = 2, kUnknown = 3 };

struct Entry {
  std::string method;
  std::string digest;
  State state = State::kBegun;
  std::string response;
};

std::string DigestOf(std::string_view method, const google::protobuf::MessageLite& request) {
  return platform::Sha256(absl::StrCat(AbslText(method), "\n", request.SerializeAsString()));
}

absl::Status Conflict(std::string_view message) {
  return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT, message);
}

absl::Status Unknown() {
  return ReasonStatus(absl::StatusCode::kUnknown, v1::ERROR_REASON_OUTCOME_UNKNOWN,
                      "this request was cut; whether it took effect is not known, and it is not "
                      "repeated; look before you send it under a new request id");
}

// A refusal as it is kept: the wire form, since that is what the caller was told.
std::string Pack(const absl::Status& status) {
  const grpc::Status wire = ToGrpc(status);
  v1::RpcStatus packed;
  if (!packed.ParseFromString(wire.error_details())) packed.Clear();
  packed.set_code(wire.error_code());
  packed.set_message(wire.error_message());
  return packed.SerializeAsString();
}

absl::Status Unpack(const std::string& bytes) {
  v1::RpcStatus packed;
  v1::ErrorInfo info;
  if (!packed.ParseFromString(bytes) || packed.details().empty() ||
      !info.ParseFromString(packed.details(0).value())) {
    return Unknown();
  }
  v1::ErrorReason reason;
  if (!v1::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", info.reason()), &reason)) {
    return Unknown();
  }
  ErrorMetadata metadata;
  for (const auto& [name, value] : info.metadata()) metadata.emplace_back(name, value);
  return ReasonStatus(static_cast<absl::StatusCode>(packed.code()), reason, packed.message(),
                      metadata);
}

absl::StatusOr<std::optional<Entry>> Find(Store& store, const Principal& principal,
                                          const std::string& request_id) {
  std::optional<Entry> entry;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row,
                     database.Prepare("SELECT method, digest, state, response FROM requests "
                                      "WHERE principal = ? AND request_id = ?"));
    row.BindAll(Blob{principal.view()}, request_id);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) {
      entry = Entry{std::string(row.Text(0)), std::string(row.Bytes(1)),
                    static_cast<State>(row.Integer(2)), std::string(row.Bytes(3))};
    }
    return absl::OkStatus();
  }));
  return entry;
}

// Throws out what is older than kRequestMemory, and of a principal with more than
// kRequestsPerAppMax the oldest; never what still runs.
absl::Status Prune(Database& database, absl::Time now) {
  RETURN_IF_ERROR(database.Run("DELETE FROM requests WHERE create_time < ?",
                               absl::ToUnixSeconds(now - kRequestMemory)));
  std::vector<std::string> busy;
  {
    ASSIGN_OR_RETURN(Statement counts,
                     database.Prepare("SELECT principal FROM requests GROUP BY principal "
                                      "HAVING COUNT(*) > ?"));
    counts.BindAll(kRequestsPerAppMax);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, counts.Step());
      if (!more) break;
      busy.emplace_back(counts.Bytes(0));
    }
  }
  for (const std::string& principal : busy) {
    RETURN_IF_ERROR(database.Run(
        "DELETE FROM requests WHERE principal = ?1 AND state != ?2 AND create_time < "
        "(SELECT create_time FROM requests WHERE principal = ?1 ORDER BY create_time DESC "
        "LIMIT 1 OFFSET ?3)",
        Blob{principal}, static_cast<int>(State::kBegun), kRequestsPerAppMax));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<RequestLedger>> RequestLedger::Open(Store& store,
                                                                   const platform::Clock& clock) {
  RETURN_IF_ERROR(store.Write([&](Database& database) {
    return database.Run("UPDATE requests SET state = ? WHERE state = ?",
                        static_cast<int>(State::kUnknown), static_cast<int>(State::kBegun));
  }));
  return std::unique_ptr<RequestLedger>(new RequestLedger(store, clock));
}

bool RequestLedger::TakePruneTurn() {
  const absl::Time now = clock_.Now();
  platform::MutexLock lock(mutex_);
  if (now - pruned_time_ < kPruneInterval) return false;
  pruned_time_ = now;
  return true;
}

absl::Status RequestLedger::Once(const Principal& principal, std::string_view method,
                                 const std::string& request_id,
                                 const google::protobuf::MessageLite& request,
                                 google::protobuf::MessageLite& response,
                                 absl::FunctionRef<absl::Status()> admit,
                                 absl::FunctionRef<absl::Status()> action) {
  RETURN_IF_ERROR(CheckRequestId(request_id));
  const std::string running_key = absl::StrCat(AbslText(principal.view()), request_id);
  {
    platform::MutexLock lock(mutex_);
    if (!running_.insert(running_key).second) {
      return Conflict("the first call with this request id still runs; wait and ask again");
    }
  }
  const absl::Cleanup leave = [&] {
    platform::MutexLock lock(mutex_);
    running_.erase(running_key);
  };

  const std::string digest = DigestOf(method, request);
  ASSIGN_OR_RETURN(const std::optional<Entry> known, Find(store_, principal, request_id));
  if (known.has_value()) {
    if (known->method != method || known->digest != digest) {
      return Conflict("this request id was used for another request; take a new one");
    }
    switch (known->state) {
      case State::kAnswered:
        return response.ParseFromString(known->response) ? absl::OkStatus() : Unknown();
      case State::kRefused:
        return Unpack(known->response);
      default:
        return Unknown();
    }
  }

  RETURN_IF_ERROR(admit());
  // Begun is durable before anything happens: after a crash the outcome is unknown, never repeated.
  const bool prune = TakePruneTurn();
  const absl::Time now = clock_.Now();
  RETURN_IF_ERROR(store_.Write([&](Database& database) -> absl::Status {
    if (prune) {
      RETURN_IF_ERROR(Prune(database, now));
    }
    return database.Run(
        "INSERT INTO requests(principal, request_id, method, digest, state, response, create_time) "
        "VALUES(?, ?, ?, ?, ?, NULL, ?)",
        Blob{principal.view()}, request_id, method, Blob{digest}, static_cast<int>(State::kBegun),
        absl::ToUnixSeconds(now));
  }));
  const absl::Status status = action();
  const bool had_effect = status.ok() || status.code() == absl::StatusCode::kUnknown ||
                          status.code() == absl::StatusCode::kFailedPrecondition;
  if (!had_effect) {
    RETURN_IF_ERROR(store_.Write([&](Database& database) {
      return database.Run("DELETE FROM requests WHERE principal = ? AND request_id = ?",
                          Blob{principal.view()}, request_id);
    }));
    return status;
  }
  const State state = status.ok()                                   ? State::kAnswered
                      : status.code() == absl::StatusCode::kUnknown ? State::kUnknown
                                                                    : State::kRefused;
  const std::string answer = status.ok() ? response.SerializeAsString() : Pack(status);
  RETURN_IF_ERROR(store_.Write([&](Database& database) {
    return database.Run(
        "UPDATE requests SET state = ?, response = ? WHERE principal = ? AND request_id = ?",
        static_cast<int>(state), Blob{answer}, Blob{principal.view()}, request_id);
  }));
  return status;
}

}  // namespace postern::broker
