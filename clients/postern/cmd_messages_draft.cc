// SPDX-License-Identifier: Apache-2.0
// `postern messages draft` and `mark-read`: what only you see, unless you say otherwise.
#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"

namespace postern::cli {
namespace {

struct Options {
  std::string chat;
  std::string text;
  std::string message;
  std::string reply_to;
  bool tell_sender = false;
  std::string request_id;
};

ExitCode RunDraft(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  const auto chat = FindChat(**app, options.chat);
  if (!chat.ok()) return Fail(context, chat.status(), Caller::kApp);
  v1::CreateDraftRequest request;
  request.set_request_id(options.request_id);
  request.set_chat_id(chat->id());
  request.set_text(options.text);
  request.set_reply_to_message_id(options.reply_to);
  const auto response = (*app)->CreateDraft(request);
  if (!response.ok()) return Fail(context, response.status(), Caller::kApp);
  context.out.Line(context.json ? Json(*response)
                                : "The draft is in your messaging client; send it there.");
  return ExitCode::kOk;
}

ExitCode RunMarkRead(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  const auto chat = FindChat(**app, options.chat);
  if (!chat.ok()) return Fail(context, chat.status(), Caller::kApp);
  v1::MarkReadRequest request;
  request.set_request_id(options.request_id);
  request.set_chat_id(chat->id());
  request.set_through_message_id(options.message);
  request.set_tell_sender(options.tell_sender);
  const auto response = (*app)->MarkRead(request);
  if (!response.ok()) return Fail(context, response.status(), Caller::kApp);
  context.out.Line(context.json ? Json(*response) : "Marked as read.");
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesDraftAndMarkRead(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* draft = line.AddCommand(
      messages,
      {.name = "draft",
       .summary = "Leave a draft in your messaging client",
       .more = "Nothing is sent: you send it there, or throw it away.",
       .examples = {"postern messages draft Family \"I will be late, because\"",
                    "postern messages draft Family \"Yes, but\" --reply-to MESSAGE"}},
      [options](Context& context) { return RunDraft(context, *options); });
  draft->add_option("CHAT", options->chat, "The chat, by name or id")->required();
  draft->add_option("TEXT", options->text, "The text")->required();
  draft->add_option("--reply-to", options->reply_to,
                    "The id of the message it answers (messages list --json)");
  draft->add_option("--request-id", options->request_id, "The same id never drafts twice");
  CLI::App* mark =
      line.AddCommand(messages,
                      {.name = "mark-read",
                       .summary = "Mark a chat as read up to a message",
                       .more = "The sender is not told, unless you say --tell-sender.",
                       .examples = {"postern messages mark-read Family MESSAGE",
                                    "postern messages mark-read Family MESSAGE --tell-sender"}},
                      [options](Context& context) { return RunMarkRead(context, *options); });
  mark->add_option("CHAT", options->chat, "The chat, by name or id")->required();
  mark->add_option("MESSAGE", options->message,
                   "Up to and including the one of this id (messages list --json)")
      ->required();
  mark->add_flag("--tell-sender", options->tell_sender, "Send read receipts too");
  mark->add_option("--request-id", options->request_id, "The same id never acts twice");
}

}  // namespace postern::cli
