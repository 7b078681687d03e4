// SPDX-License-Identifier: Apache-2.0
// `postern messages react` and `vote`.
#include <memory>
#include <vector>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"

namespace postern::cli {
namespace {

struct Options {
  std::string message;
  std::string emoji;
  bool remove = false;
  std::vector<std::string> choices;
  std::string request_id;
};

ExitCode RunReact(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::SetReactionRequest request;
  request.set_request_id(options.request_id);
  request.set_message_id(options.message);
  request.set_emoji(options.emoji);
  request.set_remove(options.remove);
  const auto response = (*app)->SetReaction(request);
  if (!response.ok()) return Fail(context, response.status(), Caller::kApp);
  context.out.Line(context.json ? Json(*response) : options.remove ? "Taken back." : "Set.");
  return ExitCode::kOk;
}

ExitCode RunVote(Context& context, const Options& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::VotePollRequest request;
  request.set_request_id(options.request_id);
  request.set_message_id(options.message);
  for (const std::string& choice : options.choices) request.add_option_ids(choice);
  const auto response = (*app)->VotePoll(request);
  if (!response.ok()) return Fail(context, response.status(), Caller::kApp);
  context.out.Line(context.json              ? Json(*response)
                   : options.choices.empty() ? "Your vote was taken back."
                                             : "Voted.");
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesReactAndVote(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<Options>();
  CLI::App* react =
      line.AddCommand(messages,
                      {.name = "react",
                       .summary = "Set your reaction to a message, or take it back",
                       .more = "MESSAGE is an id of `postern messages list --json`.",
                       .examples = {"postern messages react MESSAGE 👍",
                                    "postern messages react MESSAGE 👍 --remove"}},
                      [options](Context& context) { return RunReact(context, *options); });
  react->add_option("MESSAGE", options->message, "The message's id")->required();
  react->add_option("EMOJI", options->emoji, "An emoji, or a custom one as :name:")->required();
  react->add_flag("--remove", options->remove, "Take it back");
  react->add_option("--request-id", options->request_id, "The same id never acts twice");
  CLI::App* vote = line.AddCommand(
      messages,
      {.name = "vote",
       .summary = "Vote in a poll",
       .more =
           "Each vote replaces the one before it; without an OPTION your vote is taken back. The\n"
           "ids of the options are in `postern messages list --json`.",
       .examples = {"postern messages vote MESSAGE 2", "postern messages vote MESSAGE"}},
      [options](Context& context) { return RunVote(context, *options); });
  vote->add_option("MESSAGE", options->message, "The poll's message")->required();
  vote->add_option("OPTION", options->choices, "The ids of what you choose");
  vote->add_option("--request-id", options->request_id, "The same id never votes twice");
}

}  // namespace postern::cli
