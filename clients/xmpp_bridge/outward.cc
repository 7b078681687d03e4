// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/outward.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "clients/sdk/stubs.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/message_text.h"

namespace postern::xmpp_bridge {
namespace {

constexpr absl::Duration kRetryPause = absl::Seconds(2);
// An access that is suspended, or whose limit is used up, is looked at again so often.
constexpr absl::Duration kSuspendedPause = absl::Seconds(5);
constexpr auto kCallTimeout = std::chrono::seconds(20);
// Then a file is named in the chat and not carried.
constexpr int kFileTries = 5;
// A room that refuses a ghost gets it under other nicks, so often.
constexpr int kNickTries = 3;
// What others do with the user's own message can be told before the send has answered.
constexpr absl::Duration kInwardPatience = absl::Seconds(5);
constexpr size_t kAvatarBytesMax = 256 * 1024;
// What is told later than this bears the time when it was written.
constexpr absl::Duration kLate = absl::Seconds(60);

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

bool AccessIsOver(const absl::Status& status) {
  const v1::ErrorReason reason = sdk::ErrorReasonOf(status);
  return reason == v1::ERROR_REASON_GRANT_REVOKED || reason == v1::ERROR_REASON_GRANT_EXPIRED;
}

Outward::Outward(const Config& config, sdk::Client& client, Store& store, Component& component,
                 Rooms& rooms, Leases& leases, Files& files, absl::Time heard_until)
    : config_(config),
      client_(client),
      store_(store),
      component_(component),
      rooms_(rooms),
      leases_(leases),
      files_(files),
      heard_until_(heard_until) {}

void Outward::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
    if (events_ != nullptr) events_->Cancel();
  }
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
    if (stopping_) return absl::CancelledError();
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
    opened_.erase(chat);
  }
  return absl::OkStatus();
}

bool Outward::Pause(absl::Duration pause) {
  absl::MutexLock lock(&mutex_);
  const absl::Time until = absl::Now() + pause;
  while (!stopping_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
  return !stopping_;
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
    const v1::ErrorReason reason = sdk::ErrorReasonOf(ended);
    const bool suspended = reason == v1::ERROR_REASON_GRANT_SUSPENDED;
    if (!suspended && reason != v1::ERROR_REASON_LIMIT_EXCEEDED) return ended;
    if (std::exchange(said, reason) != reason) {
      Log(suspended ? "your access is suspended; waiting until it is resumed"
                    : "a limit of this access is used up; waiting");
    }
    if (!Pause(std::max(kSuspendedPause, sdk::RetryAfterOf(ended)))) {
      return absl::CancelledError();
    }
  }
}

absl::Status Outward::Follow() {
  absl::Status opened = OpenChats();
  for (; !opened.ok(); opened = OpenChats()) {
    if (AccessIsOver(opened)) break;  // the stream ends with it, when all has been erased
    if (absl::IsCancelled(opened) || !sdk::IsRetriable(opened)) return opened;
    Log(absl::StrCat("waiting: ", opened.message()));
    if (!Pause(kRetryPause)) return absl::CancelledError();
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
      const v1::ErrorReason reason = sdk::ErrorReasonOf(carried);
      if (AccessIsOver(carried)) break;
      if (absl::IsCancelled(carried) || reason == v1::ERROR_REASON_SCOPE_REQUIRED ||
          reason == v1::ERROR_REASON_GRANT_SUSPENDED || reason == v1::ERROR_REASON_LIMIT_EXCEEDED) {
        return carried;
      }
      // Postern away, a full disk.
      Log(absl::StrCat("trying again: ", carried.message()));
      if (!Pause(kRetryPause)) return absl::CancelledError();
    }
    if (!carried.ok()) continue;  // the stream ends with it, when all has been erased
    if (const std::string cursor = events_->cursor(); cursor != acknowledged) {
      if (auto status = events_->Acknowledge(); status.ok()) acknowledged = cursor;
    }
  }
}

