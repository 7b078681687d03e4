// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include "clients/conformance/adapter_end.h"
#include "clients/conformance/far_end.h"
#include "clients/conformance/play.h"

namespace postern::conformance {

void PlayIn(const Row& row, const Ends& ends, Words& words, Finding& finding) {
  if (!row.before.empty()) {
    const auto before = words.FilledEvent(row.before);
    const size_t earlier = ends.door.event_count();
    // Where that cannot be, nor can it be taken back.
    const absl::Status done = before.ok()
                                  ? BringAbout(ends.driver, *before, words.file_paths()).status()
                                  : before.status();
    if (!done.ok()) {
      finding.detail = std::string(done.message());
      return;
    }
    // Waited for, so that it is not taken for what the row is about.
    Finding unjudged;
    AwaitEvent(ends.door, ends.wait, *before, earlier, "", unjudged);
  }
  const auto event = words.FilledEvent(row.what);
  if (!event.ok()) {
    finding.detail = std::string(event.status().message());
    return;
  }
  const size_t mark = ends.door.event_count();
  const auto done = BringAbout(ends.driver, *event, words.file_paths());
  if (!done.ok()) {
    finding.detail = std::string(done.status().message());
    return;
  }
  v1::Event expected = *event;
  std::set<std::string> also = row.also;
  if (done->contains("end_to_end_encrypted") && expected.has_message_created()) {
    expected.mutable_message_created()->mutable_message()->set_end_to_end_encrypted(
        (*done)["end_to_end_encrypted"] == Json(true));
    also.insert("postern.v1.Message.end_to_end_encrypted");
  }
  AwaitEvent(ends.door, ends.wait, expected, mark, "", finding, also);
  for (const TakenEvent& taken : ends.door.EventsAfter(mark)) {
    if (taken.event.kind_case() == expected.kind_case())
      FetchFiles(ends.door, taken.event, words.file().bytes, finding);
  }
}

}  // namespace postern::conformance
