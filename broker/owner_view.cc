// SPDX-License-Identifier: Apache-2.0
// What an app sees, and what it has seen, for the owner: through the same ViewEvent that serves the
// app. Nothing here counts as the app's reading. The owner's key alone shows nothing: the person is
// asked first (owner_sight.h).
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broker/app_registry.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/event_log.h"
#include "broker/event_view.h"
#include "broker/limits.h"
#include "broker/method_gate.h"
#include "broker/owner_service.h"
#include "broker/owner_sight.h"
#include "broker/past_grants.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/shutdown.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::ChatId;
using permissions::Grant;
using permissions::Principal;

// Records that are looked at together, each up to kEventBytesMax.
constexpr uint64_t kSlice = 64;
// A page ends when it has so many bytes: gRPC's clients take 4 MiB by default.
constexpr size_t kPageBytesMax = size_t{1} << 20;

// One way in which the app looks, or looked, at a part of the log.
struct Eye {
  // Of 'viewer'. Moving an Eye leaves them where they are.
  std::vector<Grant> grants;
  Viewer viewer;
  // Of which records.
  Delivery reach;

  bool Reaches(const LogRecord& record) const {
    return reach.first <= record.sequence && record.sequence <= reach.last &&
           (reach.chat.empty() || reach.chat == record.chat);
  }
};

Viewer ViewerOf(const Parts& parts, const AppSnapshot& app) {
  return {app,
          parts.apps.AccessOf(app),
          parts.pseudonyms.Of(app.principal).pseudonyms,
          parts.directory,
          parts.history,
          parts.clock.Now()};
}

std::vector<Eye> EyesNow(const Parts& parts, const AppSnapshot& app) {
  std::vector<Eye> eyes;
  // To whom nothing is granted no stream opens, not even to be told of an end.
  if (std::none_of(app.grants.begin(), app.grants.end(), [](const Grant& grant) {
        return grant.state == permissions::GrantState::kActive;
      })) {
    return eyes;
  }
  eyes.push_back({.grants = {},
                  .viewer = ViewerOf(parts, app),
                  .reach = {.first = 1, .last = parts.log.last_sequence()}});
  return eyes;
}

// For each stretch that was handed over, the grants as they were then: all that have been in force
// within it, as if they still were.
absl::StatusOr<std::vector<Eye>> EyesThen(const Parts& parts, const AppSnapshot& app) {
  ASSIGN_OR_RETURN(const std::vector<PastGrant> forms,
                   AllFormsOfGrants(parts.store, app.principal, app.grants));
  std::vector<Eye> eyes;
  for (const Delivery& delivery : parts.deliveries.Of(app.principal)) {
    Eye eye{.grants = {}, .viewer = ViewerOf(parts, app), .reach = delivery};
    for (const PastGrant& form : forms) {
      if (form.until <= delivery.from_time || form.grant.create_time > delivery.to_time) continue;
      Grant& grant = eye.grants.emplace_back(form.grant);
      grant.validity = {};
      grant.only_while_unlocked = false;
    }
    eye.viewer.access.paused = false;
    eyes.push_back(std::move(eye));
    eyes.back().viewer.access.grants = eyes.back().grants;
  }
  return eyes;
}

// The most that any of the eyes sees of a record.
absl::StatusOr<std::optional<v1::Event>> ViewByAny(const LogRecord& record,
                                                   const std::vector<Eye>& eyes) {
  std::optional<v1::Event> best;
  for (const Eye& eye : eyes) {
    if (!eye.Reaches(record)) continue;
    ASSIGN_OR_RETURN(std::optional<v1::Event> event, ViewEvent(record, eye.viewer));
    // The contract numbers what is more with less.
    if (event.has_value() && (!best.has_value() || event->view() < best->view())) {
      best = std::move(event);
    }
  }
  return best;
}

// Reads the records 'first' to 'last', oldest first, as far as they are kept.
absl::StatusOr<std::vector<RecordPointer>> ReadAll(EventLog& log, Sequence first, Sequence last) {
  std::vector<RecordPointer> records;
  Sequence position = first - 1;
  while (position < last) {
    ASSIGN_OR_RETURN(const std::vector<RecordPointer> more,
                     log.ReadAfter(position, static_cast<int>(last - position)));
    if (more.empty()) break;
    for (const RecordPointer& record : more) {
      if (record->sequence <= last) records.push_back(record);
    }
    position = more.back()->sequence;
  }
  return records;
}

}  // namespace

