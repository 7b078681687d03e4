// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/names.h"

namespace postern::cli {
namespace {

// Until the stream lives.
constexpr absl::Duration kLookEvery = absl::Milliseconds(50);
constexpr int kQuietLooks = 40;
constexpr char kNotLive[] =
    "Waiting: posternd does not answer, or all apps are paused (`postern resume`).";

struct Options {
  std::string subscription;
  bool from_oldest = false;
  bool include_own = false;
  bool include_backfill = false;
};

// Tells the broker how far this program has come: once a frame, which is what the broker keeps.
class Progress {
 public:
  Progress(sdk::Subscription& subscription, bool named)
      : subscription_(subscription), named_(named) {}

  absl::Status Keep() {
    std::string cursor = subscription_.cursor();
    if (!named_ || cursor == kept_) return absl::OkStatus();
    kept_ = std::move(cursor);
    return subscription_.Acknowledge();
  }

 private:
  sdk::Subscription& subscription_;
  const bool named_;
  std::string kept_;
};

ExitCode RunWatch(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);

  Names names([&](const std::string& id) { return ChatWithParticipants(**app, id); });
  // Without `chats:read` there are no names, and lines show ids: still worth watching.
  if (const auto accounts = AllAccounts(**app); accounts.ok()) {
    for (const v1::Account& account : *accounts) names.LearnAccount(account);
  }
  const auto subscription =
      (*app)->Subscribe({.name = options.subscription,
                         .cursor = {},
                         .start = options.from_oldest ? v1::SubscribeRequest::START_OLDEST
                                                      : v1::SubscribeRequest::START_NOW,
                         .include_own = options.include_own,
                         .include_backfill = options.include_backfill});
  Progress progress(*subscription, !options.subscription.empty());
  bool told = context.json;
  for (int looks = 1;; ++looks) {
    const bool looking = !told;
    const auto event = subscription->Next(looking ? kLookEvery : absl::InfiniteDuration());
    // Only once the broker has said yes: what it refuses is not watched.
    if (looking && (event.ok() || !subscription->cursor().empty())) {
      context.err.Line("Watching. Ctrl-C ends it.");
      told = true;
    }
    if (looking && absl::IsDeadlineExceeded(event.status())) {
      if (!told && looks == kQuietLooks) context.err.Line(kNotLive);
      continue;
    }
    if (!event.ok()) return Fail(context, event.status(), Caller::kApp);
    if (context.json) {
      context.out.Line(Json(*event));
    } else {
      names.Learn(*event);
      context.out.Line(EventLine(*event, names, context.out, {absl::Now(), absl::LocalTimeZone()}));
      names.Forget(*event);
    }
    if (const absl::Status kept = progress.Keep(); !kept.ok()) {
      return Fail(context, kept, Caller::kApp);
    }
  }
}

}  // namespace

void AddMessagesWatch(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      messages,
      {.name = "watch",
       .summary = "Follow what happens, one line an event",
       .more = "Runs until Ctrl-C, or until you take the access back (exit code 4). A lock marks "
               "what came\n"
               "end-to-end encrypted. A named subscription goes on where it stopped, also after a "
               "restart.\n"
               "The ids of messages and files are in the output of --json.",
       .examples =
           {"postern messages watch", "postern messages watch --subscription desk --from-oldest",
            "postern messages watch --json | jq -r '.message_created.message.text // empty'"}},
      [options](Context& context) { return RunWatch(context, *options); });
  command->add_option("--subscription", options->subscription,
                      "Keep the place under this name: 1 to 64 of a-z A-Z 0-9 . _ -");
  command->add_flag("--from-oldest", options->from_oldest,
                    "Start with the oldest event that was allowed, not with the next");
  command->add_flag("--include-own", options->include_own, "Also what this program itself sent");
  command->add_flag("--include-backfill", options->include_backfill,
                    "Also older history that a messaging client brings in");
}

}  // namespace postern::cli
