// SPDX-License-Identifier: Apache-2.0
#include "clients/crm/note_text.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <openssl/sha.h>

#include <algorithm>

namespace postern::crm {
namespace {

std::string TimeOfDay(int64_t time_ms, absl::TimeZone zone) {
  return absl::FormatTime("%H:%M", absl::FromUnixMillis(time_ms), zone);
}

std::string Messages(int64_t count) {
  return absl::StrCat(count, count == 1 ? " message" : " messages");
}

// "Alice: 3 messages. You: 1 message."
std::string Counts(const NoteWords& words, int64_t from_person, int64_t from_owner) {
  std::string text = absl::StrCat(words.person, ": ", Messages(from_person), ".");
  // What the owner writes in a group is written to nobody in particular.
  if (words.group.empty())
    absl::StrAppend(&text, " ", words.owner, ": ", Messages(from_owner), ".");
  return text;
}

std::string Texts(const NoteWords& words, const std::vector<Entry>& entries, absl::TimeZone zone) {
  std::string text;
  for (size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (!entry.text.has_value() && !entry.erased) continue;
    const std::string line = absl::StrCat("\n", TimeOfDay(entry.time_ms, zone), " ",
                                          entry.from_owner ? words.owner : words.person, ": ",
                                          entry.erased ? "(deleted)" : Indented(*entry.text));
    if (text.size() + line.size() > kNoteBytesMax) {
      return absl::StrCat(text, "\n(and ", Messages(static_cast<int64_t>(entries.size() - i)),
                          " more of this day)");
    }
    text += line;
  }
  return text;
}

}  // namespace

std::string DayOf(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d", time, zone);
}

std::string Indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\n    ";
    } else if (static_cast<unsigned char>(c) >= ' ' && c != '\x7f') {
      out += c;
    } else if (c == '\t') {
      out += ' ';
    }
  }
  return out;
}

std::string DayText(const NoteWords& words, const std::string& day,
                    const std::vector<Entry>& entries, absl::TimeZone zone) {
  int64_t from_owner = 0, first = entries.front().time_ms, last = first;
  bool any_text = false;
  for (const Entry& entry : entries) {
    first = std::min(first, entry.time_ms);
    last = std::max(last, entry.time_ms);
    from_owner += entry.from_owner ? 1 : 0;
    any_text = any_text || entry.text.has_value();
  }
  std::string text = absl::StrCat(
      day, ", ", words.network, words.group.empty() ? "" : ", group " + words.group, "\n",
      Counts(words, static_cast<int64_t>(entries.size()) - from_owner, from_owner), "\nFirst ",
      TimeOfDay(first, zone), ", last ", TimeOfDay(last, zone), ".");
  if (words.gap) absl::StrAppend(&text, "\nSomething of this day was lost on its way.");
  if (any_text) absl::StrAppend(&text, "\n", Texts(words, entries, zone));
  return text;
}

std::string SumText(const NoteWords& words, const Sum& sum, absl::TimeZone zone) {
  return absl::StrCat(words.network, ", all together\nLast contact: ",
                      absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixMillis(sum.last_ms), zone),
                      ", written by ", sum.last_from_owner ? words.owner : words.person, ".\n",
                      Counts(words, sum.from_person, sum.from_owner), " On ", sum.days,
                      sum.days == 1 ? " day" : " days", " since ", sum.first_day, ".");
}

std::string MarkOf(const Note& note) {
  const std::string key = absl::StrCat(note.chat, "\n", note.contact, "\n", note.day);
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), hash);
  return absl::StrCat(
      "[postern:", absl::BytesToHexString(absl::string_view(reinterpret_cast<char*>(hash), 16)),
      "]");
}

}  // namespace postern::crm