grpc::Status OwnerService::ViewAsApp(grpc::ServerContext* context,
                                     const v1::ViewAsAppRequest* request,
                                     v1::ViewAsAppResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.OwnerService/ViewAsApp", request,
      [&](const Caller& caller) -> absl::Status {
        ASSIGN_OR_RETURN(const int page_size, CheckedPageSize(request->page_size()));
        const Principal principal = Principal::FromHex(request->principal());
        if (principal.empty()) return InvalidField("principal", "must be 64 hex digits");
        const PseudonymBook::Page& own = parts_.pseudonyms.Of(caller.principal);
        ChatId chat;
        if (!request->chat_id().empty()) {
          ASSIGN_OR_RETURN(chat,
                           CheckedId("chat_id", own.pseudonyms.DecodeChat(request->chat_id())));
        }
        const std::string filter = absl::StrCat(request->principal(), "|", request->chat_id(), "|",
                                                request->already_seen() ? "seen" : "now");
        Sequence before = 0;
        if (!request->page_token().empty()) {
          const auto payload = own.tokens.Open("ViewAsApp", filter, request->page_token());
          if (!payload.has_value() || !absl::SimpleAtoi(*payload, &before)) {
            return InvalidPageToken();
          }
        }
        const Standing standing = parts_.apps.StandingOf(principal);
        if (standing != Standing::kApp && standing != Standing::kRevoked) {
          return NotFound("principal");
        }
        RETURN_IF_ERROR(
            parts_.sight.Admit(caller, parts_.apps.Find(principal)->app.display_name(),
                               [&] { return context->IsCancelled() || parts_.shutdown.begun(); }));
        // What is so now that the person has answered.
        const AppPointer app = parts_.apps.Find(principal);
        if (before == 0) before = parts_.log.last_sequence() + 1;
        std::vector<Eye> eyes;
        if (request->already_seen()) {
          ASSIGN_OR_RETURN(eyes, EyesThen(parts_, *app));
        } else {
          eyes = EyesNow(parts_, *app);
        }

        const Sequence oldest = parts_.log.oldest_sequence();
        const Sequence end = before - std::min<Sequence>(before - 1, kViewRecordsMax);
        size_t bytes = 0;
        std::set<ChatId> chats;
        while (before > std::max(oldest, end) && !context->IsCancelled()) {
          const Sequence first = before - std::min<Sequence>(before - oldest, kSlice);
          ASSIGN_OR_RETURN(const std::vector<RecordPointer> records,
                           ReadAll(parts_.log, first, before - 1));
          for (auto record = records.rbegin(); record != records.rend(); ++record) {
            if (!chat.empty() && (*record)->chat != chat) continue;
            // Its app is told of a gap in its place.
            if ((*record)->erased_by == ErasedBy::kRetention) continue;
            ASSIGN_OR_RETURN(std::optional<v1::Event> event, ViewByAny(**record, eyes));
            if (!event.has_value()) continue;
            if (response->events_size() == page_size || bytes > kPageBytesMax) {
              response->set_next_page_token(
                  own.tokens.Seal("ViewAsApp", filter, absl::StrCat((*record)->sequence + 1)));
              break;
            }
            bytes += event->ByteSizeLong();
            if (!(*record)->chat.empty()) chats.insert((*record)->chat);
            *response->add_events() = *std::move(event);
          }
          if (!response->next_page_token().empty()) break;
          before = first;
        }
        if (response->next_page_token().empty() && before > oldest) {
          response->set_next_page_token(own.tokens.Seal("ViewAsApp", filter, absl::StrCat(before)));
        }
        const permissions::Pseudonyms& theirs = parts_.pseudonyms.Of(principal).pseudonyms;
        for (const ChatId& id : chats) {
          const std::optional<v1::Chat> known = parts_.directory.FindChat(id);
          if (!known.has_value() || known->name().empty()) continue;
          v1::ViewedName& name = *response->add_names();
          name.set_id(theirs.Encode(id));
          name.set_name(known->name());
        }
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
