// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/reporter.h"

#include <absl/strings/str_cat.h>
#include <glib.h>

namespace postern::purple {

void Reporter::Hand(const v1::Event& event, const std::string& command_id) {
  if (lost_events_ > 0 && outlet_.Submit(maker_.Gap(lost_events_, 0)).ok()) lost_events_ = 0;
  const absl::Status status = outlet_.Submit(event, command_id);
  if (status.ok()) return;
  ++lost_events_;
  g_warning("an event could not be kept: %s", absl::StatusCodeToString(status.code()).c_str());
}

void Reporter::Answer(const v1::CommandResult& result, const std::vector<v1::Event>& events) {
  const absl::Status status = outlet_.Answer(result, events);
  if (status.ok()) return;
  lost_events_ += events.size();
  g_warning("a command could not be answered: %s", absl::StatusCodeToString(status.code()).c_str());
}

void Reporter::Done(const std::string& command_id, const std::vector<v1::Event>& events) {
  v1::CommandResult result;
  result.set_command_id(command_id);
  result.set_state(v1::CommandResult::STATE_SENT);
  Answer(result, events);
}

void Reporter::Fail(const std::string& command_id, std::string_view reason,
                    std::string_view missing_capability) {
  v1::CommandResult result;
  result.set_command_id(command_id);
  result.set_state(v1::CommandResult::STATE_FAILED);
  result.set_reason(std::string(reason));
  result.set_missing_capability(std::string(missing_capability));
  Answer(result);
}

void Reporter::FailForNow(const std::string& command_id, std::string_view reason) {
  v1::CommandResult result;
  result.set_command_id(command_id);
  result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
  result.set_reason(std::string(reason));
  Answer(result);
}

void Reporter::Refuse(const std::string& command_id, std::string_view what,
                      const StanzaError& error) {
  std::string reason = absl::StrCat(std::string(what), ": ",
                                    error.condition.empty() ? "no answer came" : error.condition);
  if (!error.text.empty()) absl::StrAppend(&reason, ": ", error.text);
  if (error.retriable) return FailForNow(command_id, reason);
  Fail(command_id, reason);
}

}  // namespace postern::purple
