// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/grant_text.h"
#include "clients/postern/owner.h"

namespace postern::cli {
namespace {

ExitCode Print(Context& context, const std::vector<v1::Chat>& chats) {
  if (context.json) {
    v1::ListChatsResponse response;
    response.mutable_chats()->Assign(chats.begin(), chats.end());
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  Table table({"CHAT", "NAME", "KIND", "ENCRYPTED", "LAST MESSAGE"});
  for (const v1::Chat& chat : chats) {
    table.AddRow({chat.id(), chat.name(), chat.kind() == v1::CHAT_KIND_GROUP ? "group" : "1:1",
                  chat.end_to_end_encrypted() ? "yes" : "no",
                  chat.has_last_message_time() ? TimeText(chat.last_message_time()) : ""});
  }
  if (table.empty()) {
    context.out.Line("There are no chats here yet.");
  } else {
    table.SortBy(1);
    table.Print(context.out);
  }
  return ExitCode::kOk;
}

ExitCode RunList(Context& context, bool granted) {
  if (granted) {
    const auto app = ConnectApp(context);
    if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
    const auto chats = AllChats(**app);
    return chats.ok() ? Print(context, *chats) : Fail(context, chats.status(), Caller::kApp);
  }
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto chats = (*owner)->ListChats();
  return chats.ok() ? Print(context, *chats) : Fail(context, chats.status(), Caller::kOwner);
}

}  // namespace

void AddChats(CommandLine& line) {
  CLI::App* chats =
      line.AddGroup({.name = "chats",
                     .summary = "The chats of your accounts",
                     .more = {},
                     .examples = {"postern chats list", "postern chats backfill Family"}});
  auto granted = std::make_shared<bool>(false);
  line.AddCommand(
          chats,
          {.name = "list",
           .summary = "List chats",
           .more = "Without an option: all chats, with the ids that `postern grants` uses.\n"
                   "With --granted: what `postern messages` was allowed to see, with its own ids\n"
                   "(every app has ids of its own for the same chat).",
           .examples = {"postern chats list", "postern chats list --granted"}},
          [granted](Context& context) { return RunList(context, *granted); })
      ->add_flag("--granted", *granted, "Only what `postern messages` may see");
  AddChatsBackfill(line, chats);
}

}  // namespace postern::cli
