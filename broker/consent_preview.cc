// SPDX-License-Identifier: Apache-2.0
#include "broker/consent_preview.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/event_intake.h"
#include "broker/event_view.h"
#include "broker/proto_time.h"
#include "permissions/decide.h"
#include "permissions/display_text.h"
#include "platform/status_macros.h"
#include "postern/v1/message.pb.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::ConsentAnswer;
using permissions::ConsentDecision;
using permissions::ConsentPreview;
using permissions::ConsentQuestion;
using permissions::Grant;
using permissions::PreviewLine;
using permissions::Scope;
using permissions::Verdict;
using permissions::View;

// Chats whose messages are looked at: more than fill the preview, and some milliseconds of reading.
constexpr size_t kPreviewChatsMax = 50;
// Of each of them.
constexpr int kPreviewMessagesPerChat = 20;
// Where more chats are open, those that spoke last are found among so many records.
constexpr Sequence kPreviewRecordsMax = 4096;

absl::StatusOr<Grant> GrantOfDraft(const ConsentQuestion& question, ConsentAnswer draft,
                                   absl::Time now) {
  draft.decision = ConsentDecision::kAllow;
  // What the person will call it does not change what it sees.
  if (draft.given_name.empty()) draft.given_name = std::string(permissions::kUnnamed);
  return permissions::GrantFrom(question, draft, now);
}

bool Opens(const permissions::Access& access, const Grant& grant, const v1::Chat& chat,
           const Directory& directory, absl::Time now) {
  const permissions::ObjectFacts facts = directory.FactsOf(
      IdFromText<permissions::AccountId>(chat.account_id()), IdFromText<ChatId>(chat.id()));
  for (const Scope scope : grant.scopes.ToVector()) {
    if (Decide(access, scope, facts, now) == Verdict::kAllowed) return true;
  }
  return false;
}

struct NamedChat {
  ChatId id;
  std::string name;
};

// Returns at most kPreviewChatsMax of 'open', those that spoke last where there are more.
absl::StatusOr<std::vector<NamedChat>> LastToSpeak(std::vector<NamedChat> open, EventLog& log) {
  if (open.size() <= kPreviewChatsMax) return open;
  absl::flat_hash_map<ChatId, const NamedChat*> by_id;
  for (const NamedChat& chat : open) by_id.emplace(chat.id, &chat);
  const Sequence last = log.last_sequence();
  Sequence at = last > kPreviewRecordsMax ? last - kPreviewRecordsMax : 0;
  std::vector<ChatId> spoke;
  while (at < last) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                     log.ReadAfter(at, static_cast<int>(last - at)));
    if (records.empty()) break;
    for (const RecordPointer& record : records) {
      if (record->kind == v1::Event::kMessageCreated) spoke.push_back(record->chat);
    }
    at = records.back()->sequence;
  }
  std::vector<NamedChat> last_to_speak;
  for (auto chat = spoke.rbegin(); chat != spoke.rend(); ++chat) {
    if (last_to_speak.size() == kPreviewChatsMax) break;
    const auto found = by_id.find(*chat);
    if (found == by_id.end()) continue;
    last_to_speak.push_back(*found->second);
    by_id.erase(found);
  }
  return last_to_speak;
}

PreviewLine LineOf(const v1::Message& message, const std::string& chat, bool reads) {
  PreviewLine line;
  line.chat = chat;
  if (!message.from_owner()) line.sender = permissions::CleanName(message.sender_display_name());
  line.time = absl::FromUnixSeconds(
      std::max<int64_t>(0, absl::ToUnixSeconds(FromProto(message.create_time()))));
  if (message.withheld()) {
    line.view = View::kWithheld;
    return line;
  }
  line.view = reads ? View::kWhole : View::kMetadata;
  if (reads && !message.text().empty()) {
    line.text = permissions::CleanText(message.text(), permissions::kPreviewTextMax);
  } else if (reads && message.attachments_size() > 0) {
    line.text = permissions::CleanName(message.attachments(0).file_name());
  }
  return line;
}

}  // namespace

ConsentPreview ConsentPreviews::Of(const ConsentQuestion& question,
                                   const ConsentAnswer& draft) const {
  const absl::Time now = clock_.Now();
  const absl::StatusOr<Grant> grant = GrantOfDraft(question, draft, now);
  if (!grant.ok()) return {};

  AppSnapshot app;
  app.principal = question.principal;
  app.standing = Standing::kApp;
  app.grants = {*grant};
  const bool stays = question.destination.kind == permissions::DestinationKind::kStaysOnDevice;
  const auto access_of = [&](const Grant& one) {
    permissions::Access access;
    access.grants = {&one, 1};
    access.leaves_device = !stays;
    return access;
  };
  // By the example of messages that are there already: as if the grant had stood when they came.
  Grant example = *grant;
  example.create_time = absl::InfinitePast();
  const auto& pseudonyms = pseudonyms_.Of(question.principal).pseudonyms;
  const Viewer as_it_came{app, access_of(example), pseudonyms, directory_, history_, now};
  const Viewer at_once{app, access_of(*grant), pseudonyms, directory_, history_, now};

  ConsentPreview preview;
  std::vector<NamedChat> open;
  for (const v1::Chat& chat : directory_.Chats()) {
    if (!Opens(as_it_came.access, *grant, chat, directory_, now)) continue;
    ++preview.chats;
    open.push_back({IdFromText<ChatId>(chat.id()), permissions::CleanName(chat.name())});
  }
  const absl::StatusOr<std::vector<NamedChat>> looked_at = LastToSpeak(std::move(open), log_);
  if (!looked_at.ok()) return {};
  const bool reads = grant->scopes.Has(Scope::kMessagesRead);
  const bool has_history = grant->scopes.Has(Scope::kMessagesHistory);
  for (const NamedChat& chat : *looked_at) {
    const auto came = history_.List(as_it_came, chat.id, kPlaceEnd, kPreviewMessagesPerChat);
    if (!came.ok()) return {};
    for (const v1::Message& message : came->messages) {
      ++preview.messages;
      preview.lines.push_back(LineOf(message, chat.name, reads));
    }
    if (!has_history) continue;
    const auto old = history_.List(at_once, chat.id, kPlaceEnd, kPreviewMessagesPerChat);
    if (!old.ok()) return {};
    preview.readable_now += static_cast<uint32_t>(old->messages.size());
  }
  std::stable_sort(preview.lines.begin(), preview.lines.end(),
                   [](const PreviewLine& a, const PreviewLine& b) { return a.time > b.time; });
  if (preview.lines.size() > permissions::kPreviewLinesMax) {
    preview.lines.resize(permissions::kPreviewLinesMax);
  }
  preview.known = true;
  return preview;
}

}  // namespace postern::broker
