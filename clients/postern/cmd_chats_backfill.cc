// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <chrono>
#include <memory>
#include <string>

#include "clients/owner/visible_text.h"
#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/progress.h"
#include "clients/postern/time_text.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

constexpr uint32_t kMessagesMax = 10'000;
constexpr std::chrono::seconds kCallTimeout{45};
constexpr absl::Duration kLookEvery = absl::Milliseconds(50);

struct Options {
  std::string chat;
  std::string since;
  uint32_t messages = 500;
};

// What came of it, as `--json` prints it too.
struct Outcome {
  uint32_t messages = 0;
  bool complete = false;
  v1::RequestCompleted end;
};

absl::StatusOr<v1::RequestBackfillRequest> RequestFor(sdk::Client& client, const Options& options,
                                                      v1::Chat& chat) {
  ASSIGN_OR_RETURN(chat, FindChat(client, options.chat));
  v1::RequestBackfillRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_chat_id(chat.id());
  request.set_messages_max(options.messages);
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(const absl::Time since, ParsePastTime(options.since, absl::Now()));
    *request.mutable_start_time() = ToTimestamp(since);
  }
  return request;
}

absl::Status Ask(sdk::Client& client, const v1::RequestBackfillRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  v1::RequestBackfillResponse response;
  return sdk::ToStatus(client.stubs().chat->RequestBackfill(&context, request, &response));
}

// Waits until the stream lives: what the broker tells from then on is not missed.
absl::Status WaitLive(sdk::Subscription& subscription) {
  while (subscription.cursor().empty()) {
    const absl::Status status = subscription.Next(kLookEvery).status();
    if (!status.ok() && !absl::IsDeadlineExceeded(status)) return status;
  }
  return absl::OkStatus();
}

// Follows the request to its end.
absl::StatusOr<Outcome> Follow(sdk::Subscription& subscription, const std::string& request_id,
                               uint32_t messages_max, Progress& progress) {
  Outcome outcome;
  while (true) {
    ASSIGN_OR_RETURN(const v1::Event event, subscription.Next());
    if (event.backfill_progress().request_id() == request_id) {
      outcome.messages = event.backfill_progress().messages();
      outcome.complete = event.backfill_progress().complete();
      progress.Show(outcome.messages, messages_max);
    }
    if (event.request_completed().request_id() == request_id) {
      outcome.end = event.request_completed();
      return outcome;
    }
  }
}

ExitCode Report(Context& context, const v1::Chat& chat, const Outcome& outcome) {
  const bool done = outcome.end.outcome() == v1::RequestCompleted::OUTCOME_DONE;
  if (context.json) {
    context.out.Line(
        absl::StrCat("{\"chat_id\":", JsonString(chat.id()), ",\"messages\":", outcome.messages,
                     ",\"complete\":", outcome.complete ? "true" : "false", ",\"outcome\":",
                     JsonString(v1::RequestCompleted::Outcome_Name(outcome.end.outcome())), "}"));
    return done ? ExitCode::kOk : ExitCode::kFailed;
  }
  const std::string brought = absl::StrCat(Counted(outcome.messages, "older message"), " of “",
                                           owner::VisibleText(chat.name()), "” brought in");
  if (done) {
    context.out.Line(absl::StrCat(
        brought, outcome.complete ? "; nothing older is left." : "; ask again for more."));
    return ExitCode::kOk;
  }
  Problem problem;
  problem.reason = v1::RequestCompleted::Outcome_Name(outcome.end.outcome());
  problem.what = absl::StrCat("The messaging client stopped: ", brought, ".");
  problem.next = "Ask again; what is here already is not brought in twice.";
  return Fail(context, problem);
}

ExitCode RunBackfill(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::Chat chat;
  const auto request = RequestFor(**app, options, chat);
  if (!request.ok()) return Fail(context, request.status(), Caller::kApp);
  // From a place before the request on, so that no word of it is missed.
  const auto subscription = (*app)->Subscribe({.name = {},
                                               .cursor = {},
                                               .start = v1::SubscribeRequest::START_NOW,
                                               .include_own = false,
                                               .include_backfill = false,
                                               .on_erase = {},
                                               .on_erase_everything = {}});
  if (const absl::Status live = WaitLive(*subscription); !live.ok()) {
    return Fail(context, live, Caller::kApp);
  }
  if (const absl::Status asked = Ask(**app, *request); !asked.ok()) {
    return Fail(context, asked, Caller::kApp);
  }
  absl::StatusOr<Outcome> outcome;
  {
    Progress progress("Older messages");
    progress.Show(0, 0);
    outcome = Follow(*subscription, request->request_id(), options.messages, progress);
  }
  if (!outcome.ok()) return Fail(context, outcome.status(), Caller::kApp);
  return Report(context, chat, *outcome);
}

}  // namespace

void AddChatsBackfill(CommandLine& line, CLI::App* chats) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      chats,
      {.name = "backfill",
       .summary = "Bring in older messages of a chat",
       .more = "Asks the messaging client for messages from before the oldest that Postern has. "
               "CHAT is a name or\n"
               "an id of `postern chats list --granted`. What was brought in is found by "
               "`postern messages list`.",
       .examples = {"postern chats backfill Family",
                    "postern chats backfill Family --messages 5000 --since 2026-01-01"}},
      [options](Context& context) { return RunBackfill(context, *options); });
  command->add_option("CHAT", options->chat, "The chat, by name or id")->required();
  command->add_option("--messages", options->messages, "At most so many, 1 to 10000")
      ->check(CLI::Range(uint32_t{1}, kMessagesMax))
      ->capture_default_str();
  command->add_option("--since", options->since, "Not older than this: 90d, 2026-01-31");
}

}  // namespace postern::cli