absl::Status Outward::OpenChats() {
  sdk::PageOptions page;
  do {
    auto accounts = client_.ListAccounts(page);
    if (!accounts.ok()) return accounts.status();
    for (const auto& account : accounts->items) self_.insert(account.self_contact_id());
    page.page_token = accounts->next_page_token;
  } while (!page.page_token.empty());
  do {
    auto chats = client_.ListChats({}, page);
    if (!chats.ok()) return chats.status();
    for (const auto& chat : chats->items) {
      if (auto status = OpenChat(chat); !status.ok()) return status;
    }
    page.page_token = chats->next_page_token;
  } while (!page.page_token.empty());
  return absl::OkStatus();
}

absl::Status Outward::OpenChat(const v1::Chat& chat) {
  const bool group = chat.kind() == v1::CHAT_KIND_GROUP;
  if (opened_.contains(chat.id()) || (group && config_.rooms.empty())) return absl::OkStatus();
  const auto held = leases_.Held(chat.id());
  if (!held.ok()) return held.status();
  if (!*held) return absl::OkStatus();

  auto entry = store_.ChatOf(chat.id(), chat.name(), group, chat.peer_contact_id());
  if (!entry.ok()) return entry.status();
  Telling telling;
  if (group) {
    std::vector<Person> people;
    v1::ListParticipantsRequest request;
    request.set_chat_id(chat.id());
    do {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
      v1::ListParticipantsResponse response;
      if (auto status =
              StatusOfCall(client_.stubs().chat->ListParticipants(&context, request, &response));
          !status.ok()) {
        return status;
      }
      for (const auto& participant : response.participants()) {
        auto person = PersonOf(participant.contact_id(), participant.display_name());
        if (!person.ok()) return person.status();
        people.push_back(*person);
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    telling.stanzas = rooms_.Open(
        *entry, people,
        entry->opened
            ? absl::ToInt64Seconds(std::max(absl::ZeroDuration(), absl::Now() - heard_until_))
            : 0);
    if (!entry->opened) {
      const std::string self = absl::StrCat(config_.component, "/", kResource);
      TagPtr invite = MakeTag("message", {{"from", self}, {"to", config_.owner}});
      Add(*invite, "x", kInvite, {{"jid", rooms_.JidOf(*entry)}, {"reason", chat.name()}});
      telling.stanzas.push_back(invite->xml());
    }
    if (!chat.topic().empty()) {
      TagPtr subject =
          MakeTag("message", {{"type", "groupchat"},
                              {"from", absl::StrCat(config_.component, "/", kResource)},
                              {"to", rooms_.JidOf(*entry)}});
      Add(*subject, "subject", nullptr, {}, chat.topic());
      telling.stanzas.push_back(subject->xml());
    }
  } else if (!chat.peer_contact_id().empty()) {
    auto person = PersonOf(chat.peer_contact_id(), chat.name());
    if (!person.ok()) return person.status();
    if (!entry->opened && !person->subscribed) {
      TagPtr offer = MakeTag("presence", {{"type", "subscribe"},
                                          {"from", BareOf(rooms_.GhostJid(*person))},
                                          {"to", config_.owner}});
      Add(*offer, "nick", kNick, {}, person->name);
      telling.stanzas.push_back(offer->xml());
    }
  }
  if (auto status = Tell(*entry, {}, std::move(telling), {}); !status.ok()) return status;
  if (!entry->opened) {
    if (auto status = BringHistory(chat, *entry); !status.ok()) return status;
    if (auto status = store_.SetOpened(chat.id()); !status.ok()) return status;
  }
  opened_.insert(chat.id());
  return absl::OkStatus();
}

absl::Status Outward::BringHistory(const v1::Chat& chat, const ChatEntry& entry) {
  const auto wanted = static_cast<size_t>(config_.history_messages);
  std::vector<v1::Message> messages;
  sdk::PageOptions page;
  while (messages.size() < wanted) {
    page.page_size = static_cast<int>(std::min<size_t>(wanted - messages.size(), 100));
    auto found = client_.ListMessages(chat.id(), page);
    if (!found.ok()) {
      if (sdk::IsRetriable(found.status())) return found.status();
      return absl::OkStatus();  // not granted: then it begins with what comes
    }
    for (auto& message : found->items) messages.push_back(std::move(message));
    page.page_token = found->next_page_token;
    if (page.page_token.empty()) break;
  }
  std::reverse(messages.begin(), messages.end());
  for (const auto& message : messages) {
    if (message.deleted() || message.withheld()) continue;
    Telling telling;
    if (auto status = AddMessage(entry, message, true, telling); !status.ok()) return status;
    if (auto status = Tell(entry, {}, std::move(telling), message.sender_contact_id());
        !status.ok()) {
      return status;
    }
    std::map<std::string, std::set<std::string>> reactions;
    for (const auto& reaction : message.reactions()) {
      reactions[reaction.contact_id()].insert(reaction.emoji());
    }
    for (const auto& [contact, emojis] : reactions) {
      Telling reacting;
      if (auto status = AddReactions(entry, message.id(), contact, emojis,
                                     absl::StrCat(message.id(), ".", contact), reacting);
          !status.ok()) {
        return status;
      }
      if (auto status = Tell(entry, {}, std::move(reacting), contact); !status.ok()) return status;
    }
  }
  if (messages.size() >= wanted ||
      chat.capabilities().backfill() == v1::CAPABILITY_LEVEL_REJECTED) {
    return absl::OkStatus();
  }
  // Older ones come as events of the past, when the messenger has them.
  grpc::ClientContext context;
  v1::RequestBackfillRequest request;
  request.set_request_id(absl::StrCat("backfill-", chat.id()));
  request.set_chat_id(chat.id());
  request.set_messages_max(static_cast<uint32_t>(wanted - messages.size()));
  context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  v1::RequestBackfillResponse response;
  const absl::Status asked =
      StatusOfCall(client_.stubs().chat->RequestBackfill(&context, request, &response));
  return sdk::IsRetriable(asked) ? asked : absl::OkStatus();
}

absl::StatusOr<Person> Outward::PersonOf(const std::string& contact_id, const std::string& name) {
  if (IsSelf(contact_id)) return store_.PersonOf(contact_id, "You");
  return store_.PersonOf(contact_id, name);
}

absl::StatusOr<Route> Outward::RouteOf(const ChatEntry& chat, const std::string& contact_id,
                                       Telling& telling, const std::string& name) {
  // In a 1:1 chat the user's own ghost has no voice: the other's says what the user said elsewhere.
  const bool through_peer = !chat.group && (contact_id.empty() || IsSelf(contact_id));
  auto person = through_peer ? PersonOf(chat.peer_contact_id) : PersonOf(contact_id, name);
  if (!person.ok()) return person.status();
  if (!chat.group) {
    return Route{BareOf(rooms_.GhostJid(*person)), config_.owner, false, person->name};
  }
  for (auto& stanza : rooms_.Join(chat, *person)) telling.stanzas.push_back(std::move(stanza));
  return Route{rooms_.GhostJid(*person), rooms_.JidOf(chat), true, {}};
}

std::string Outward::Reference(const ChatEntry& chat, const MessageLink& link) const {
  return chat.group && !link.stanza_id.empty() ? link.stanza_id : link.xmpp_id;
}

absl::StatusOr<std::optional<MessageLink>> Outward::Find(const std::string& message_id) {
  const absl::Time until = absl::Now() + kInwardPatience;
  for (;;) {
    // In this order: what is being made when it is asked for is there when it is no longer.
    const bool carrying = store_.carrying();
    auto link = store_.LinkOf(message_id);
    if (!link.ok() || link->has_value() || !carrying || absl::Now() >= until) return link;
    if (!Pause(absl::Milliseconds(20))) return absl::CancelledError();
  }
}

absl::StatusOr<Answered> Outward::AnsweredBy(const ChatEntry& chat, const v1::ReplyTo& reply) {
  Answered answered;
  if (reply.message_id().empty()) return answered;
  auto link = Find(reply.message_id());
  if (!link.ok()) return link.status();
  answered.excerpt = reply.excerpt();
  if (!link->has_value()) {
    // Older than what was bridged: a quotation is all that is left.
    answered.id = reply.message_id();
  } else {
    answered.id = Reference(chat, **link);
  }
  const std::string author =
      link->has_value() ? (*link)->sender_contact_id : reply.sender_contact_id();
  if (chat.group) {
    const std::string nick = rooms_.NickOf(chat.chat_id, author);
    if (!nick.empty()) answered.author = absl::StrCat(rooms_.JidOf(chat), "/", nick);
  } else if (link->has_value() && (*link)->from_xmpp) {
    answered.author = config_.owner;
  } else if (auto person = PersonOf(chat.peer_contact_id); person.ok()) {
    answered.author = BareOf(rooms_.GhostJid(*person));
  }
  return answered;
}

absl::StatusOr<std::string> Outward::FileOf(const Route& route, const std::string& id,
                                            const v1::Attachment& attachment,
                                            absl::Time delayed_from) {
  absl::StatusOr<std::string> url;
  for (int tries = 0; tries < kFileTries; ++tries) {
    url = files_.ToXmpp(attachment);
    if (url.ok()) return FileStanza(route, id, *url, delayed_from);
    if (!absl::IsUnavailable(url.status())) break;
    if (!Pause(kRetryPause)) return absl::CancelledError();
  }
  Log(absl::StrCat("a file is not carried: ", url.status().message()));
  return TextStanza(route, id, FileInWords(attachment, std::string(url.status().message())), {},
                    delayed_from);
}

absl::Status Outward::AddMessage(const ChatEntry& chat, const v1::Message& message, bool old,
                                 Telling& telling) {
  auto known = store_.LinkOf(message.id());
  if (!known.ok()) return known.status();
  if (known->has_value() && (*known)->told) return absl::OkStatus();
  const std::string speaker = message.sender_contact_id();
  auto route = RouteOf(chat, speaker, telling, message.sender_display_name());
  if (!route.ok()) return route.status();
  auto answered = AnsweredBy(chat, message.reply_to());
  if (!answered.ok()) return answered.status();
  const absl::Time written = TimeOf(message.create_time());
  const absl::Time delayed =
      old || absl::Now() - written > kLate ? written : absl::InfiniteFuture();

  const auto link = [&](const std::string& xmpp_id) {
    telling.links.push_back({chat.chat_id, message.id(), xmpp_id, "", speaker});
  };
  std::string text = TextOf(message);
  if (!chat.group && message.from_owner() && (!text.empty() || message.attachments().empty())) {
    text = absl::StrCat("You: ", text);
  }
  std::string id = message.id();
  if (!text.empty() || message.attachments().empty()) {
    telling.stanzas.push_back(TextStanza(*route, id, text, *answered, delayed));
    link(id);
    id.clear();
  }
  for (const auto& attachment : message.attachments()) {
    // Its bytes may still be on their way: attachment_ready brings them.
    if (attachment.size_bytes() == 0 && !old) continue;
    const std::string file_id = id.empty() ? FileId(message.id(), attachment.id()) : id;
    auto stanza = FileOf(*route, file_id, attachment, delayed);
    if (!stanza.ok()) return stanza.status();
    telling.stanzas.push_back(*std::move(stanza));
    link(file_id);
    id.clear();
  }
  return absl::OkStatus();
}

absl::Status Outward::AddReactions(const ChatEntry& chat, const std::string& message_id,
                                   const std::string& contact_id,
                                   const std::set<std::string>& emojis, const std::string& event_id,
                                   Telling& telling) {
  auto link = Find(message_id);
  if (!link.ok()) return link.status();
  // The user's own reactions from another device have nobody to say them in a 1:1 chat.
  if (!link->has_value() || (!chat.group && IsSelf(contact_id))) return absl::OkStatus();
  auto route = RouteOf(chat, contact_id, telling);
  if (!route.ok()) return route.status();
  telling.stanzas.push_back(ReactionsStanza(*route, event_id, Reference(chat, **link), emojis));
  return store_.SetReactions(message_id, contact_id, emojis);
}

absl::Status Outward::Tell(const ChatEntry& chat, const std::string& event_id, Telling telling,
                           const std::string& speaker) {
  if (auto status = store_.Announce(telling.links); !status.ok()) return status;
  for (int tries = 0;; ++tries) {
    const absl::Status status = component_.Deliver(telling.stanzas);
    if (absl::IsCancelled(status)) return status;
    if (status.ok()) break;
    // Sent back. In a room a ghost may have been put out, or its nick be somebody else's.
    if (!chat.group || speaker.empty() || tries == kNickTries) {
      Log(absl::StrCat("the XMPP server refuses a stanza: ", status.message()));
      break;
    }
    auto person = PersonOf(speaker);
    if (!person.ok()) return person.status();
    auto again = rooms_.JoinAgain(chat, *person, tries > 0);
    telling.stanzas.insert(telling.stanzas.begin(), again.begin(), again.end());
  }
  if (event_id.empty() && telling.links.empty()) return absl::OkStatus();
  for (auto& link : telling.links) link.told = true;
  return store_.Delivered(event_id, telling.links);
}

absl::Status Outward::Say(const std::string& event_id, const std::string& text) {
  Telling telling;
  telling.stanzas.push_back(TextStanza({config_.component, config_.owner, false, "Postern"},
                                       event_id, text, {}, absl::InfiniteFuture()));
  return Tell({}, event_id, std::move(telling), {});
}

absl::Status Outward::OnContact(const v1::Contact& contact) {
  auto person = PersonOf(contact.id(), contact.display_name());
  if (!person.ok()) return person.status();
  if (person->avatar_id != contact.avatar_attachment_id()) {
    person->avatar_id = contact.avatar_attachment_id();
    person->avatar.clear();
    if (!person->avatar_id.empty()) {
      auto picture = files_.Read(person->avatar_id, kAvatarBytesMax);
      if (!picture.ok() && sdk::IsRetriable(picture.status())) return picture.status();
      if (picture.ok()) person->avatar = *std::move(picture);
    }
    person->avatar_type = PictureType(person->avatar);
    if (auto status = store_.SetAvatar(*person); !status.ok()) return status;
  }
  if (person->subscribed) {
    component_.Send(PresenceStanza(BareOf(rooms_.GhostJid(*person)), config_.owner,
                                   person->presence, person->name, person->avatar));
  }
  return absl::OkStatus();
}

absl::Status Outward::OnChat(const v1::Event& event) {
  if (event.has_chat_created()) return OpenChat(event.chat_created().chat());
  // Newly granted chats, and those whose lease has come to us.
  if (event.has_grant_changed()) return OpenChats();
  if (event.has_lease_changed()) {
    return event.lease_changed().held_by_self() ? OpenChats() : absl::OkStatus();
  }
  if (!event.has_chat_changed()) return absl::OkStatus();
  const v1::Chat& chat = event.chat_changed().chat();
  auto before = store_.ChatById(chat.id());
  if (!before.ok()) return before.status();
  if (!before->has_value() || !(*before)->group) return absl::OkStatus();
  auto entry = store_.ChatOf(chat.id(), chat.name(), true, {});
  if (!entry.ok()) return entry.status();
  Telling telling;
  telling.stanzas = rooms_.Open(*entry, {}, 0);
  TagPtr subject = MakeTag("message", {{"type", "groupchat"},
                                       {"from", absl::StrCat(config_.component, "/", kResource)},
                                       {"to", rooms_.JidOf(*entry)}});
  Add(*subject, "subject", nullptr, {}, chat.topic());
  telling.stanzas.push_back(subject->xml());
  return Tell(*entry, event.id(), std::move(telling), {});
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
    return Say(event.id(), absl::StrCat("Not sent: ", OutcomeInWords(done)));
  }
  if (event.has_gap()) return Say(event.id(), GapInWords(event.gap()));
  if (event.has_contact_changed()) return OnContact(event.contact_changed().contact());
  if (event.has_presence()) {
    const auto& presence = event.presence();
    auto person = PersonOf(presence.contact_id());
    if (!person.ok()) return person.status();
    const std::string state = PresenceWord(presence.state());
    if (auto status = store_.SetPresence(presence.contact_id(), state); !status.ok()) return status;
    if (person->subscribed) {
      component_.Send(PresenceStanza(BareOf(rooms_.GhostJid(*person)), config_.owner, state,
                                     person->name, person->avatar));
    }
    return absl::OkStatus();
  }
  // What was before the bridge's first run came with the chat's history.
  if (!event.backfill() && TimeOf(event.record_time()) < begun_ && !event.has_grant_changed()) {
    return absl::OkStatus();
  }
  if (event.has_chat_created() || event.has_chat_changed() || event.has_grant_changed() ||
      event.has_lease_changed()) {
    return OnChat(event);
  }
  if (event.chat_id().empty()) return absl::OkStatus();
  const auto held = leases_.Held(event.chat_id());
  if (!held.ok()) return held.status();
  if (!*held) return absl::OkStatus();
  if (!opened_.contains(event.chat_id())) {
    if (auto status = OpenChats(); !status.ok()) return status;
  }
  auto chat = store_.ChatById(event.chat_id());
  if (!chat.ok()) return chat.status();
  if (!chat->has_value() || !opened_.contains(event.chat_id())) return absl::OkStatus();
  auto telling = Convert(event, **chat);
  if (!telling.ok()) return telling.status();
  if (event.has_typing()) {
    for (const auto& stanza : telling->stanzas) component_.Send(stanza);
    return absl::OkStatus();
  }
  return Tell(**chat, event.id(), *std::move(telling), SpeakerOf(event));
}

absl::StatusOr<Outward::Telling> Outward::Convert(const v1::Event& event, const ChatEntry& chat) {
  Telling telling;
  const auto route = [&](const std::string& contact) { return RouteOf(chat, contact, telling); };
  switch (event.kind_case()) {
    case v1::Event::kMessageCreated: {
      const auto& message = event.message_created().message();
      // Deleted meanwhile: there is nothing left to tell.
      if (message.deleted() || message.withheld() || event.view() == v1::EVENT_VIEW_WITHHELD) break;
      if (auto status = AddMessage(chat, message, event.backfill(), telling); !status.ok())
        return status;
      break;
    }
    case v1::Event::kMessageEdited: {
      const auto& edit = event.message_edited();
      if (edit.text().empty()) break;  // deleted meanwhile, or not for this app
      auto link = Find(edit.message_id());
      if (!link.ok()) return link.status();
      if (!link->has_value()) break;
      auto from = route(edit.sender_contact_id());
      if (!from.ok()) return from.status();
      const std::string text = ToStyled(edit.text(), edit.spans());
      const bool own = !chat.group && IsSelf(edit.sender_contact_id());
      if ((*link)->from_xmpp) {
        // No ghost may correct what the user's own address said.
        telling.stanzas.push_back(TextStanza(
            *from, event.id(), absl::StrCat("You, corrected: ", text), {}, absl::InfiniteFuture()));
        break;
      }
      telling.stanzas.push_back(CorrectionStanza(*from, event.id(), (*link)->xmpp_id,
                                                 own ? absl::StrCat("You: ", text) : text));
      telling.links.push_back(
          {chat.chat_id, edit.message_id(), event.id(), "", edit.sender_contact_id(), false});
      break;
    }
    case v1::Event::kMessageDeleted:
    case v1::Event::kMessageExpired: {
      const std::string& id = event.has_message_deleted() ? event.message_deleted().message_id()
                                                          : event.message_expired().message_id();
      auto link = Find(id);
      if (!link.ok()) return link.status();
      if (!link->has_value() || (*link)->from_xmpp) break;
      auto from = route((*link)->sender_contact_id);
      if (!from.ok()) return from.status();
      telling.stanzas.push_back(RetractionStanza(*from, event.id(), Reference(chat, **link)));
      break;
    }
    case v1::Event::kReactionSet:
    case v1::Event::kReactionRemoved: {
      const bool set = event.has_reaction_set();
      const std::string& message =
          set ? event.reaction_set().message_id() : event.reaction_removed().message_id();
      const std::string& contact =
          set ? event.reaction_set().contact_id() : event.reaction_removed().contact_id();
      auto emojis = store_.Reactions(message, contact);
      if (!emojis.ok()) return emojis.status();
      if (set) {
        emojis->insert(event.reaction_set().emoji());
      } else if (event.reaction_removed().emoji().empty()) {
        emojis->clear();
      } else {
        emojis->erase(event.reaction_removed().emoji());
      }
      if (auto status = AddReactions(chat, message, contact, *emojis, event.id(), telling);
          !status.ok()) {
        return status;
      }
      break;
    }
    case v1::Event::kReceipt: {
      const auto& receipt = event.receipt();
      const char* kind = receipt.kind() == v1::Receipt::KIND_READ ? "displayed" : "received";
      for (const auto& id : receipt.message_ids()) {
        auto link = Find(id);
        if (!link.ok()) return link.status();
        // Only the user's own messages can be marked by others.
        if (!link->has_value() || !(*link)->from_xmpp || IsSelf(receipt.contact_id())) continue;
        auto from = route(receipt.contact_id());
        if (!from.ok()) return from.status();
        telling.stanzas.push_back(
            MarkerStanza(*from, absl::StrCat(event.id(), ".", telling.stanzas.size()), kind,
                         Reference(chat, **link)));
      }
      break;
    }
    case v1::Event::kTyping: {
      if (IsSelf(event.typing().contact_id())) break;
      auto from = route(event.typing().contact_id());
      if (!from.ok()) return from.status();
      telling.stanzas.push_back(
          ChatStateStanza(*from, event.typing().active() ? "composing" : "paused"));
      break;
    }
    case v1::Event::kAttachmentReady: {
      const auto& ready = event.attachment_ready();
      auto link = Find(ready.message_id());
      if (!link.ok()) return link.status();
      const std::string sender =
          link->has_value() ? (*link)->sender_contact_id : chat.peer_contact_id;
      if (link->has_value() && (*link)->from_xmpp) break;
      auto from = route(sender);
      if (!from.ok()) return from.status();
      const std::string id = FileId(ready.message_id(), ready.attachment().id());
      auto stanza = FileOf(*from, id, ready.attachment(), absl::InfiniteFuture());
      if (!stanza.ok()) return stanza.status();
      telling.stanzas.push_back(*std::move(stanza));
      telling.links.push_back({chat.chat_id, ready.message_id(), id, "", sender, false});
      break;
    }
    case v1::Event::kParticipantJoined:
    case v1::Event::kParticipantChanged: {
      if (!chat.group) break;
      const auto& participant = event.has_participant_joined()
                                    ? event.participant_joined().participant()
                                    : event.participant_changed().participant();
      auto person = PersonOf(participant.contact_id(), participant.display_name());
      if (!person.ok()) return person.status();
      telling.stanzas = rooms_.Join(chat, *person);
      break;
    }
    case v1::Event::kParticipantLeft:
      if (chat.group) telling.stanzas = rooms_.Leave(chat, event.participant_left().contact_id());
      break;
    case v1::Event::kBackfillProgress: {
      const auto& progress = event.backfill_progress();
      if (progress.messages() == 0) break;
      telling.stanzas.push_back(
          TextStanza({config_.component, config_.owner, false, "Postern"}, event.id(),
                     absl::StrCat(chat.name, ": ", progress.messages(), " older messages",
                                  progress.complete() ? ", all that there are" : " so far"),
                     {}, absl::InfiniteFuture()));
      break;
    }
    case v1::Event::kCall: {
      if (event.call().state() != v1::Call::STATE_MISSED) break;
      auto from = route(event.call().contact_id());
      if (!from.ok()) return from.status();
      telling.stanzas.push_back(
          TextStanza(*from, event.id(), "/me called you", {}, absl::InfiniteFuture()));
      break;
    }
    default:
      break;
  }
  return telling;
}

}  // namespace postern::xmpp_bridge
