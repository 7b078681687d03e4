// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <memory>

#include "clients/owner/visible_text.h"
#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/progress.h"
#include "clients/sdk/file_transfer.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  std::string chat;
  std::string text;
  std::string reply_to;
  std::string request_id;
  std::string file;
};

ExitCode RunSend(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  const auto chat = FindChat(**app, options.chat);
  if (!chat.ok()) return Fail(context, chat.status(), Caller::kApp);
  v1::SendMessageRequest request;
  request.set_request_id(options.request_id.empty() ? sdk::MakeRequestId() : options.request_id);
  request.set_chat_id(chat->id());
  request.set_text(options.text);
  request.set_reply_to_message_id(options.reply_to);
  if (!options.file.empty()) {
    Progress progress("Uploading");
    sdk::TransferOptions transfer;
    transfer.on_progress = [&](uint64_t done, uint64_t total) { progress.Show(done, total); };
    // The file's upload goes on under a name of its own when the command runs again.
    if (!options.request_id.empty()) transfer.request_id = options.request_id + ".file";
    const auto id = sdk::UploadPath((*app)->stubs(), chat->id(), options.file, transfer);
    if (!id.ok()) return Fail(context, id.status(), Caller::kApp);
    request.add_attachment_ids(*id);
  }
  const auto response = (*app)->SendMessage(request);
  if (!response.ok()) {
    const ExitCode code = Fail(context, response.status(), Caller::kApp);
    if (!context.json)
      context.err.Line(absl::StrCat("  The request id was ", request.request_id()));
    return code;
  }
  if (context.json) {
    context.out.Line(Json(*response));
    return ExitCode::kOk;
  }
  const std::string name = VisibleText(chat->name());
  if (response->state() == v1::SEND_STATE_PENDING) {
    context.out.Line(absl::StrCat("Waiting to be sent to ", name,
                                  "; the outcome is an event of `postern messages watch`."));
  } else {
    context.out.Line(absl::StrCat("Sent to ", name,
                                  response->end_to_end_encrypted()
                                      ? " 🔒 end-to-end encrypted."
                                      : ", not end-to-end encrypted."));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesSend(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      messages,
      {.name = "send",
       .summary = "Send a message in your name",
       .more = "CHAT is a name or an id of `postern chats list --granted`. The same --request-id "
               "never sends\n"
               "twice: use one in scripts that may run again.",
       .examples = {"postern messages send Family \"On my way\"",
                    "postern messages send Family \"Yes\" --reply-to MESSAGE",
                    "postern messages send Family \"Look\" --file photo.jpg",
                    "postern messages send Family \"Backup done\" --request-id backup-2026-11-21"}},
      [options](Context& context) { return RunSend(context, *options); });
  command->add_option("CHAT", options->chat, "The chat, by name or id")->required();
  command->add_option("TEXT", options->text, "The text")->required();
  command->add_option("--reply-to", options->reply_to,
                      "The id of the message it answers (messages list --json)");
  command->add_option("--file", options->file, "A file to send with it");
  command->add_option("--request-id", options->request_id, "The same id is never sent twice");
}

}  // namespace postern::cli
