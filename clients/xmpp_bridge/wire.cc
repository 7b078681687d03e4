// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/wire.h"

#include <gloox/parser.h>
#include <gloox/taghandler.h>

#include <algorithm>

namespace postern::xmpp_bridge {
namespace {

class Keeper : public gloox::TagHandler {
 public:
  void handleTag(gloox::Tag* tag) override { kept.reset(tag == nullptr ? nullptr : tag->clone()); }
  TagPtr kept;
};

void Fill(gloox::Tag& tag, const char* space, Attributes attributes, const std::string& text) {
  if (space != nullptr && *space != '\0') tag.setXmlns(space);
  for (const auto& [name, value] : attributes) {
    if (!value.empty()) tag.addAttribute(name, Clean(value));
  }
  if (!text.empty()) tag.setCData(Clean(text));
}

// gloox does not say what namespace an element inherits.
std::string SpaceOf(const gloox::Tag* tag) {
  while (tag != nullptr && tag->xmlns().empty()) tag = tag->parent();
  return tag == nullptr ? std::string() : tag->xmlns();
}

bool Continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

TagPtr MakeTag(const char* name, Attributes attributes) {
  auto tag = std::make_unique<gloox::Tag>(name);
  Fill(*tag, nullptr, attributes, {});
  return tag;
}

gloox::Tag* Add(gloox::Tag& parent, const char* name, const char* space, Attributes attributes,
                const std::string& text) {
  auto* tag = new gloox::Tag(&parent, name);
  Fill(*tag, space, attributes, text);
  return tag;
}

const gloox::Tag* Child(const gloox::Tag& parent, std::string_view name, std::string_view space) {
  for (const gloox::Tag* child : parent.children()) {
    if (child->name() == name && SpaceOf(child) == space) return child;
  }
  return nullptr;
}

std::string ChildText(const gloox::Tag& parent, std::string_view name) {
  const gloox::Tag* child = parent.findChild(std::string(name));
  return child == nullptr ? std::string() : child->cdata();
}

TagPtr ParseTag(const std::string& xml) {
  Keeper keeper;
  gloox::Parser parser(&keeper);
  std::string copy = xml;
  if (parser.feed(copy) >= 0) return nullptr;
  return std::move(keeper.kept);
}

std::string Clean(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') continue;
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    if (byte == 0xEF && i + 2 < text.size() && static_cast<unsigned char>(text[i + 1]) == 0xBF &&
        static_cast<unsigned char>(text[i + 2]) >= 0xBE) {
      i += 2;
      continue;
    }
    clean.push_back(text[i]);
  }
  return clean;
}

std::string BareOf(const std::string& jid) { return jid.substr(0, jid.find('/')); }

std::string NodeOf(const std::string& jid) {
  const std::string bare = BareOf(jid);
  const size_t at = bare.find('@');
  return at == std::string::npos ? std::string() : bare.substr(0, at);
}

std::string DomainOf(const std::string& jid) {
  const std::string bare = BareOf(jid);
  const size_t at = bare.find('@');
  return at == std::string::npos ? bare : bare.substr(at + 1);
}

std::string ResourceOf(const std::string& jid) {
  const size_t slash = jid.find('/');
  return slash == std::string::npos ? std::string() : jid.substr(slash + 1);
}

size_t ByteOffset(std::string_view text, size_t characters) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!Continues(text[i]) && characters-- == 0) return i;
  }
  return text.size();
}

size_t CharacterCount(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !Continues(byte); }));
}

}  // namespace postern::xmpp_bridge
