// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/written_stanza.h"

#include <absl/strings/numbers.h>

#include <cstdint>

#include "clients/xmpp_bridge/styling.h"
#include "clients/xmpp_bridge/wire.h"

namespace postern::xmpp_bridge {

std::string StanzaIdOf(const gloox::Tag& message, const std::string& room) {
  for (const gloox::Tag* child : message.children()) {
    if (child->name() == "stanza-id" && child->xmlns() == kStanzaId &&
        child->findAttribute("by") == room) {
      return child->findAttribute("id");
    }
  }
  return {};
}

std::string WithoutFallback(const gloox::Tag& message, const char* of) {
  std::string body = ChildText(message, "body");
  for (const gloox::Tag* child : message.children()) {
    if (child->name() != "fallback" || child->xmlns() != kFallback ||
        child->findAttribute("for") != of) {
      continue;
    }
    const gloox::Tag* part = Child(*child, "body", kFallback);
    uint32_t start = 0;
    uint32_t end = 0;
    if (part == nullptr || !absl::SimpleAtoi(part->findAttribute("start"), &start) ||
        !absl::SimpleAtoi(part->findAttribute("end"), &end) || end < start) {
      return part == nullptr || !part->hasAttribute("start") ? std::string() : body;
    }
    const size_t from = ByteOffset(body, start);
    body.erase(from, ByteOffset(body, end) - from);
  }
  return body;
}

bool IsNewMessage(const gloox::Tag& message) {
  return Child(message, "replace", kCorrect) == nullptr &&
         Child(message, "retract", kRetract) == nullptr &&
         Child(message, "reactions", kReactions) == nullptr &&
         Child(message, "displayed", kMarkers) == nullptr;
}

bool IsAnswered(const gloox::Tag& message) {
  return message.findChild("body") != nullptr || Child(message, "displayed", kMarkers) == nullptr;
}

bool SaysSomething(const gloox::Tag& message) {
  return message.findChild("body") != nullptr ||
         Child(message, "reactions", kReactions) != nullptr ||
         Child(message, "retract", kRetract) != nullptr ||
         Child(message, "displayed", kMarkers) != nullptr;
}

}  // namespace postern::xmpp_bridge
