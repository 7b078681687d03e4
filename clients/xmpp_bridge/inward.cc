// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/inward.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "clients/xmpp_bridge/access.h"
#include "clients/xmpp_bridge/log.h"
#include "clients/xmpp_bridge/styling.h"
#include "clients/xmpp_bridge/written_stanza.h"

namespace postern::xmpp_bridge {
namespace {

// A limit that lets nothing through for longer is told to the user.
constexpr absl::Duration kPatience = absl::Minutes(10);
constexpr size_t kTypingMax = 16;
// What may be done twice is done again so often where it is not known whether it was.
constexpr int kAgainMax = 4;

bool OutcomeIsUnknown(const absl::Status& status) {
  return sdk::ErrorReasonOf(status) == v1::ERROR_REASON_OUTCOME_UNKNOWN;
}

// Whether the same goes through in a moment: so much an hour, and more soon. What the user typed
// waits for that.
bool PassesSoon(const absl::Status& status) {
  const absl::Duration later = sdk::RetryAfterOf(status);
  return !OutcomeIsUnknown(status) &&
         (sdk::IsRetriable(status) || (later > absl::ZeroDuration() && later <= kPatience));
}

// For the user; the messenger's own words are not for the log.
std::string WhyOf(const absl::Status& status) {
  std::string why(status.message());
  if (const auto info = sdk::ErrorInfoOf(status); info.has_value()) {
    const auto reason = info->metadata().find("gatekeeper_reason");
    if (reason != info->metadata().end()) absl::StrAppend(&why, ": ", reason->second);
  }
  return why;
}

}  // namespace

Inward::Inward(const Config& config, sdk::Client& client, Store& store, Component& component,
               Rooms& rooms, Files& files)
    : config_(config),
      client_(client),
      store_(store),
      component_(component),
      rooms_(rooms),
      files_(files) {}

Inward::~Inward() { Stop(); }

void Inward::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Inward::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<std::optional<ChatEntry>> Inward::ChatOf(const gloox::Tag& message) {
  if (message.findAttribute("type") == "groupchat") {
    return store_.RoomByNode(NodeOf(message.findAttribute("from")));
  }
  auto person = store_.PersonByNode(NodeOf(message.findAttribute("to")));
  if (!person.ok()) return person.status();
  if (!person->has_value()) return std::nullopt;
  return store_.DirectWith((*person)->contact_id);
}

void Inward::Take(const gloox::Tag& message) {
  const std::string& type = message.findAttribute("type");
  const std::string& from = message.findAttribute("from");
  if (type == "error") return;
  std::string stanza_id;
  if (type == "groupchat") {
    // Every ghost in the room gets a copy; the bridge's own is the one that counts.
    if (DomainOf(from) != config_.rooms || !NodeOf(message.findAttribute("to")).empty()) return;
    stanza_id = StanzaIdOf(message, BareOf(from));
    if (!rooms_.IsOwner(from)) {
      // What a ghost said comes back with the room's name for it.
      const std::string& id = message.findAttribute("id");
      auto chat = store_.RoomByNode(NodeOf(from));
      if (chat.ok() && chat->has_value() && !stanza_id.empty() && !id.empty()) {
        if (auto status = store_.SetStanzaId((*chat)->chat_id, id, stanza_id); !status.ok()) {
          Log(std::string(status.message()));
        }
      }
      return;
    }
  } else if (absl::AsciiStrToLower(BareOf(from)) != config_.owner) {
    if (message.findChild("body") != nullptr) {
      component_.Send(Refusal(message, "", "this bridge belongs to somebody else"));
    }
    return;
  }
  if (const gloox::Tag* delay = Child(message, "delay", kDelay);
      delay != nullptr && type == "groupchat" && stanza_id.empty()) {
    return;  // a room that names nothing cannot tell what was heard before
  }
  const bool composing = Child(message, "composing", kChatStates) != nullptr;
  const bool paused = Child(message, "paused", kChatStates) != nullptr ||
                      Child(message, "active", kChatStates) != nullptr;
  if (!SaysSomething(message)) {
    if (!composing && !paused) return;
    auto chat = ChatOf(message);
    if (!chat.ok() || !chat->has_value()) return;
    absl::MutexLock lock(&mutex_);
    if (typing_.size() < kTypingMax) typing_.emplace_back((*chat)->chat_id, composing);
    changed_.SignalAll();
    return;
  }
  // The same stanza has the same request id, also when a room's history brings it again. A client's
  // own ids may begin anew with each of its runs, so the text counts too.
  std::string name = !stanza_id.empty() ? stanza_id : message.findAttribute("id");
  if (name.empty()) name = sdk::MakeRequestId();
  const std::string request_id =
      MakeNode("xmpp", absl::StrCat(BareOf(from), "\n", message.findAttribute("to"), "\n", name,
                                    stanza_id.empty() ? "\n" + ChildText(message, "body") : ""));
  if (auto status = store_.Spool(request_id, message.xml()); !status.ok()) {
    Log(std::string(status.message()));
    component_.Send(Refusal(message, "", "the bridge cannot write its file; is the disk full?"));
    return;
  }
  absl::MutexLock lock(&mutex_);
  arrived_ = true;
  changed_.SignalAll();
}

std::string Inward::Refusal(const gloox::Tag& message, const std::string& chat_name,
                            const std::string& why) const {
  if (message.findAttribute("type") == "groupchat") {
    // A room has no way to send a message back.
    return Note(message,
                absl::StrCat("Not sent", chat_name.empty() ? "" : " to ", chat_name, ": ", why));
  }
  TagPtr back = MakeTag("message", {{"type", "error"},
                                    {"from", message.findAttribute("to")},
                                    {"to", message.findAttribute("from")},
                                    {"id", message.findAttribute("id")}});
  gloox::Tag* error = Add(*back, "error", nullptr, {{"type", "cancel"}});
  Add(*error, "not-allowed", "urn:ietf:params:xml:ns:xmpp-stanzas");
  Add(*error, "text", "urn:ietf:params:xml:ns:xmpp-stanzas", {}, why);
  return back->xml();
}

std::string Inward::Note(const gloox::Tag& message, const std::string& text) const {
  TagPtr note =
      MakeTag("message", {{"type", "chat"},
                          {"from", config_.component},
                          {"to", config_.owner},
                          {"id", MakeNode("note", absl::StrCat(message.xml(), "\n", text))}});
  Add(*note, "body", nullptr, {}, text);
  return note->xml();
}

absl::Status Inward::Answer(const std::string& stanza) {
  const absl::Status told = component_.Confirm(stanza);
  // Another code: UNAVAILABLE is what Loop takes for an answer of Postern's that was cut off.
  return told.ok() ? told : absl::AbortedError(told.message());
}

void Inward::ShowTyping(const std::string& chat_id, bool active) {
  v1::SetTypingRequest request;
  request.set_request_id(sdk::MakeRequestId());
  request.set_chat_id(chat_id);
  request.set_active(active);
  // Worth nothing later, and not everywhere known.
  client_.SetTyping(std::move(request)).status().IgnoreError();
}

void Inward::Loop() {
  for (;;) {
    std::deque<std::pair<std::string, bool>> typing;
    {
      absl::MutexLock lock(&mutex_);
      while (!stopping_ && !arrived_ && typing_.empty()) changed_.Wait(&mutex_);
      if (stopping_) return;
      arrived_ = false;
      typing.swap(typing_);
    }
    for (const auto& [chat, active] : typing) ShowTyping(chat, active);
    for (;;) {
      store_.SetCarrying(true);
      auto next = store_.NextInbound();
      absl::Status status = next.status();
      if (next.ok() && next->has_value()) status = Carry(**next);
      // What waits for a limit or a messenger has no message yet that an event could be about.
      // Where Postern's answer was cut off there may be one.
      store_.SetCarrying(absl::IsUnavailable(status) &&
                         sdk::ErrorReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED);
      if (next.ok() && !next->has_value()) break;
      absl::MutexLock lock(&mutex_);
      if (!status.ok()) {
        Log(absl::StrCat("trying again: ", status.message()));
        const absl::Time until = absl::Now() + std::max(kRetryPause, sdk::RetryAfterOf(status));
        while (!stopping_ && absl::Now() < until) changed_.WaitWithDeadline(&mutex_, until);
      }
      if (stopping_) return;
    }
  }
}

absl::Status Inward::Carry(const Inbound& inbound) {
  const TagPtr message = ParseTag(inbound.stanza);
  if (message == nullptr) return store_.FinishInbound(inbound, {});
  auto chat = ChatOf(*message);
  if (!chat.ok()) return chat.status();
  if (!chat->has_value()) {
    if (IsAnswered(*message)) {
      const std::string why = "there is no such chat; begin it in your messenger";
      if (auto status = Answer(Refusal(*message, "", why)); !status.ok()) return status;
    }
    return store_.FinishInbound(inbound, {});
  }
  const Said said{*message, **chat, inbound.request_id, message->findAttribute("id"),
                  StanzaIdOf(*message, BareOf(message->findAttribute("from")))};
  auto links = Act(said);
  if (!links.ok()) {
    if (PassesSoon(links.status())) return links.status();
    if (IsAnswered(*message)) {
      // Of what may have gone out, to send it back would say that it did not.
      const std::string stanza =
          OutcomeIsUnknown(links.status())
              ? Note(*message, absl::StrCat("It is not known whether what you ",
                                            IsNewMessage(*message) ? "wrote to "
                                                                   : "changed in the chat with ",
                                            (*chat)->name, " went out; look into your messenger."))
              : Refusal(*message, (*chat)->name, WhyOf(links.status()));
      if (auto status = Answer(stanza); !status.ok()) return status;
    }
    Log(absl::StrCat("not carried out: ", links.status().message()));
    links = Links{};
  }
  return store_.FinishInbound(inbound, *links);
}

absl::StatusOr<Inward::Links> Inward::Act(const Said& said) {
  if (IsNewMessage(said.message)) return SendMessage(said);
  auto links = Change(said);
  if (!OutcomeIsUnknown(links.status())) return links;
  Said again = said;
  for (int times = 1; times <= kAgainMax; ++times) {
    again.request_id = MakeNode("again", absl::StrCat(said.request_id, "\n", times));
    auto changed = Change(again);
    if (changed.ok() || PassesSoon(changed.status())) return changed;
    // Refused now, it may be because it was done the first time.
    if (!OutcomeIsUnknown(changed.status())) break;
  }
  return links;
}

absl::StatusOr<Inward::Links> Inward::Change(const Said& said) {
  const gloox::Tag& message = said.message;
  if (const auto* replace = Child(message, "replace", kCorrect)) {
    return Correct(said, replace->findAttribute("id"));
  }
  if (const auto* retract = Child(message, "retract", kRetract)) {
    return Retract(said, retract->findAttribute("id"));
  }
  if (const auto* reactions = Child(message, "reactions", kReactions)) {
    return React(said, *reactions);
  }
  return MarkRead(said, Child(message, "displayed", kMarkers)->findAttribute("id"));
}

absl::StatusOr<MessageLink> Inward::Find(const Said& said, const std::string& id) {
  auto link = store_.LinkByXmppId(said.chat.chat_id, id);
  if (!link.ok()) return link.status();
  if (!link->has_value()) {
    return absl::NotFoundError("the bridge does not know the message that this is about");
  }
  return **link;
}

absl::StatusOr<Inward::Links> Inward::SendMessage(const Said& said) {
  v1::SendMessageRequest request;
  request.set_request_id(said.request_id);
  request.set_chat_id(said.chat.chat_id);
  std::string text = WithoutFallback(said.message, kReply);
  if (const auto* oob = Child(said.message, "x", kOob)) {
    const std::string url = ChildText(*oob, "url");
    auto attachment =
        files_.ToPostern(url, said.chat.chat_id, absl::StrCat(said.request_id, "-file"));
    if (!attachment.ok()) return attachment.status();
    request.add_attachment_ids(*attachment);
    request.set_kind(v1::MESSAGE_KIND_MEDIA);
    if (text == url) text.clear();
  }
  const Unstyled plain = FromStyled(text);
  request.set_text(plain.text);
  for (const auto& span : plain.spans) *request.add_spans() = span;
  if (const auto* reply = Child(said.message, "reply", kReply)) {
    // One that is older than the bridge is answered without a link to it.
    if (auto answered = Find(said, reply->findAttribute("id")); answered.ok()) {
      request.set_reply_to_message_id(answered->message_id);
    } else if (!absl::IsNotFound(answered.status())) {
      return answered.status();
    }
  }
  auto sent = client_.SendMessage(std::move(request));
  if (!sent.ok()) return sent.status();
  const std::string id = said.id.empty() ? said.request_id : said.id;
  // Where the answer is yet to come, request_completed names the message.
  const std::string message_id =
      sent->message_id().empty() ? absl::StrCat("request:", said.request_id) : sent->message_id();
  return Links{{said.chat.chat_id, message_id, id, said.stanza_id, "", true, true}};
}

absl::StatusOr<Inward::Links> Inward::Correct(const Said& said, const std::string& corrected) {
  auto link = Find(said, corrected);
  if (!link.ok()) return link.status();
  v1::EditMessageRequest request;
  request.set_request_id(said.request_id);
  request.set_message_id(link->message_id);
  const Unstyled plain = FromStyled(WithoutFallback(said.message, kReply));
  request.set_text(plain.text);
  for (const auto& span : plain.spans) *request.add_spans() = span;
  auto edited = client_.EditMessage(std::move(request));
  if (!edited.ok()) return edited.status();
  if (said.id.empty()) return Links{};
  return Links{{said.chat.chat_id, link->message_id, said.id, said.stanza_id, "", true, true}};
}

absl::StatusOr<Inward::Links> Inward::Retract(const Said& said, const std::string& retracted) {
  auto link = Find(said, retracted);
  if (!link.ok()) return link.status();
  v1::DeleteMessageRequest request;
  request.set_request_id(said.request_id);
  request.set_message_id(link->message_id);
  request.set_for_everyone(true);
  if (auto deleted = client_.DeleteMessage(std::move(request)); !deleted.ok()) {
    return deleted.status();
  }
  return Links{};
}

absl::StatusOr<Inward::Links> Inward::React(const Said& said, const gloox::Tag& reactions) {
  auto link = Find(said, reactions.findAttribute("id"));
  if (!link.ok()) return link.status();
  std::set<std::string> wanted;
  for (const gloox::Tag* child : reactions.children()) {
    if (child->name() == "reaction" && !child->cdata().empty()) wanted.insert(child->cdata());
  }
  auto present = store_.Reactions(link->message_id, "");
  if (!present.ok()) return present.status();
  const auto set = [&](const std::string& emoji, bool remove) -> absl::Status {
    v1::SetReactionRequest request;
    request.set_request_id(MakeNode("react", absl::StrCat(said.request_id, emoji, remove)));
    request.set_message_id(link->message_id);
    request.set_emoji(emoji);
    request.set_remove(remove);
    return client_.SetReaction(std::move(request)).status();
  };
  // First what goes: a chat may allow one reaction a person.
  for (const auto& emoji : *present) {
    if (wanted.contains(emoji)) continue;
    if (auto status = set(emoji, true); !status.ok()) return status;
  }
  for (const auto& emoji : wanted) {
    if (present->contains(emoji)) continue;
    if (auto status = set(emoji, false); !status.ok()) return status;
  }
  if (auto status = store_.SetReactions(link->message_id, "", wanted); !status.ok()) return status;
  return Links{};
}

absl::StatusOr<Inward::Links> Inward::MarkRead(const Said& said, const std::string& marked) {
  auto link = Find(said, marked);
  // A client marks also what was there before the bridge.
  if (absl::IsNotFound(link.status())) return Links{};
  if (!link.ok()) return link.status();
  v1::MarkReadRequest request;
  request.set_request_id(said.request_id);
  request.set_chat_id(said.chat.chat_id);
  request.set_through_message_id(link->message_id);
  request.set_tell_sender(true);
  if (auto read = client_.MarkRead(std::move(request)); !read.ok()) return read.status();
  return Links{};
}

}  // namespace postern::xmpp_bridge
