// SPDX-License-Identifier: Apache-2.0
// What of a message is searched for, and what a query looks for: the same words, made in the same
// way. Pure functions.
#pragma once

#include <absl/status/statusor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postern/v1/message.pb.h"

namespace postern::broker {

// Returns the words of a message in the form the search index keeps: its text, and a poll's
// question and answers. Lines that quote another message are left out, for everybody: words are
// found where they were written, so that who may not see the quoted message cannot ask for them.
// Empty when there is nothing to find.
std::string SearchText(const v1::Message& message);

// Returns the text as the index's tokenizer shall see it. It takes words apart at spaces; in
// scripts written without them (Chinese, Japanese, Thai, Khmer...) and in Korean, each character
// becomes a word of its own, and a query of several a phrase. That finds words of one and two
// characters, which are most of these languages' words and which trigrams cannot find. Emoji are
// words too; marks that people leave out at will are dropped.
std::string SeparateWords(std::string_view text);

// Returns what 'query' looks for, as strings of the index's query language, quoted, so that nothing
// in them is syntax. INVALID_ARGUMENT naming the field "query" when it has no word, or goes over
// kSearchQueryBytesMax or kSearchWordsMax.
absl::StatusOr<std::vector<std::string>> QueryWords(std::string_view query);

// Which rows a query is about, by the words of word_rows.h.
struct SearchScope {
  // Only these chats, or, with 'all_but', all but these. Empty: all.
  std::vector<std::string> chats;
  bool all_but = false;
  // Only of this sender; empty: of all.
  std::string sender;
};
// Returns the expression that finds rows with all of 'words', to be bound to MATCH.
std::string MatchExpression(std::span<const std::string> words, const SearchScope& scope);

}  // namespace postern::broker
