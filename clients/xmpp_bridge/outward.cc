// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/outward.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <utility>
#include <vector>

#include "clients/sdk/grants.h"
#include "clients/xmpp_bridge/access.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/message_text.h"

namespace postern::xmpp_bridge {

Outward::Outward(const Config& config, sdk::Client& client, Store& store, Component& component,
                 Rooms& rooms, Leases& leases, Files& files, absl::Time heard_until)
    : client_(client),
      store_(store),
      component_(component),
      leases_(leases),
      people_(config, store, component, rooms, files),
      teller_(config, store, component, rooms, people_),
      messages_(config, store, rooms, files, people_, pauses_),
      stanzas_(config, store, rooms, people_, messages_),
      chats_(config, client, store, rooms, leases, people_, messages_, teller_, heard_until) {}

void Outward::Stop() {
  pauses_.Stop();
  absl::MutexLock lock(&mutex_);
  if (events_ != nullptr) events_->Cancel();
}

absl::Status Outward::Subscribe() {
  auto events = client_.Subscribe({
      .name = kSubscription,
      .start = v1::SubscribeRequest::START_OLDEST,
      .include_backfill = true,
      .on_erase = [this](const v1::Event& event) { return Forget(event); },
      .on_erase_everything =
          [this] {
            bridging_ = false;  // what it writes from time to time it writes no more
            return store_.EraseAll();
          },
  });
  {
    absl::MutexLock lock(&mutex_);
    if (pauses_.stopped()) return absl::CancelledError();
    events_.swap(events);
  }
  // The one before ends here, where nobody waits for the lock.
  return absl::OkStatus();
}

absl::Status Outward::Forget(const v1::Event& event) {
  // The bridge's file holds no text of theirs; the copies of single messages on the XMPP side are
  // taken back when the event itself is told.
  if (!event.has_erase_asked() || !event.erase_asked().message_ids().empty()) {
    return absl::OkStatus();
  }
  const auto& named = event.erase_asked().chat_ids();
  std::vector<std::string> chats(named.begin(), named.end());
  if (chats.empty()) chats.push_back(event.chat_id());
  for (const auto& chat : chats) {
    if (auto status = store_.ForgetChat(chat); !status.ok()) return status;
    chats_.Forget(chat);
  }
  return absl::OkStatus();
}

absl::Status Outward::Run() {
  auto begun = store_.Meta("begun");
  if (!begun.ok()) return begun.status();
  if (begun->empty()) {
    *begun = absl::FormatTime(absl::RFC3339_full, absl::Now(), absl::UTCTimeZone());
    if (auto status = store_.SetMeta("begun", *begun); !status.ok()) return status;
  }
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, *begun, &begun_, &error)) begun_ = absl::InfinitePast();

  v1::ErrorReason said = v1::ERROR_REASON_UNSPECIFIED;
  for (;;) {
    if (auto status = Subscribe(); !status.ok()) return status;
    const absl::Status ended = Follow();
    if (!sdk::AccessRests(ended)) return ended;
    const v1::ErrorReason reason = sdk::ErrorReasonOf(ended);
    if (std::exchange(said, reason) != reason) {
      Log(AccessIsSuspended(ended) ? "your access is suspended; waiting until it is resumed"
                                   : "a limit of this access is used up; waiting");
    }
    if (!pauses_.For(sdk::RestOf(ended))) {
      return absl::CancelledError();
    }
  }
}

absl::Status Outward::Follow() {
  absl::Status opened = chats_.OpenAll();
  for (; !opened.ok(); opened = chats_.OpenAll()) {
    if (sdk::AccessIsOver(opened)) break;  // the stream ends with it, when all has been erased
    if (absl::IsCancelled(opened) || !sdk::IsRetriable(opened)) return opened;
    Log(absl::StrCat("waiting: ", opened.message()));
    if (!pauses_.For(kRetryPause)) return absl::CancelledError();
  }
  if (opened.ok() && !bridging_.exchange(true)) {
    if (auto seen = store_.SetSeen(absl::Now()); !seen.ok()) Log(std::string(seen.message()));
    Log("bridging");
  }
  std::string acknowledged;
  for (;;) {
    auto event = events_->Next();
    if (!event.ok()) return event.status();
    absl::Status carried = Carry(*event);
    for (; !carried.ok(); carried = Carry(*event)) {
      if (sdk::AccessIsOver(carried)) break;
      if (absl::IsCancelled(carried) || sdk::AccessRests(carried) ||
          sdk::ErrorReasonOf(carried) == v1::ERROR_REASON_SCOPE_REQUIRED) {
        return carried;
      }
      // Postern away, a full disk.
      Log(absl::StrCat("trying again: ", carried.message()));
      if (!pauses_.For(kRetryPause)) return absl::CancelledError();
    }
    if (!carried.ok()) continue;  // the stream ends with it, when all has been erased
    if (const std::string cursor = events_->cursor(); cursor != acknowledged) {
      if (auto status = events_->Acknowledge(); status.ok()) acknowledged = cursor;
    }
  }
}

absl::Status Outward::Carry(const v1::Event& event) {
  // Live notices are worth nothing after a restart, and are not written down.
  auto before = store_.WasDelivered(event.id());
  if (!before.ok()) return before.status();
  if (*before) return absl::OkStatus();
  if (event.has_request_completed()) {
    const auto& done = event.request_completed();
    if (!done.message_id().empty())
      return store_.SetMessageOf(done.request_id(), done.message_id());
    if (done.outcome() == v1::RequestCompleted::OUTCOME_DONE) return absl::OkStatus();
    return teller_.Say(event.id(), absl::StrCat("Not sent: ", OutcomeInWords(done)));
  }
  if (event.has_gap()) return teller_.Say(event.id(), GapInWords(event.gap()));
  if (event.has_contact_changed()) return people_.OnContact(event.contact_changed().contact());
  if (event.has_presence()) return people_.OnPresence(event.presence());
  // What was before the bridge's first run came with the chat's history.
  if (!event.backfill() && TimeOf(event.record_time()) < begun_ && !event.has_grant_changed()) {
    return absl::OkStatus();
  }
  if (event.has_chat_created() || event.has_chat_changed() || event.has_grant_changed() ||
      event.has_lease_changed()) {
    return chats_.OnChat(event);
  }
  if (event.chat_id().empty()) return absl::OkStatus();
  return CarryInChat(event);
}

absl::Status Outward::CarryInChat(const v1::Event& event) {
  const auto held = leases_.Held(event.chat_id());
  if (!held.ok()) return held.status();
  if (!*held) return absl::OkStatus();
  if (!chats_.IsOpen(event.chat_id())) {
    if (auto status = chats_.OpenAll(); !status.ok()) return status;
  }
  auto chat = store_.ChatById(event.chat_id());
  if (!chat.ok()) return chat.status();
  if (!chat->has_value() || !chats_.IsOpen(event.chat_id())) return absl::OkStatus();
  auto telling = stanzas_.Convert(event, **chat);
  if (!telling.ok()) return telling.status();
  if (event.has_typing()) {
    for (const auto& stanza : telling->stanzas) component_.Send(stanza);
    return absl::OkStatus();
  }
  return teller_.Tell(**chat, event.id(), *std::move(telling), SpeakerOf(event));
}

}  // namespace postern::xmpp_bridge
