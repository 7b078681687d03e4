// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/event_line.h"
#include "clients/postern/highlight.h"
#include "clients/postern/names.h"
#include "clients/postern/pick.h"
#include "clients/postern/time_text.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

constexpr int kLimitMax = 500;
constexpr int kContextMax = 100;
// A page can be short although more follow; nobody waits for more calls than this.
constexpr int kCallsMax = 50;
constexpr std::chrono::seconds kCallTimeout{30};

struct SearchOptions {
  std::vector<std::string> words;
  std::string chat;
  std::string from;
  std::string since;
  std::string until;
  int limit = 20;
  std::string page_token;
};

struct ContextOptions {
  std::string message;
  int before = 5;
  int after = 5;
};

// The id of the person that 'text' means, among those of one chat, or of all chats without one.
absl::StatusOr<std::string> FindSender(sdk::Client& client, const std::string& chat_id,
                                       const std::string& text) {
  std::vector<std::string> chats = {chat_id};
  if (chat_id.empty()) {
    ASSIGN_OR_RETURN(const std::vector<v1::Chat> all, AllChats(client));
    chats.clear();
    for (const v1::Chat& chat : all) chats.push_back(chat.id());
  }
  std::map<std::string, Candidate> people;
  for (const std::string& id : chats) {
    const std::optional<v1::Chat> chat = ChatWithParticipants(client, id);
    if (!chat.has_value()) continue;
    for (const v1::Participant& person : chat->participants()) {
      people[person.contact_id()] = {person.contact_id(), {person.display_name()}};
    }
  }
  std::vector<Candidate> candidates;
  for (auto& [id, candidate] : people) candidates.push_back(std::move(candidate));
  ASSIGN_OR_RETURN(const size_t index, Pick(candidates, text, "person in these chats"));
  return candidates[index].id;
}

absl::StatusOr<v1::SearchMessagesRequest> RequestFor(sdk::Client& client,
                                                     const SearchOptions& options) {
  v1::SearchMessagesRequest request;
  request.set_query(absl::StrJoin(options.words, " "));
  request.set_page_token(options.page_token);
  if (!options.chat.empty()) {
    ASSIGN_OR_RETURN(const v1::Chat chat, FindChat(client, options.chat));
    request.set_chat_id(chat.id());
  }
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_sender_contact_id(),
                     FindSender(client, request.chat_id(), options.from));
  }
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(const absl::Time since, ParsePastTime(options.since, absl::Now()));
    *request.mutable_start_time() = ToTimestamp(since);
  }
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(const absl::Time until, ParsePastTime(options.until, absl::Now()));
    *request.mutable_end_time() = ToTimestamp(until);
  }
  return request;
}

// Asks until there are 'limit' messages or no more.
absl::StatusOr<v1::SearchMessagesResponse> SearchAll(sdk::Client& client,
                                                     v1::SearchMessagesRequest request, int limit) {
  v1::SearchMessagesResponse all;
  for (int call = 0; call < kCallsMax; ++call) {
    request.set_page_size(limit - all.messages_size());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    v1::SearchMessagesResponse page;
    RETURN_IF_ERROR(
        sdk::ToStatus(client.stubs().message->SearchMessages(&context, request, &page)));
    for (v1::Message& message : *page.mutable_messages()) *all.add_messages() = std::move(message);
    all.set_next_page_token(page.next_page_token());
    *all.mutable_indexed_through_time() = page.indexed_through_time();
    if (all.messages_size() >= limit || page.next_page_token().empty()) break;
    request.set_page_token(page.next_page_token());
  }
  return all;
}

