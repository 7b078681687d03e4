// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <vector>

#include "clients/sdk/spool.h"
#include "postern/v1/gatekeeper_service.pb.h"

namespace postern::sdk {

// Which commands were begun and how they were answered, in the spool: so that each is carried out
// once, whatever crashes, and its answer can be given again. Thread-safe as the spool is, which it
// borrows.
class CommandJournal {
 public:
  // What to do with a command that has come.
  struct Next {
    // It is new: carry it out.
    bool carry_out = false;
    // Otherwise: the answer to give now; nothing while the first time still runs.
    std::optional<v1::CommandResult> answer;
  };

  explicit CommandJournal(Spool& spool) : spool_(spool) {}

  // For the start: what a crash cut off may or may not have happened. Answers it so, and it is
  // never done again.
  absl::Status AnswerCut();
  // Notes that a command has come.
  Next Begin(const v1::Command& command);
  // Stores an answer with the events that the command made, in one commit. INVALID_ARGUMENT for an
  // answer without id or state; else as Spool::AnswerCommand.
  absl::Status Answer(const v1::CommandResult& result, std::vector<SpooledEvent>& events);
  // The answers of the last minutes, newest first: a session that broke may have lost them.
  absl::StatusOr<std::vector<v1::CommandResult>> Recent();

  // Whether no other answer follows.
  static bool IsFinal(v1::CommandResult::State state);

 private:
  Spool& spool_;
};

}  // namespace postern::sdk
