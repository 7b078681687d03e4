// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/stanzas.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <openssl/sha.h>

namespace postern::xmpp_bridge {
namespace {

// For people whose client does not know a retraction.
constexpr char kRetractedText[] =
    "/me took a message back, which your XMPP client does not know how to remove.";
constexpr size_t kExcerptBytesMax = 400;

void KeepOnServer(gloox::Tag& message) { Add(message, "store", kHints); }

}  // namespace

TagPtr MessageTag(const Route& route, const std::string& id) {
  TagPtr message = MakeTag("message", {{"type", route.room ? "groupchat" : "chat"},
                                       {"from", route.from},
                                       {"to", route.to},
                                       {"id", id}});
  if (!route.room && !route.nick.empty()) Add(*message, "nick", kNick, {}, route.nick);
  return message;
}

void AddText(gloox::Tag& message, const std::string& text, const Answered& answered) {
  std::string quoted;
  if (!answered.id.empty() && !answered.excerpt.empty()) {
    const std::string excerpt = answered.excerpt.substr(
        0,
        ByteOffset(answered.excerpt, CharacterCount(answered.excerpt.substr(0, kExcerptBytesMax))));
    for (absl::string_view line : absl::StrSplit(Clean(excerpt), '\n')) {
      absl::StrAppend(&quoted, "> ", line, "\n");
    }
  }
  Add(message, "body", nullptr, {}, quoted + text);
  if (answered.id.empty()) return;
  Add(message, "reply", kReply, {{"to", answered.author}, {"id", answered.id}});
  if (quoted.empty()) return;
  gloox::Tag* fallback = Add(message, "fallback", kFallback, {{"for", kReply}});
  Add(*fallback, "body", nullptr, {{"start", "0"}, {"end", absl::StrCat(CharacterCount(quoted))}});
}

void AddRequests(gloox::Tag& message) {
  if (message.findAttribute("type") == "chat") Add(message, "request", kReceipts);
  Add(message, "markable", kMarkers);
  Add(message, "origin-id", kStanzaId, {{"id", message.findAttribute("id")}});
}

void AddDelay(gloox::Tag& message, const std::string& from, absl::Time when) {
  if (when == absl::InfiniteFuture()) return;
  Add(message, "delay", kDelay,
      {{"from", from},
       {"stamp", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", when, absl::UTCTimeZone())}});
}

std::string TextStanza(const Route& route, const std::string& id, const std::string& text,
                       const Answered& answered, absl::Time delayed_from) {
  TagPtr message = MessageTag(route, id);
  AddText(*message, text, answered);
  AddRequests(*message);
  AddDelay(*message, BareOf(route.from), delayed_from);
  return message->xml();
}

std::string FileStanza(const Route& route, const std::string& id, const std::string& url,
                       absl::Time delayed_from) {
  TagPtr message = MessageTag(route, id);
  // Clients show the file in its place when the text is nothing but its address.
  Add(*message, "body", nullptr, {}, url);
  Add(*Add(*message, "x", kOob), "url", nullptr, {}, url);
  AddRequests(*message);
  AddDelay(*message, BareOf(route.from), delayed_from);
  return message->xml();
}

std::string CorrectionStanza(const Route& route, const std::string& id,
                             const std::string& corrected_id, const std::string& text) {
  TagPtr message = MessageTag(route, id);
  AddText(*message, text, {});
  Add(*message, "replace", kCorrect, {{"id", corrected_id}});
  AddRequests(*message);
  return message->xml();
}

std::string RetractionStanza(const Route& route, const std::string& id,
                             const std::string& retracted_id) {
  TagPtr message = MessageTag(route, id);
  Add(*message, "body", nullptr, {}, kRetractedText);
  Add(*message, "retract", kRetract, {{"id", retracted_id}});
  Add(*message, "fallback", kFallback, {{"for", kRetract}});
  KeepOnServer(*message);
  return message->xml();
}

std::string ReactionsStanza(const Route& route, const std::string& id,
                            const std::string& reacted_id, const std::set<std::string>& emojis) {
  TagPtr message = MessageTag(route, id);
  gloox::Tag* reactions = Add(*message, "reactions", kReactions, {{"id", reacted_id}});
  for (const auto& emoji : emojis) Add(*reactions, "reaction", nullptr, {}, emoji);
  KeepOnServer(*message);
  return message->xml();
}

std::string MarkerStanza(const Route& route, const std::string& id, const char* kind,
                         const std::string& marked_id) {
  TagPtr message = MessageTag(route, id);
  const bool received = std::string_view(kind) == "received";
  if (received && !route.room) Add(*message, "received", kReceipts, {{"id", marked_id}});
  Add(*message, kind, kMarkers, {{"id", marked_id}});
  KeepOnServer(*message);
  return message->xml();
}

std::string ChatStateStanza(const Route& route, const char* state) {
  TagPtr message = MessageTag(route, {});
  Add(*message, state, kChatStates);
  Add(*message, "no-store", kHints);
  return message->xml();
}

std::string PresenceStanza(const std::string& from, const std::string& to, const std::string& state,
                           const std::string& nick, const std::string& avatar) {
  TagPtr presence = MakeTag("presence", {{"from", from}, {"to", to}});
  if (state == "offline") presence->addAttribute("type", "unavailable");
  if (state == "away") Add(*presence, "show", nullptr, {}, "away");
  if (!nick.empty()) Add(*presence, "nick", kNick, {}, nick);
  gloox::Tag* update = Add(*presence, "x", kVcardUpdate);
  if (avatar.empty()) {
    Add(*update, "photo", nullptr);
  } else {
    unsigned char hash[SHA_DIGEST_LENGTH];
    ::SHA1(reinterpret_cast<const unsigned char*>(avatar.data()), avatar.size(), hash);
    Add(*update, "photo", nullptr, {},
        absl::BytesToHexString(
            absl::string_view(reinterpret_cast<const char*>(hash), sizeof hash)));
  }
  return presence->xml();
}

}  // namespace postern::xmpp_bridge
