// SPDX-License-Identifier: Apache-2.0
// Where a command writes: lines, tables and colours that are there only when a person looks.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace postern::cli {

enum class Style { kPlain, kStrong, kFaint, kGood, kAttention, kBad, kPerson };

// One output stream. Text is written as given: what other people wrote goes through VisibleText
// first. Not thread-safe.
class Terminal {
 public:
  // Colours when 'stream' is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
  explicit Terminal(std::FILE* stream);
  Terminal(std::FILE* stream, bool colours) : stream_(stream), colours_(colours) {}
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Returns 'text' in the style, or as it is where there are no colours.
  std::string Paint(Style style, const std::string& text) const;
  // Writes a line and flushes, so that a reader behind a pipe sees it at once.
  void Line(const std::string& text = {});

  bool colours() const { return colours_; }

 private:
  std::FILE* stream_;
  bool colours_;
};

// Columns that line up, also with wide letters.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
  // Adds a row; its cells are made visible text here.
  void AddRow(std::vector<std::string> cells);
  // Orders the rows by a column, letter case of ASCII aside; those that are equal there stay.
  void SortBy(size_t column);
  void Print(Terminal& terminal) const;
  bool empty() const { return rows_.empty(); }

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace postern::cli
