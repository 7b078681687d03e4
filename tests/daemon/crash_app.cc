// SPDX-License-Identifier: Apache-2.0
// An app for crash_test: enrols, follows messages, edits and reactions under one name, and keeps a
// journal of its own.
//   crash_app APP_ID JOURNAL
// Lines: "start"; "event TEXT" after a message was received, "event edit TEXT", "event reaction
// EMOJI"; "frame" when all events of a frame have been noted; "acked" after the broker has taken
// the acknowledgement of all events above. It asks for reactions and goes on without them.
#include <absl/time/time.h>
#include <fcntl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "clients/sdk/client.h"
#include "tests/daemon/app_journal.h"

namespace {

// No event for so long: what came so far is a whole frame.
constexpr absl::Duration kPause = absl::Milliseconds(2);

class Journal {
 public:
  explicit Journal(const char* path)
      : fd_(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  // One write(2) a line: a kill leaves whole lines.
  bool Write(const std::string& line) {
    const std::string bytes = line + "\n";
    return ::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  }

 private:
  const int fd_;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "crash_app: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  postern::v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id(argv[1]);
  manifest.set_display_name(argv[1]);
  manifest.set_purpose("Notes what it is shown, to be held against what was sent.");
  manifest.set_role(postern::v1::ROLE_APP);
  manifest.add_required_scopes(postern::v1::SCOPE_MESSAGES_READ);
  manifest.add_optional_scopes(postern::v1::SCOPE_REACTIONS_READ);
  manifest.mutable_data_destination()->set_kind(postern::v1::DataDestination::KIND_STAYS_ON_DEVICE);
  auto client = postern::sdk::Client::Connect(manifest, {.reach_timeout = absl::Seconds(60)});
  if (!client.ok()) return Fail(client.status());
  Journal journal(argv[2]);
  journal.Write("start");
  ::sd_notify(0, "READY=1");
  auto events =
      (*client)->Subscribe({.name = "crash", .start = postern::v1::SubscribeRequest::START_OLDEST});
  bool acknowledged = true;
  std::string cursor;
  for (;;) {
    auto event = events->Next(acknowledged ? absl::InfiniteDuration() : kPause);
    if (absl::IsDeadlineExceeded(event.status())) {
      // While the broker is away this fails; the next pause tries again.
      if (events->Acknowledge().ok()) {
        journal.Write("acked");
        acknowledged = true;
      }
      continue;
    }
    if (!event.ok()) return Fail(event.status());
    acknowledged = false;
    const std::string shown = postern::daemon_test::ShownOf(*event);
    if (!shown.empty()) journal.Write(postern::daemon_test::kEventWord + shown);
    if (events->cursor() == cursor) continue;
    cursor = events->cursor();
    journal.Write(postern::daemon_test::kFrameLine);
  }
}
