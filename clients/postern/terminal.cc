// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "clients/owner/visible_text.h"

namespace postern::cli {
namespace {

using owner::DisplayWidth;
using owner::VisibleText;

bool WantsColours(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  return isatty(fileno(stream)) == 1;
}

// The sixteen basic colours only, so that the user's own theme decides how they look.
std::string Sequence(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kStrong:
      return "\x1b[1m";
    case Style::kFaint:
      return "\x1b[2m";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kAttention:
      return "\x1b[33m";
    case Style::kBad:
      return "\x1b[31m";
    case Style::kPerson:
      return "\x1b[36m";
  }
  return "";
}

}  // namespace

Terminal::Terminal(std::FILE* stream) : Terminal(stream, WantsColours(stream)) {}

std::string Terminal::Paint(Style style, const std::string& text) const {
  if (!colours_ || style == Style::kPlain) return std::string(text);
  return absl::StrCat(Sequence(style), text, "\x1b[0m");
}

void Terminal::Line(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream_);
  std::fputc('\n', stream_);
  std::fflush(stream_);
}

void Table::AddRow(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = VisibleText(cell);
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

void Table::SortBy(size_t column) {
  std::stable_sort(rows_.begin(), rows_.end(), [column](const auto& a, const auto& b) {
    return absl::AsciiStrToLower(a[column]) < absl::AsciiStrToLower(b[column]);
  });
}

void Table::Print(Terminal& terminal) const {
  std::vector<int> widths;
  for (size_t column = 0; column < headings_.size(); ++column) {
    int width = DisplayWidth(headings_[column]);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[column]));
    widths.push_back(width);
  }
  const auto print = [&](const std::vector<std::string>& cells, Style style) {
    std::string line;
    for (size_t column = 0; column < cells.size(); ++column) {
      line += terminal.Paint(style, cells[column]);
      if (column + 1 == cells.size()) break;
      line.append(static_cast<size_t>(widths[column] - DisplayWidth(cells[column]) + 2), ' ');
    }
    terminal.Line(line);
  };
  print(headings_, Style::kFaint);
  for (const auto& row : rows_) print(row, Style::kPlain);
}

}  // namespace postern::cli
