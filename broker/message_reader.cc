// SPDX-License-Identifier: Apache-2.0
#include "broker/message_reader.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/deliveries.h"
#include "broker/event_log.h"
#include "broker/limits.h"
#include "broker/message_search.h"
#include "broker/open_chat.h"
#include "broker/proto_time.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/search_text.h"
#include "broker/send_limits.h"
#include "broker/steady_read.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::MessageId;
using permissions::Scope;

// Runs 'read', an absl::Status(const Asker&) that fills in 'response', as steady_read.h says.
template <typename Response, typename Read>
absl::Status ReadAsNow(const Parts& parts, const Caller& caller, Response& response, Read read) {
  return ReadSteadily([&] { return parts.apps.epoch(); }, response,
                      [&] { return read(Asker(parts, caller)); });
}

// Tells the access history of a message that is about to leave.
void CountReading(const Parts& parts, const Caller& caller, const v1::Message& message) {
  const AccessHistory::Reading reading{
      .chat = parts.pseudonyms.Of(caller.principal)
                  .pseudonyms.DecodeChat(message.chat_id())
                  .value_or(ChatId()),
      .verb = message.withheld() ? v1::ACCESS_VERB_WITHHELD : v1::ACCESS_VERB_READ,
      .count = 1};
  parts.accesses.CountReadings(caller.principal, {&reading, 1});
}

// Counts a response full of messages.
template <typename Response>
void CountRead(const Parts& parts, const Caller& caller, const Response& response) {
  parts.limits.CountRead(caller.principal, response.ByteSizeLong());
  for (const v1::Message& message : response.messages()) CountReading(parts, caller, message);
}

// Notes what a page shows of a chat: its messages, and what came later and is folded in.
void NoteHandedOver(const Parts& parts, const Asker& asker, const History::Page& page) {
  if (page.messages.empty()) return;
  parts.deliveries.Note(*asker.app, page.chat, page.first, page.last);
  std::vector<Sequence> later;
  for (const Sequence record : page.folded) {
    if (record < page.first || record > page.last) later.push_back(record);
  }
  parts.deliveries.Note(*asker.app, page.chat, std::move(later));
}

// Where a page of 'method' goes on; kPlaceEnd without a token.
absl::StatusOr<Place> PlaceFrom(const Asker& asker, std::string_view method,
                                std::string_view request, const std::string& token) {
  if (token.empty()) return kPlaceEnd;
  Place place = 0;
  const std::optional<std::string> payload = asker.book.tokens.Open(method, request, token);
  if (!payload.has_value() || !absl::SimpleAtoi(*payload, &place)) return InvalidPageToken();
  return place;
}

absl::StatusOr<int> ContextCount(std::string_view field, int count) {
  if (count < 0) return InvalidField(field, "must not be negative");
  return count == 0 ? kContextDefault : std::min(count, kContextMax);
}

// What a token of a search belongs to. Lengths first, so that no two requests have one form.
std::string FormOf(const v1::SearchMessagesRequest& request) {
  return absl::StrCat(request.query().size(), ":", request.query(), ":", request.chat_id(), ":",
                      request.sender_contact_id(), ":", request.start_time().seconds(), ".",
                      request.start_time().nanos(), request.has_end_time() ? ":" : "-",
                      request.end_time().seconds(), ".", request.end_time().nanos());
}

}  // namespace

absl::Status MessageReader::CheckReadBudget(const Asker& asker) const {
  return parts_.limits.MayRead(asker.app->principal,
                               ReadAllowance(asker.viewer.access, asker.viewer.now));
}

absl::Status MessageReader::ListNow(const Asker& asker, const v1::ListMessagesRequest& request,
                                    v1::ListMessagesResponse& response) {
  ASSIGN_OR_RETURN(const int page_size, CheckedPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request.chat_id())));
  ASSIGN_OR_RETURN(const Place before,
                   PlaceFrom(asker, "ListMessages", request.chat_id(), request.page_token()));
  RETURN_IF_ERROR(FindOpenChat(parts_, asker, chat, Scope::kMessagesHistory, "chat_id").status());
  RETURN_IF_ERROR(CheckReadBudget(asker));
  ASSIGN_OR_RETURN(History::Page page, parts_.history.List(asker.viewer, chat, before, page_size));
  NoteHandedOver(parts_, asker, page);
  for (v1::Message& message : page.messages) *response.add_messages() = std::move(message);
  if (page.next_before != 0) {
    response.set_next_page_token(
        asker.book.tokens.Seal("ListMessages", request.chat_id(), absl::StrCat(page.next_before)));
  }
  return absl::OkStatus();
}

absl::Status MessageReader::List(const Caller& caller, const v1::ListMessagesRequest& request,
                                 v1::ListMessagesResponse& response) {
  RETURN_IF_ERROR(ReadAsNow(parts_, caller, response,
                            [&](const Asker& asker) { return ListNow(asker, request, response); }));
  CountRead(parts_, caller, response);
  return absl::OkStatus();
}

