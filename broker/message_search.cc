// SPDX-License-Identifier: Apache-2.0
#include "broker/message_search.h"

#include <algorithm>

#include "broker/event_intake.h"
#include "broker/limits.h"
#include "broker/search_text.h"
#include "broker/word_rows.h"
#include "permissions/decide.h"
#include "permissions/scope.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Scope;
using permissions::Verdict;

// Rows that one read of the index gives: a page of what an app sees whole takes one or two.
constexpr int kFindSlice = 64;
// A page ends when it has so many bytes; see ListMessages.
constexpr size_t kFoundBytesMax = size_t{1} << 20;

// Whether words can be found in the chat at all: only a message that is seen whole is found.
bool IsOpen(const Viewer& viewer, permissions::AccountId account, ChatId chat) {
  const permissions::ObjectFacts facts = viewer.directory.FactsOf(account, chat);
  return Decide(viewer.access, Scope::kMessagesSearch, facts, viewer.now) == Verdict::kAllowed &&
         Decide(viewer.access, Scope::kMessagesRead, facts, viewer.now) == Verdict::kAllowed;
}

// The chats that a search without a chat is about; nothing when none is open. Named are those that
// are open or those that are not, whichever are fewer.
std::optional<SearchScope> OpenChats(const Viewer& viewer) {
  std::vector<std::string> open;
  std::vector<std::string> closed;
  for (const auto& [account, chat] : viewer.directory.ChatIds()) {
    (IsOpen(viewer, account, chat) ? open : closed).push_back(WordOf(chat));
  }
  if (open.empty()) return std::nullopt;
  SearchScope scope;
  scope.all_but = closed.size() < open.size();
  scope.chats = std::move(scope.all_but ? closed : open);
  if (scope.chats.size() > kSearchChatsMax) scope.chats.clear();
  return scope;
}

// The index's rows are in order of history. A message stands there no earlier than it was written,
// but for a network's clock that is ahead.
Place FirstPlaceWrittenAt(absl::Time start) { return FirstPlaceAt(start - kEventTimeAheadMax); }

}  // namespace

absl::StatusOr<MessageSearch::Page> MessageSearch::Find(const Viewer& viewer, const Query& query,
                                                        Place before, int limit) {
  // Late is better than nothing: the page says how far the index came.
  const Sequence last = log_.last_sequence();
  if (const absl::Status status = index_.CatchUp(last, kSearchIndexWait);
      !status.ok() && !absl::IsDeadlineExceeded(status)) {
    return status;
  }
  Page page;
  page.indexed_through = query.asked;
  if (const Sequence through = index_.indexed_through(); through < last) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> newest, log_.Read({through}));
    if (newest.front() != nullptr) page.indexed_through = newest.front()->record_time;
  }
  std::optional<SearchScope> scope;
  if (query.chat.empty()) {
    scope = OpenChats(viewer);
  } else {
    const std::optional<v1::Chat> chat = viewer.directory.FindChat(query.chat);
    if (chat.has_value() &&
        IsOpen(viewer, IdFromText<permissions::AccountId>(chat->account_id()), query.chat)) {
      scope.emplace();
      scope->chats.push_back(WordOf(query.chat));
    }
  }
  if (!scope.has_value()) return page;
  if (!query.sender.empty()) scope->sender = WordOf(query.sender);
  const std::string expression = MatchExpression(query.words, *scope);
  const Place floor = std::max(History::FloorOf(viewer), FirstPlaceWrittenAt(query.start));

  size_t bytes = 0;
  size_t looked_at = 0;
  for (size_t rows = 0; rows < rows_max_ && looked_at < kHistoryLooksMax;) {
    ASSIGN_OR_RETURN(const std::vector<SearchIndex::Hit> hits,
                     index_.Find(expression, before, floor, kFindSlice));
    std::vector<Sequence> created;
    std::vector<const SearchIndex::Hit*> looked;
    for (const SearchIndex::Hit& hit : hits) {
      if (hit.written < query.start || hit.written >= query.end) continue;
      created.push_back(hit.sequence);
      looked.push_back(&hit);
    }
    ASSIGN_OR_RETURN(std::vector<std::optional<History::Shown>> shown,
                     history_.Show(viewer, created));
    for (size_t i = 0; i < looked.size(); ++i) {
      if (!shown[i].has_value()) continue;
      v1::Message& message = shown[i]->message;
      if (message.deleted() || message.withheld()) continue;
      if (SearchText(message) != looked[i]->text) continue;
      bytes += message.ByteSizeLong();
      page.messages.push_back(std::move(message));
      shown[i]->folded.push_back(looked[i]->sequence);
      page.found.emplace_back(shown[i]->chat, std::move(shown[i]->folded));
      page.next_before = looked[i]->place;
      if (static_cast<int>(page.messages.size()) == limit || bytes >= kFoundBytesMax) return page;
    }
    if (hits.size() < size_t{kFindSlice}) {
      page.next_before = 0;
      return page;
    }
    before = page.next_before = hits.back().place;
    rows += hits.size();
    looked_at += looked.size();
  }
  return page;
}

}  // namespace postern::broker
