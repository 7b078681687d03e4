// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/adapter_end.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "clients/conformance/compare.h"
#include "clients/conformance/ends.h"

namespace postern::conformance {
namespace {

// A client that signed on just now may have to fetch keys first, and says so.
constexpr int kTriesMax = 30;
constexpr absl::Duration kBetweenTries = absl::Seconds(1);

}  // namespace

absl::StatusOr<v1::CommandResult> RunCommand(Door& door, const v1::Command& command,
                                             const OfferedFile& file) {
  absl::StatusOr<v1::CommandResult> result;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    // A new name each time: what failed for now did not happen.
    result = command.has_upload() ? door.Upload(command.upload().chat_id(), file, kDriverWait)
                                  : door.Run(command, kDriverWait);
    if (!result.ok() || result->state() != v1::CommandResult::STATE_FAILED_RETRIABLE) break;
    absl::SleepFor(kBetweenTries);
  }
  return result;
}

void AwaitEvent(Door& door, absl::Duration wait, v1::Event expected, size_t mark,
                const std::string& command_id, Finding& finding,
                const std::set<std::string>& also) {
  // The network gives new messages their ids, as it likes.
  if (expected.has_message_created() && command_id.empty()) {
    expected.mutable_message_created()->mutable_message()->clear_id();
  }
  const absl::Time deadline = absl::Now() + wait;
  absl::Time settle = deadline;
  finding.carried = Carried::kNotAtAll;
  finding.detail = "no such event came";
  for (;;) {
    const size_t seen = door.event_count();
    size_t fewest = SIZE_MAX;
    std::vector<std::string> best;
    for (const TakenEvent& taken : door.EventsAfter(mark)) {
      if (taken.event.kind_case() != expected.kind_case()) continue;
      std::vector<std::string> differences = Differences(expected, taken.event, also);
      if (taken.event.has_message_created() &&
          taken.event.message_created().message().id().empty()) {
        differences.emplace_back("message_created.message.id");
      }
      if (!command_id.empty() && taken.event.has_message_created() &&
          taken.command_id != command_id) {
        differences.emplace_back("command_id");
      }
      if (differences.size() >= fewest) continue;
      fewest = differences.size();
      best = std::move(differences);
    }
    if (fewest == 0) {
      finding.carried = Carried::kWhole;
      finding.detail.clear();
      return;
    }
    const absl::Time now = absl::Now();
    if (fewest != SIZE_MAX) {
      finding.carried = Carried::kPartial;
      finding.detail = absl::StrCat("differs: ", absl::StrJoin(best, ", "));
      settle = std::min(settle, now + kBetterMayFollow);
    }
    if (now >= settle) return;
    door.WaitForMore(seen, settle - now);
  }
}

void FetchFiles(Door& door, const v1::Event& event, const std::string& bytes, Finding& finding) {
  std::vector<std::string> ids;
  if (event.has_attachment_ready()) ids.push_back(event.attachment_ready().attachment().id());
  for (const v1::Attachment& attachment : event.message_created().message().attachments()) {
    ids.push_back(attachment.id());
  }
  for (const std::string& id : ids) {
    if (id.empty() || finding.carried != Carried::kWhole) return;
    const auto fetched = door.Download(id, 0, kDriverWait);
    if (fetched.ok() && *fetched == bytes) continue;
    finding.carried = Carried::kPartial;
    finding.detail = fetched.ok() ? "the bytes are others"
                                  : absl::StrCat("no bytes: ", fetched.status().message());
  }
}

}  // namespace postern::conformance
