// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/annotations.h"

#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "clients/gatekeepers/purple/stanza.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kReply[] = "urn:xmpp:reply:0";
constexpr char kFallback[] = "urn:xmpp:fallback:0";
constexpr char kCorrect[] = "urn:xmpp:message-correct:0";
constexpr char kRetract[] = "urn:xmpp:message-retract:1";
// How retractions were written until 2022.
constexpr char kOldRetract[] = "urn:xmpp:message-retract:0";
constexpr char kFasten[] = "urn:xmpp:fasten:0";
constexpr char kReactions[] = "urn:xmpp:reactions:0";
constexpr char kReceipts[] = "urn:xmpp:receipts";
constexpr char kMarkers[] = "urn:xmpp:chat-markers:0";
constexpr char kChatStates[] = "http://jabber.org/protocol/chatstates";
constexpr char kOutOfBand[] = "jabber:x:oob";
constexpr char kHints[] = "urn:xmpp:hints";
constexpr char kEncryptedLink[] = "aesgcm://";
constexpr std::string_view kMe = "/me ";

// More than any client sets; a stanza may not fill memory.
constexpr size_t kReactionsMax = 32;
// A reaction is one emoji; the contract's bound for it.
constexpr size_t kReactionBytesMax = 64;
// Of the answered message; enough to know which one is meant.
constexpr size_t kQuotedCharactersMax = 160;

size_t CharactersIn(std::string_view text) {
  return static_cast<size_t>(g_utf8_strlen(text.data(), static_cast<gssize>(text.size())));
}

// Where character 'index' begins, in bytes; the end when there are fewer.
size_t ByteOf(std::string_view text, size_t index) {
  size_t byte = 0;
  for (; index > 0 && byte < text.size(); --index) {
    byte = static_cast<size_t>(g_utf8_next_char(text.data() + byte) - text.data());
  }
  return std::min(byte, text.size());
}

// The whole text is one link and nothing else.
bool IsOneLink(std::string_view text, std::string_view scheme) {
  return text.starts_with(scheme) && text.find_first_of(" \t\r\n") == std::string_view::npos;
}

void ReadFallbacks(xmlnode* message, Annotations& result) {
  for (xmlnode* fallback = ChildOf(message, "fallback", kFallback); fallback != nullptr;
       fallback = xmlnode_get_next_twin(fallback)) {
    const std::string what = Attribute(fallback, "for");
    xmlnode* body = xmlnode_get_child(fallback, "body");
    if (what == kReactions || what == kRetract) result.only_fallback = true;
    if (what != kReply || body == nullptr) continue;
    const std::string start = Attribute(body, "start"), end = Attribute(body, "end");
    if (end.empty()) continue;
    result.quotation = {std::strtoul(start.c_str(), nullptr, 10),
                        std::strtoul(end.c_str(), nullptr, 10)};
  }
}

void ReadReactions(xmlnode* message, Annotations& result) {
  xmlnode* reactions = ChildOf(message, "reactions", kReactions);
  if (reactions == nullptr) return;
  result.reacted_id = Attribute(reactions, "id");
  std::set<std::string> taken;
  for (xmlnode* node = xmlnode_get_child(reactions, "reaction");
       node != nullptr && result.reactions.size() < kReactionsMax;
       node = xmlnode_get_next_twin(node)) {
    const std::string emoji = TextOf(node);
    if (IsReaction(emoji) && taken.insert(emoji).second) result.reactions.push_back(emoji);
  }
}

void AddStore(xmlnode* message) { AddChild(message, "store", kHints); }

}  // namespace

bool IsReaction(std::string_view text) {
  return !text.empty() && text.size() <= kReactionBytesMax &&
         text.find_first_of(" \t\r\n") == std::string_view::npos;
}

Annotations ReadAnnotations(xmlnode* message, std::string_view text) {
  Annotations result;
  xmlnode* reply = ChildOf(message, "reply", kReply);
  result.reply_to_id = Attribute(reply, "id");
  result.reply_to_jid = Attribute(reply, "to");
  ReadFallbacks(message, result);
  result.corrected_id = Attribute(ChildOf(message, "replace", kCorrect), "id");
  result.retracted_id = Attribute(ChildOf(message, "retract", kRetract), "id");
  if (xmlnode* fastened = ChildOf(message, "apply-to", kFasten);
      ChildOf(fastened, "retract", kOldRetract) != nullptr) {
    result.retracted_id = Attribute(fastened, "id");
  }
  ReadReactions(message, result);
  result.delivered_id = Attribute(ChildOf(message, "received", kReceipts), "id");
  result.displayed_id = Attribute(ChildOf(message, "displayed", kMarkers), "id");
  result.wants_receipt = ChildOf(message, "request", kReceipts) != nullptr;
  if (ChildOf(message, "composing", kChatStates) != nullptr) result.typing = true;
  for (const char* stopped : {"active", "paused", "inactive", "gone"}) {
    if (ChildOf(message, stopped, kChatStates) != nullptr) result.typing = false;
  }
  xmlnode* out_of_band = ChildOf(message, "x", kOutOfBand);
  xmlnode* url = out_of_band == nullptr ? nullptr : xmlnode_get_child(out_of_band, "url");
  if (IsOneLink(text, kEncryptedLink) || (url != nullptr && TextOf(url) == text)) {
    result.file_url = text;
  }
  return result;
}

