// SPDX-License-Identifier: Apache-2.0
// `postern messages edit` and `delete`: of what `postern` itself has sent.
#include <memory>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/problem.h"
#include "clients/sdk/errors.h"

namespace postern::cli {
namespace {

struct Options {
  std::string message;
  std::string text;
  bool only_me = false;
  std::string request_id;
};

// A message that is seen but not sent by `postern` is as unknown here as one that is not there.
ExitCode FailToChange(Context& context, const absl::Status& status) {
  Problem problem = Explain(status, Caller::kApp);
  if (sdk::ErrorReasonOf(status) == v1::ERROR_REASON_NOT_FOUND) {
    problem.what = "There is no such message, or `postern` has not sent it.";
    problem.next =
        "Only what `postern messages send` sent can be changed; with --json it prints the id.";
  }
  return Fail(context, problem);
}

ExitCode RunEdit(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::EditMessageRequest request;
  request.set_request_id(options.request_id);
  request.set_message_id(options.message);
  request.set_text(options.text);
  const auto response = (*app)->EditMessage(request);
  if (!response.ok()) return FailToChange(context, response.status());
  context.out.Line(context.json ? Json(*response) : "Edited.");
  return ExitCode::kOk;
}

ExitCode RunDelete(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::DeleteMessageRequest request;
  request.set_request_id(options.request_id);
  request.set_message_id(options.message);
  request.set_for_everyone(!options.only_me);
  const auto response = (*app)->DeleteMessage(request);
  if (!response.ok()) return FailToChange(context, response.status());
  context.out.Line(context.json ? Json(*response) : "Deleted.");
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesEditAndDelete(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* edit = line.AddCommand(
      messages,
      {.name = "edit",
       .summary = "Edit a message that you sent with `postern`",
       .more = "MESSAGE is the id that `postern messages send --json` or `list --json` shows.",
       .examples = {"postern messages edit MESSAGE \"On my way, ten minutes late\""}},
      [options](Context& context) { return RunEdit(context, *options); });
  edit->add_option("MESSAGE", options->message, "The message's id")->required();
  edit->add_option("TEXT", options->text, "The whole new text")->required();
  edit->add_option("--request-id", options->request_id, "The same id never edits twice");
  CLI::App* remove = line.AddCommand(
      messages,
      {.name = "delete",
       .summary = "Delete a message that you sent with `postern`",
       .more = "For everybody in the chat, or with --only-me from your own view alone. MESSAGE is "
               "the id that\n`postern messages send --json` or `list --json` shows.",
       .examples = {"postern messages delete MESSAGE",
                    "postern messages delete MESSAGE --only-me"}},
      [options](Context& context) { return RunDelete(context, *options); });
  remove->add_option("MESSAGE", options->message, "The message's id")->required();
  remove->add_flag("--only-me", options->only_me, "The others keep it");
  remove->add_option("--request-id", options->request_id, "The same id never deletes twice");
}

}  // namespace postern::cli
