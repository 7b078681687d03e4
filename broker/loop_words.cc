// SPDX-License-Identifier: Apache-2.0
#include "broker/loop_words.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace postern::broker {
namespace {

int64_t Cells(double degrees) {
  return static_cast<int64_t>(std::clamp(degrees, 0.0, 360.0) * 1e4);
}

}  // namespace

std::string LoopWords(const v1::Message& message) {
  if (!message.text().empty()) return message.text();
  std::string words = message.poll().question();
  for (const v1::PollOption& option : message.poll().options()) {
    absl::StrAppend(&words, " ", option.text());
  }
  if (message.has_location()) {
    const v1::Location& place = message.location();
    // One word, and no sign in it (text_signature.h); some ten metres are one place.
    absl::StrAppend(&words, " place", Cells(place.latitude() + 90), "x",
                    Cells(place.longitude() + 180), " ", place.name());
  }
  if (message.has_contact_card()) {
    absl::StrAppend(&words, " ", message.contact_card().display_name(), " ",
                    message.contact_card().vcard());
  }
  for (const v1::Attachment& attachment : message.attachments()) {
    if (attachment.sha256().empty()) continue;
    absl::StrAppend(&words, " file", absl::BytesToHexString(attachment.sha256()));
  }
  return words;
}

}  // namespace postern::broker
