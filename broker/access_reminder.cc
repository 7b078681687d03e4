// SPDX-License-Identifier: Apache-2.0
#include "broker/access_reminder.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/chat_audience.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// In meta: since when the period runs, in microseconds.
constexpr std::string_view kSinceKey = "access_reminder";

absl::StatusOr<std::optional<absl::Time>> ReadSince(Store& store) {
  std::optional<absl::Time> since;
  RETURN_IF_ERROR(store.Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kSinceKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) since = absl::FromUnixMicros(row.Integer(0));
    return absl::OkStatus();
  }));
  return since;
}

absl::Status WriteSince(Store& store, absl::Time since) {
  return store.Write([&](Database& database) {
    return database.Run("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kSinceKey,
                        absl::ToUnixMicros(since));
  });
}

absl::Status ForgetSince(Store& store) {
  return store.Write(
      [](Database& database) { return database.Run("DELETE FROM meta WHERE key = ?", kSinceKey); });
}

std::string Sentence(int readers, int leaving) {
  std::string where;
  if (leaving == 0) {
    where = readers == 1 ? "and says that text stays on this device"
                         : "and say that text stays on this device";
  } else if (leaving < readers) {
    where = absl::StrCat("and ", leaving, " of them ", leaving == 1 ? "sends" : "send",
                         " text off this device");
  } else {
    where = readers == 1 ? "and sends text off this device"
                         : "and all of them send text off this device";
  }
  return absl::StrCat(readers, readers == 1 ? " app" : " apps", " can read your messages, ", where,
                      "; to look at that, open Postern Settings, or run: postern apps list");
}

}  // namespace

absl::Status RemindOfAccess(Store& store, const AppRegistry& apps, OwnerNotices& notices,
                            const TrustedClock& clock) {
  if (apps.paused()) return absl::OkStatus();
  int readers = 0;
  int leaving = 0;
  const absl::Time today = clock.Now();
  for (const GrantHolder& holder : GrantHolders(apps)) {
    if (!CanReadText(holder.access, today)) continue;
    ++readers;
    leaving += holder.access.leaves_device ? 1 : 0;
  }
  ASSIGN_OR_RETURN(const std::optional<absl::Time> since, ReadSince(store));
  if (readers == 0) return since.has_value() ? ForgetSince(store) : absl::OkStatus();
  const absl::Time now = clock.Confirmed();
  // A time to come was never confirmed here: the database is from another machine, say.
  if (!since.has_value() || *since > now) return WriteSince(store, now);
  if (now - *since < kReminderPeriod) return absl::OkStatus();
  RETURN_IF_ERROR(WriteSince(store, now));
  // One that nobody has read yet is renewed. "2 times" would be said of what the apps did.
  const std::vector<v1::OwnerNotice> open = notices.Open();
  const bool unread = std::any_of(open.begin(), open.end(), [](const v1::OwnerNotice& notice) {
    return notice.kind() == v1::OwnerNotice::KIND_ACCESS_REMINDER;
  });
  notices.Tell(v1::OwnerNotice::KIND_ACCESS_REMINDER, Sentence(readers, leaving), {}, {},
               unread ? 0 : 1);
  return absl::OkStatus();
}

}  // namespace postern::broker