ReplyText SplitReply(std::string_view text, const Annotations& annotations) {
  if (annotations.reply_to_id.empty() || !annotations.quotation) return {std::string(text), ""};
  const size_t start = ByteOf(text, annotations.quotation->first);
  const size_t end = std::max(start, ByteOf(text, annotations.quotation->second));
  ReplyText result;
  result.text.append(text.substr(0, start)).append(text.substr(end));
  std::string_view quoted = text.substr(start, end - start);
  while (!quoted.empty()) {
    const size_t line_end = std::min(quoted.find('\n'), quoted.size());
    std::string_view line = quoted.substr(0, line_end);
    quoted.remove_prefix(std::min(line_end + 1, quoted.size()));
    if (line.starts_with("> ")) line.remove_prefix(2);
    if (!result.excerpt.empty()) result.excerpt += '\n';
    result.excerpt.append(line);
  }
  return result;
}

bool TakeMe(std::string& text) {
  if (!text.starts_with(kMe) || text.size() == kMe.size()) return false;
  text.erase(0, kMe.size());
  return true;
}

std::string WithMe(std::string_view text) { return std::string(kMe).append(text); }

std::pair<std::string, size_t> QuoteBefore(std::string_view excerpt, std::string_view text) {
  if (excerpt.empty()) return {std::string(text), 0};
  excerpt = excerpt.substr(0, ByteOf(excerpt, kQuotedCharactersMax));
  std::string result = "> ";
  for (const char c : excerpt) {
    result += c;
    if (c == '\n') result += "> ";
  }
  result += '\n';
  const size_t characters = CharactersIn(result);
  result.append(text);
  return {result, characters};
}

void AddReply(xmlnode* message, const std::string& id, const std::string& author_jid,
              size_t quoted_characters) {
  xmlnode* reply = AddChild(message, "reply", kReply);
  xmlnode_set_attrib(reply, "id", id.c_str());
  if (!author_jid.empty()) xmlnode_set_attrib(reply, "to", author_jid.c_str());
  if (quoted_characters == 0) return;
  xmlnode* fallback = AddChild(message, "fallback", kFallback);
  xmlnode_set_attrib(fallback, "for", kReply);
  xmlnode* body = AddChild(fallback, "body", kFallback);
  xmlnode_set_attrib(body, "start", "0");
  xmlnode_set_attrib(body, "end", std::to_string(quoted_characters).c_str());
}

void AddCorrection(xmlnode* message, const std::string& id) {
  xmlnode_set_attrib(AddChild(message, "replace", kCorrect), "id", id.c_str());
}

void AddReceiptRequest(xmlnode* message, bool group) {
  // In a group everybody's client would answer; who has read it they tell by markers.
  if (!group) AddChild(message, "request", kReceipts);
  AddChild(message, "markable", kMarkers);
}

void AddRetraction(xmlnode* message, const std::string& id) {
  xmlnode_set_attrib(AddChild(message, "retract", kRetract), "id", id.c_str());
  AddStore(message);
}

void AddReactions(xmlnode* message, const std::string& id, const std::vector<std::string>& emojis) {
  xmlnode* reactions = AddChild(message, "reactions", kReactions);
  xmlnode_set_attrib(reactions, "id", id.c_str());
  for (const std::string& emoji : emojis) AddText(reactions, "reaction", kReactions, emoji);
  AddStore(message);
}

void AddDelivered(xmlnode* message, const std::string& id) {
  xmlnode_set_attrib(AddChild(message, "received", kReceipts), "id", id.c_str());
}

void AddDisplayed(xmlnode* message, const std::string& id) {
  xmlnode_set_attrib(AddChild(message, "displayed", kMarkers), "id", id.c_str());
  AddStore(message);
}

void AddTyping(xmlnode* message, bool active) {
  AddChild(message, active ? "composing" : "paused", kChatStates);
  AddChild(message, "no-store", kHints);
}

void AddFile(xmlnode* message, const std::string& url) {
  AddText(AddChild(message, "x", kOutOfBand), "url", kOutOfBand, url);
}

}  // namespace postern::purple
