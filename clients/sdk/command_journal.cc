// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/command_journal.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <string>
#include <utility>

#include "platform/status_macros.h"

namespace postern::sdk {
namespace {

// Answers given so lately are given again when a session begins: the last one may have lost them.
constexpr absl::Duration kAnswersRepeated = absl::Minutes(10);
constexpr int kAnswersRepeatedMax = 256;

}  // namespace

bool CommandJournal::IsFinal(v1::CommandResult::State state) {
  return state == v1::CommandResult::STATE_SENT || state == v1::CommandResult::STATE_FAILED ||
         state == v1::CommandResult::STATE_UNKNOWN;
}

absl::Status CommandJournal::AnswerCut() {
  ASSIGN_OR_RETURN(const auto ids, spool_.OpenCommands());
  for (const std::string& id : ids) {
    v1::CommandResult result;
    result.set_command_id(id);
    result.set_state(v1::CommandResult::STATE_UNKNOWN);
    result.set_reason("the adapter stopped while it was carried out");
    std::vector<SpooledEvent> none;
    RETURN_IF_ERROR(spool_.AnswerCommand(id, result.SerializeAsString(), true, none).status());
  }
  return absl::OkStatus();
}

CommandJournal::Next CommandJournal::Begin(const v1::Command& command) {
  const auto record = spool_.BeginCommand(command.command_id());
  v1::CommandResult result;
  if (!record.ok()) {
    result.set_command_id(command.command_id());
    result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
    result.set_reason("the adapter's journal cannot be written");
    return {false, std::move(result)};
  }
  if (record->state == CommandRecord::State::kNew) return {true, std::nullopt};
  if (record->state == CommandRecord::State::kRunning || !result.ParseFromString(record->result)) {
    return {false, std::nullopt};
  }
  return {false, std::move(result)};
}

absl::Status CommandJournal::Answer(const v1::CommandResult& result,
                                    std::vector<SpooledEvent>& events) {
  if (result.command_id().empty() || result.state() == v1::CommandResult::STATE_UNSPECIFIED) {
    return absl::InvalidArgumentError("a result needs a command_id and a state");
  }
  if (result.state() == v1::CommandResult::STATE_FAILED_RETRIABLE) {
    // Nothing happened, so the same id may be carried out when the broker asks again.
    if (!events.empty()) return absl::InvalidArgumentError("a failed command made no events");
    return spool_.ReleaseCommand(result.command_id());
  }
  return spool_
      .AnswerCommand(result.command_id(), result.SerializeAsString(), IsFinal(result.state()),
                     events)
      .status();
}

absl::StatusOr<std::vector<v1::CommandResult>> CommandJournal::Recent() {
  ASSIGN_OR_RETURN(const auto stored,
                   spool_.ResultsSince(absl::ToUnixSeconds(absl::Now() - kAnswersRepeated),
                                       kAnswersRepeatedMax));
  std::vector<v1::CommandResult> results;
  for (const std::string& bytes : stored) {
    v1::CommandResult result;
    if (result.ParseFromString(bytes)) results.push_back(std::move(result));
  }
  return results;
}

}  // namespace postern::sdk
