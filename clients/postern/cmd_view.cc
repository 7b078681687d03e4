// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "clients/owner/visible_text.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/names.h"
#include "clients/postern/owner.h"
#include "clients/postern/waiting.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

constexpr int kLimitMax = 500;

struct Options {
  std::string app;
  std::string chat;
  bool already_seen = false;
  int limit = 50;
  std::string page_token;
};

absl::StatusOr<v1::ViewAsAppRequest> MakeRequest(Owner& owner, const v1::App& app,
                                                 const Options& options) {
  v1::ViewAsAppRequest request;
  request.set_principal(app.principal());
  request.set_already_seen(options.already_seen);
  request.set_page_size(options.limit);
  request.set_page_token(options.page_token);
  if (!options.chat.empty()) {
    ASSIGN_OR_RETURN(const v1::Chat chat, owner.FindChat(options.chat));
    request.set_chat_id(chat.id());
  }
  return request;
}

void Print(Context& context, const v1::App& app, const Options& options,
           const v1::ViewAsAppResponse& page) {
  const std::string name = absl::StrCat("“", VisibleText(app.display_name()), "”");
  if (page.events().empty()) {
    const bool everything = options.chat.empty() && page.next_page_token().empty();
    // What it was handed may be sealed or gone since: that it was handed nothing is not known here.
    context.err.Line(
        options.already_seen
            ? absl::StrCat("There is nothing to show of what ", name, " was handed",
                           everything ? "" : " here",
                           ". What is sealed or no longer kept is left out; `postern audit list` "
                           "counts what it read.")
            : absl::StrCat(name, " sees nothing", everything ? "." : " here."));
  }
  Names names([](const std::string&) { return std::nullopt; });
  for (const v1::ViewedName& viewed : page.names()) {
    v1::Chat chat;
    chat.set_id(viewed.id());
    chat.set_name(viewed.name());
    names.LearnChat(chat);
  }
  const Moment moment{absl::Now(), absl::LocalTimeZone()};
  // The page is newest first; a person reads down.
  for (auto event = page.events().rbegin(); event != page.events().rend(); ++event) {
    names.Learn(*event);
    context.out.Line(EventLine(*event, names, context.out, moment));
    names.Forget(*event);
  }
  if (!page.next_page_token().empty()) {
    context.err.Line("There are older ones: --limit, or --page-token " + page.next_page_token());
  }
}

ExitCode RunView(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto app = (*owner)->FindViewedApp(options.app);
  if (!app.ok()) return Fail(context, app.status(), Caller::kOwner);
  const auto request = MakeRequest(**owner, *app, options);
  if (!request.ok()) return Fail(context, request.status(), Caller::kOwner);
  const auto page = [&] {
    const Waiting waiting(context);
    return (*owner)->ViewAsApp(*request);
  }();
  if (!page.ok()) return Fail(context, page.status(), Caller::kOwner);
  if (context.json) {
    context.out.Line(Json(*page));
  } else {
    Print(context, *app, options, *page);
  }
  return ExitCode::kOk;
}

}  // namespace

void AddView(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      line.root(),
      {.name = "view",
       .summary = "See what an app sees, as it sees it, or what it already saw",
       .more =
           "Postern asks you first, in its own question. Through the same rules that serve the "
           "app, "
           "and\nwithout counting as its reading. The newest comes last; in JSON it comes first. "
           "Chats are named\nfor you: the app itself may know them by a pseudonym only.",
       .examples = {"postern view --as translator", "postern view --as translator --chat Family",
                    "postern view --as translator --already-seen --json"}},
      [options](Context& context) { return RunView(context, *options); });
  command
      ->add_option("--as", options->app,
                   "The app, by name, app id or principal; by name, one that is out only where\nno "
                   "other has it")
      ->required();
  command->add_option("--chat", options->chat, "Only this chat, by name or id");
  command->add_flag("--already-seen", options->already_seen,
                    "What it was handed already, whatever became of its grants since");
  command->add_option("--limit", options->limit, "How many events, 1 to 500")
      ->check(CLI::Range(1, kLimitMax))
      ->capture_default_str();
  command->add_option("--page-token", options->page_token, "Go on where another page ended");
}

}  // namespace postern::cli
