// SPDX-License-Identifier: Apache-2.0
#include <absl/time/clock.h>

#include <algorithm>
#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/names.h"

namespace postern::cli {
namespace {

constexpr int kLimitMax = 500;

struct Options {
  std::string chat;
  int limit = 20;
  std::string page_token;
};

ExitCode RunList(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  const auto chat = FindChat(**app, options.chat);
  if (!chat.ok()) return Fail(context, chat.status(), Caller::kApp);
  auto page = (*app)->ListMessages(chat->id(),
                                   {.page_size = options.limit, .page_token = options.page_token});
  if (!page.ok()) return Fail(context, page.status(), Caller::kApp);
  if (context.json) {
    v1::ListMessagesResponse response;
    response.mutable_messages()->Assign(page->items.begin(), page->items.end());
    response.set_next_page_token(page->next_page_token);
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Names names([&](const std::string& id) { return ChatWithParticipants(**app, id); });
  if (const auto whole = ChatWithParticipants(**app, chat->id())) names.LearnChat(*whole);
  const Moment moment{absl::Now(), absl::LocalTimeZone()};
  // The list is newest first; a person reads down.
  std::reverse(page->items.begin(), page->items.end());
  for (const v1::Message& message : page->items) {
    v1::Event event;
    *event.mutable_message_created()->mutable_message() = message;
    names.Learn(event);
    context.out.Line(MessageLine(message, names, context.out, moment));
  }
  if (page->items.empty()) context.err.Line("No messages here that this program may see.");
  if (!page->next_page_token.empty()) {
    context.err.Line("There are older ones: --limit, or --page-token " + page->next_page_token);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesList(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddCommand(messages,
                      {.name = "list",
                       .summary = "List the latest messages of a chat",
                       .more = "CHAT is a name or an id of `postern chats list --granted`. The "
                               "newest comes last; in JSON\n"
                               "it comes first. The ids of messages, files and poll options are "
                               "in the output of --json.",
                       .examples = {"postern messages list Family",
                                    "postern messages list Family --limit 100 --json"}},
                      [options](Context& context) { return RunList(context, *options); });
  command->add_option("CHAT", options->chat, "The chat, by name or id")->required();
  command->add_option("--limit", options->limit, "How many, 1 to 500")
      ->check(CLI::Range(1, kLimitMax))
      ->capture_default_str();
  command->add_option("--page-token", options->page_token, "Go on where another page ended");
}

}  // namespace postern::cli
