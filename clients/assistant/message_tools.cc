// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/tool.h"

namespace postern::assistant {
namespace {

constexpr size_t kWholeText = 64 * 1024;
constexpr int kAround = 10;

template <typename Messages>
ToolAnswer MessagesAnswer(const ToolCall& call, const Messages& messages,
                          const std::string& next_page_token = {}) {
  ToolAnswer answer{{{"messages", Json::array()}}};
  for (const v1::Message& message : messages) {
    answer.structured["messages"].push_back(
        MessageJson(message, static_cast<size_t>(call.config.text_bytes_max)));
  }
  SayNextPage(answer, next_page_token);
  return answer;
}

absl::StatusOr<ToolAnswer> ListMessages(const ToolCall& call) {
  const auto page =
      call.client->ListMessages(call.arguments.Text("chat_id"), PageOf(call.arguments));
  if (!page.ok()) return page.status();
  return MessagesAnswer(call, page->items, page->next_page_token);
}

void Set(google::protobuf::Timestamp& into, absl::Time time) {
  into.set_seconds(absl::ToUnixSeconds(time));
}

absl::StatusOr<ToolAnswer> SearchMessages(const ToolCall& call) {
  const Arguments& arguments = call.arguments;
  v1::SearchMessagesRequest request;
  request.set_query(arguments.Text("query"));
  request.set_chat_id(arguments.Text("chat_id"));
  request.set_sender_contact_id(arguments.Text("from_contact_id"));
  if (const auto time = arguments.Time("after")) Set(*request.mutable_start_time(), *time);
  if (const auto time = arguments.Time("before")) Set(*request.mutable_end_time(), *time);
  request.set_page_size(arguments.Number("page_size"));
  request.set_page_token(arguments.Text("page_token"));
  const auto found =
      Ask(*call.client->stubs().message, &v1::MessageService::Stub::SearchMessages, request);
  if (!found.ok()) return found.status();
  return MessagesAnswer(call, found->messages(), found->next_page_token());
}

absl::StatusOr<ToolAnswer> GetMessage(const ToolCall& call) {
  const auto message = call.client->GetMessage(call.arguments.Text("message_id"));
  if (!message.ok()) return message.status();
  return ToolAnswer{{{"message", MessageJson(*message, kWholeText)}}};
}

absl::StatusOr<ToolAnswer> GetMessageContext(const ToolCall& call) {
  v1::GetMessageContextRequest request;
  request.set_message_id(call.arguments.Text("message_id"));
  request.set_before_count(call.arguments.Number("before"));
  request.set_after_count(call.arguments.Number("after"));
  const auto around =
      Ask(*call.client->stubs().message, &v1::MessageService::Stub::GetMessageContext, request);
  if (!around.ok()) return around.status();
  return MessagesAnswer(call, around->messages());
}

}  // namespace

std::vector<Tool> MessageTools(const Config& config) {
  const Field message = Id("message_id", "The message, as list_messages gives it.");
  const Field chat = Id("chat_id", "The chat, as list_chats gives it.");
  const int around = std::min(config.page_size_max, 100);
  return {
      {"list_messages", "List messages", "Lists the messages of a chat, newest first.",
       Effect::kReads, ObjectSchema(WithPage({chat}, config)), ListMessages},
      {"search_messages", "Search messages",
       "Finds messages that contain all of the given words, newest first. Words are found whole, "
       "whatever their case and accents.",
       Effect::kReads,
       ObjectSchema(WithPage({Text("query", 1000, "The words."), Optional(chat),
                              Optional(Id("from_contact_id", "Only what this person wrote.")),
                              Time("after", "Only what was written at this time or later."),
                              Time("before", "Only what was written before this time.")},
                             config)),
       SearchMessages},
      {"get_message", "Get a message", "Gives one message with its whole text.", Effect::kReads,
       ObjectSchema({message}), GetMessage},
      {"get_message_context", "Get the messages around one",
       "Gives a message with those before and after it, newest first.", Effect::kReads,
       ObjectSchema({message,
                     Number("before", 1, around, std::min(kAround, around), "How many before it."),
                     Number("after", 1, around, std::min(kAround, around), "How many after it.")}),
       GetMessageContext},
  };
}

std::vector<Field> WithPage(std::vector<Field> fields, const Config& config) {
  fields.push_back(Number("page_size", 1, config.page_size_max, std::min(20, config.page_size_max),
                          "How many at most."));
  fields.push_back(
      Optional(Id("page_token", "The next_page_token of the page before; leave it out to begin.")));
  return fields;
}

sdk::PageOptions PageOf(const Arguments& arguments) {
  return {arguments.Number("page_size"), arguments.Text("page_token")};
}

void SayNextPage(ToolAnswer& answer, const std::string& token) {
  if (!token.empty()) answer.structured["next_page_token"] = token;
}

}  // namespace postern::assistant
