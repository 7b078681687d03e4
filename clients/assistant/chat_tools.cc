// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/ascii.h>
#include <absl/strings/match.h>

#include "clients/assistant/tool.h"

namespace postern::assistant {
namespace {

// What a search by name looks through: 20 pages of 500.
constexpr int kPagesMax = 20;
constexpr int kFullPage = 500;

bool Contains(const std::string& name, const std::string& part) {
  return absl::StrContains(absl::AsciiStrToLower(name), absl::AsciiStrToLower(part));
}

// One page, or, with a 'query', the first of all whose name contains it.
// fetch(page) gives a page, name(item) its name, json(item) what is shown of it.
template <typename Fetch, typename Name, typename Show>
absl::StatusOr<ToolAnswer> ListOrSearch(const ToolCall& call, const char* field, Fetch fetch,
                                        Name name, Show show) {
  const std::string query = call.arguments.Text("query");
  const size_t most = static_cast<size_t>(call.arguments.Number("page_size"));
  sdk::PageOptions page = PageOf(call.arguments);
  if (!query.empty()) page.page_size = kFullPage;
  Json found = Json::array();
  for (int pages = 0; pages < kPagesMax; ++pages) {
    const auto one = fetch(page);
    if (!one.ok()) return one.status();
    page.page_token = one->next_page_token;
    for (const auto& item : one->items) {
      if (!query.empty() && !Contains(name(item), query)) continue;
      if (found.size() == most) break;
      found.push_back(show(item));
    }
    if (query.empty() || page.page_token.empty() || found.size() == most) break;
  }
  ToolAnswer answer;
  answer.structured = {{field, std::move(found)}};
  if (query.empty()) SayNextPage(answer, page.page_token);
  return answer;
}

absl::StatusOr<ToolAnswer> ListChats(const ToolCall& call) {
  return ListOrSearch(
      call, "chats", [&](const sdk::PageOptions& page) { return call.client->ListChats("", page); },
      [](const v1::Chat& chat) { return chat.name(); }, ChatJson);
}

absl::StatusOr<ToolAnswer> GetChat(const ToolCall& call) {
  v1::GetChatRequest request;
  request.set_chat_id(call.arguments.Text("chat_id"));
  const auto response = Ask(*call.client->stubs().chat, &v1::ChatService::Stub::GetChat, request);
  if (!response.ok()) return response.status();
  return ToolAnswer{{{"chat", ChatJson(response->chat())}}};
}

absl::StatusOr<ToolAnswer> GetGroupMembers(const ToolCall& call) {
  v1::ListParticipantsRequest request;
  request.set_chat_id(call.arguments.Text("chat_id"));
  request.set_page_size(call.arguments.Number("page_size"));
  request.set_page_token(call.arguments.Text("page_token"));
  const auto response =
      Ask(*call.client->stubs().chat, &v1::ChatService::Stub::ListParticipants, request);
  if (!response.ok()) return response.status();
  ToolAnswer answer{{{"members", Json::array()}}};
  for (const v1::Participant& member : response->participants()) {
    answer.structured["members"].push_back(ParticipantJson(member));
  }
  SayNextPage(answer, response->next_page_token());
  return answer;
}

absl::StatusOr<sdk::Page<v1::Contact>> ContactPage(sdk::Client& client,
                                                   const sdk::PageOptions& page) {
  v1::ListContactsRequest request;
  request.set_page_size(page.page_size);
  request.set_page_token(page.page_token);
  const auto response = Ask(*client.stubs().chat, &v1::ChatService::Stub::ListContacts, request);
  if (!response.ok()) return response.status();
  return sdk::Page<v1::Contact>{{response->contacts().begin(), response->contacts().end()},
                                response->next_page_token()};
}

absl::StatusOr<ToolAnswer> ListContacts(const ToolCall& call) {
  return ListOrSearch(
      call, "contacts",
      [&](const sdk::PageOptions& page) { return ContactPage(*call.client, page); },
      [](const v1::Contact& contact) { return contact.display_name(); }, ContactJson);
}

}  // namespace

std::vector<Tool> ChatTools(const Config& config) {
  const Field chat = Id("chat_id", "The chat, as list_chats gives it.");
  const Field query = Optional(Text("query", 200, "Only those whose name contains this."));
  return {
      {"list_chats", "List chats",
       "Lists the chats that the user has opened to this assistant, or finds one by its name. "
       "Start here: other tools need its ids.",
       Effect::kReads, ObjectSchema(WithPage({query}, config)), ListChats},
      {"get_chat", "Get a chat", "Says what one chat is.", Effect::kReads, ObjectSchema({chat}),
       GetChat},
      {"get_group_members", "List a chat's members", "Lists who is in a chat.", Effect::kReads,
       ObjectSchema(WithPage({chat}, config)), GetGroupMembers},
      {"list_contacts", "List people", "Lists the people the user knows, or finds one by name.",
       Effect::kReads, ObjectSchema(WithPage({query}, config)), ListContacts},
  };
}

}  // namespace postern::assistant
