// SPDX-License-Identifier: Apache-2.0
// Which rows of the access history a person asks for, and what a row says in words.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "clients/postern/command.h"
#include "clients/postern/owner.h"
#include "postern/v1/owner_service.pb.h"

namespace postern::cli {

// Rows that a page of `audit export` and of a comparison holds: the most that the broker gives.
inline constexpr int kAuditPageSize = 500;

// The options that `audit list` and `audit export` share.
struct AuditFilter {
  std::string app;
  std::string chat;
  std::vector<std::string> verbs;
  std::string since;
  std::string until;

  void AddTo(CLI::App& command);
  // Finds what the options name. INVALID_ARGUMENT when there is no such thing.
  absl::StatusOr<v1::ListAccessHistoryRequest> Request(Owner& owner) const;
};

// The word of `--verb`: "read", "send", "refused".
std::string VerbName(v1::AccessVerb verb);
// What was done, as a table says it: "read", "sent a message", "was refused".
std::string_view VerbText(v1::AccessVerb verb);

// The owner's names of chats, by id.
absl::StatusOr<std::map<std::string, std::string>> ChatNames(Owner& owner);

// Whether the row has its place: the counts of the minute at hand have none yet.
inline bool IsWritten(const v1::AccessEntry& entry) { return entry.sequence() != 0; }

}  // namespace postern::cli