absl::StatusOr<History::Page> MessageReader::AroundNow(const Asker& asker,
                                                       const std::string& message_id, int before,
                                                       int after) {
  ASSIGN_OR_RETURN(const MessageId id,
                   CheckedId("message_id", asker.book.pseudonyms.DecodeMessage(message_id)));
  RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kMessagesHistory));
  RETURN_IF_ERROR(CheckReadBudget(asker));
  ASSIGN_OR_RETURN(History::Page page, parts_.history.Around(asker.viewer, id, before, after));
  RETURN_IF_ERROR(
      FindOpenChat(parts_, asker, page.chat, Scope::kMessagesHistory, "message_id").status());
  NoteHandedOver(parts_, asker, page);
  return page;
}

absl::Status MessageReader::Get(const Caller& caller, const v1::GetMessageRequest& request,
                                v1::GetMessageResponse& response) {
  RETURN_IF_ERROR(ReadAsNow(parts_, caller, response, [&](const Asker& asker) -> absl::Status {
    ASSIGN_OR_RETURN(History::Page page, AroundNow(asker, request.message_id(), 0, 0));
    *response.mutable_message() = std::move(page.messages.front());
    return absl::OkStatus();
  }));
  parts_.limits.CountRead(caller.principal, response.ByteSizeLong());
  CountReading(parts_, caller, response.message());
  return absl::OkStatus();
}

absl::Status MessageReader::Around(const Caller& caller,
                                   const v1::GetMessageContextRequest& request,
                                   v1::GetMessageContextResponse& response) {
  ASSIGN_OR_RETURN(const int before, ContextCount("before_count", request.before_count()));
  ASSIGN_OR_RETURN(const int after, ContextCount("after_count", request.after_count()));
  RETURN_IF_ERROR(ReadAsNow(parts_, caller, response, [&](const Asker& asker) -> absl::Status {
    ASSIGN_OR_RETURN(History::Page page, AroundNow(asker, request.message_id(), before, after));
    for (v1::Message& message : page.messages) *response.add_messages() = std::move(message);
    return absl::OkStatus();
  }));
  CountRead(parts_, caller, response);
  return absl::OkStatus();
}

absl::Status MessageReader::SearchNow(const Asker& asker, const v1::SearchMessagesRequest& request,
                                      v1::SearchMessagesResponse& response) {
  ASSIGN_OR_RETURN(const int page_size, CheckedPageSize(request.page_size()));
  MessageSearch::Query query;
  ASSIGN_OR_RETURN(query.words, QueryWords(request.query()));
  query.asked = parts_.confirmed_clock.Now();
  if (!request.chat_id().empty()) {
    ASSIGN_OR_RETURN(query.chat,
                     CheckedId("chat_id", asker.book.pseudonyms.DecodeChat(request.chat_id())));
  }
  if (!request.sender_contact_id().empty()) {
    ASSIGN_OR_RETURN(query.sender,
                     CheckedId("sender_contact_id",
                               asker.book.pseudonyms.DecodeContact(request.sender_contact_id())));
  }
  if (request.has_start_time()) query.start = FromProto(request.start_time());
  if (request.has_end_time()) query.end = FromProto(request.end_time());
  const std::string form = FormOf(request);
  ASSIGN_OR_RETURN(const Place before,
                   PlaceFrom(asker, "SearchMessages", form, request.page_token()));
  if (query.chat.empty()) {
    RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kMessagesSearch));
  } else {
    RETURN_IF_ERROR(
        FindOpenChat(parts_, asker, query.chat, Scope::kMessagesSearch, "chat_id").status());
  }
  RETURN_IF_ERROR(CheckReadBudget(asker));
  ASSIGN_OR_RETURN(MessageSearch::Page page, search_.Find(asker.viewer, query, before, page_size));
  for (auto& [chat, records] : page.found) {
    parts_.deliveries.Note(*asker.app, chat, std::move(records));
  }
  for (v1::Message& message : page.messages) *response.add_messages() = std::move(message);
  if (page.next_before != 0) {
    response.set_next_page_token(
        asker.book.tokens.Seal("SearchMessages", form, absl::StrCat(page.next_before)));
  }
  *response.mutable_indexed_through_time() = ToProto(page.indexed_through);
  return absl::OkStatus();
}

absl::Status MessageReader::Search(const Caller& caller, const v1::SearchMessagesRequest& request,
                                   v1::SearchMessagesResponse& response) {
  RETURN_IF_ERROR(ReadAsNow(parts_, caller, response, [&](const Asker& asker) {
    return SearchNow(asker, request, response);
  }));
  CountRead(parts_, caller, response);
  return absl::OkStatus();
}

}  // namespace postern::broker
