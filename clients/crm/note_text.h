// SPDX-License-Identifier: Apache-2.0
// The words of the notes. Pure functions.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <vector>

#include "clients/crm/ledger.h"

namespace postern::crm {

// A note with more bytes of text than this ends with how many messages it leaves out.
inline constexpr size_t kNoteBytesMax = 32 * 1024;

struct NoteWords {
  std::string person;
  std::string owner;
  std::string network;
  std::string group;  // the group's name; empty for a 1:1 chat
  bool gap = false;
};

// A day's conversation: how many messages of whom, first and last, and the texts that are there.
std::string DayText(const NoteWords& words, const std::string& day,
                    const std::vector<Entry>& entries, absl::TimeZone zone);
// All of a person's conversations.
std::string SumText(const NoteWords& words, const Sum& sum, absl::TimeZone zone);

// The mark by which a note is found again: the same for the same note, whoever asks.
std::string MarkOf(const Note& note);

// The day in 'zone': "2026-11-21".
std::string DayOf(absl::Time time, absl::TimeZone zone);

// A text of people's as one piece of a note: without control characters, further lines indented, so
// that none can be taken for a line of ours.
std::string Indented(const std::string& text);

}  // namespace postern::crm