// Prints messages that come newest first as a person reads them: down.
void PrintLines(Context& context, sdk::Client& client,
                google::protobuf::RepeatedPtrField<v1::Message> messages,
                const std::vector<std::string>& words) {
  Names names([&](const std::string& id) { return ChatWithParticipants(client, id); });
  const Moment moment{absl::Now(), absl::LocalTimeZone()};
  std::reverse(messages.begin(), messages.end());
  for (const v1::Message& message : messages) {
    v1::Event event;
    event.set_chat_id(message.chat_id());
    *event.mutable_message_created()->mutable_message() = message;
    names.Learn(event);
    context.out.Line(
        Highlight(MessageLine(message, names, context.out, moment), words, context.out));
  }
}

ExitCode RunSearch(Context& context, const SearchOptions& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  const auto request = RequestFor(**app, options);
  if (!request.ok()) return Fail(context, request.status(), Caller::kApp);
  const auto found = SearchAll(**app, *request, options.limit);
  if (!found.ok()) return Fail(context, found.status(), Caller::kApp);
  if (context.json) {
    context.out.Line(Json(*found));
    return ExitCode::kOk;
  }
  PrintLines(context, **app, found->messages(), WordsOf(request->query()));
  if (found->messages().empty()) {
    context.err.Line(
        "Nothing with these words that this program may see. All words must occur, "
        "each as it was written.");
  }
  if (!found->next_page_token().empty()) {
    context.err.Line("There may be older ones: --limit, or --page-token " +
                     found->next_page_token());
  }
  return ExitCode::kOk;
}

ExitCode RunContext(Context& context, const ContextOptions& options) {
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  v1::GetMessageContextRequest request;
  request.set_message_id(options.message);
  request.set_before_count(options.before);
  request.set_after_count(options.after);
  v1::GetMessageContextResponse response;
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  const absl::Status status =
      sdk::ToStatus((*app)->stubs().message->GetMessageContext(&call, request, &response));
  if (!status.ok()) return Fail(context, status, Caller::kApp);
  if (context.json) {
    context.out.Line(Json(response));
    return ExitCode::kOk;
  }
  PrintLines(context, **app, response.messages(), {});
  return ExitCode::kOk;
}

}  // namespace

void AddMessagesSearch(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = line.AddCommand(
      messages,
      {.name = "search",
       .summary = "Find messages by their words",
       .more = "Finds messages in which all WORDS occur, whatever their case and accents, among "
               "what you allowed\n"
               "this program to see. The newest comes last; in JSON, which has the ids, it comes "
               "first.",
       .examples = {"postern messages search birthday cake",
                    "postern messages search invoice --chat Work --since 30d",
                    "postern messages search 北京 --from Mei --json"}},
      [options](Context& context) { return RunSearch(context, *options); });
  command->add_option("WORDS", options->words, "The words; all must occur")->required();
  command->add_option("--chat", options->chat, "Only in this chat, by name or id");
  command->add_option("--from", options->from, "Only from this person, by name or id");
  command->add_option("--since", options->since, "Written since then: 7d, 12h, 2026-01-31");
  command->add_option("--until", options->until, "Written before then");
  command->add_option("--limit", options->limit, "How many, 1 to 500")
      ->check(CLI::Range(1, kLimitMax))
      ->capture_default_str();
  command->add_option("--page-token", options->page_token, "Go on where another page ended");
}

void AddMessagesContext(CommandLine& line, CLI::App* messages) {
  auto options = std::make_shared<ContextOptions>();
  CLI::App* command = line.AddCommand(
      messages,
      {.name = "context",
       .summary = "Show what was said around a message",
       .more = "MESSAGE is an id, as `postern messages list` and `search` give it with --json.",
       .examples = {"postern messages context 8mZ0rWq1T5uUe2yX3cVb4A --before 10"}},
      [options](Context& context) { return RunContext(context, *options); });
  command->add_option("MESSAGE", options->message, "The message's id")->required();
  command->add_option("--before", options->before, "How many before it, 1 to 100")
      ->check(CLI::Range(1, kContextMax))
      ->capture_default_str();
  command->add_option("--after", options->after, "How many after it, 1 to 100")
      ->check(CLI::Range(1, kContextMax))
      ->capture_default_str();
}

}  // namespace postern::cli
