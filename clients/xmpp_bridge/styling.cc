// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/styling.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>

namespace postern::xmpp_bridge {
namespace {

using Style = v1::FormattingSpan;

struct Directive {
  char mark;
  Style::Style style;
};
constexpr Directive kDirectives[] = {{'*', Style::STYLE_BOLD},
                                     {'_', Style::STYLE_ITALIC},
                                     {'~', Style::STYLE_STRIKETHROUGH},
                                     {'`', Style::STYLE_CODE}};

const Directive* DirectiveOf(char mark) {
  for (const auto& directive : kDirectives) {
    if (directive.mark == mark) return &directive;
  }
  return nullptr;
}

const Directive* DirectiveOf(Style::Style style) {
  for (const auto& directive : kDirectives) {
    if (directive.style == style) return &directive;
  }
  return nullptr;
}

// What is put before a byte of the text. Those of one place are put there in the order of 'rank'.
struct Insertion {
  size_t at;
  int64_t rank;
  std::string text;
};

bool Space(char character) { return absl::ascii_isspace(static_cast<unsigned char>(character)); }

v1::FormattingSpan Span(size_t start, size_t end, Style::Style style) {
  v1::FormattingSpan span;
  span.set_start(static_cast<uint32_t>(start));
  span.set_length(static_cast<uint32_t>(end - start));
  span.set_style(style);
  return span;
}

// Takes the directives of one line apart, the inner ones again.
void Inline(std::string_view line, Unstyled& out) {
  for (size_t i = 0; i < line.size(); ++i) {
    const Directive* directive = DirectiveOf(line[i]);
    const bool may_open = directive != nullptr && i + 1 < line.size() && !Space(line[i + 1]) &&
                          (i == 0 || Space(line[i - 1]) ||
                           (DirectiveOf(line[i - 1]) != nullptr && line[i - 1] != line[i]));
    size_t close = std::string_view::npos;
    if (may_open) {
      close = line.find(line[i], i + 2);
      while (close != std::string_view::npos && Space(line[close - 1])) {
        close = line.find(line[i], close + 1);
      }
      if (line[i + 1] == line[i]) close = std::string_view::npos;
    }
    if (close == std::string_view::npos) {
      out.text.push_back(line[i]);
      continue;
    }
    const size_t start = out.text.size();
    const size_t place = out.spans.size();
    const std::string_view inner = line.substr(i + 1, close - i - 1);
    if (directive->style == Style::STYLE_CODE) {
      out.text.append(inner);
    } else {
      Inline(inner, out);
    }
    out.spans.insert(out.spans.begin() + static_cast<std::ptrdiff_t>(place),
                     Span(start, out.text.size(), directive->style));
    i = close;
  }
}

}  // namespace

std::string ToStyled(std::string_view text, const Spans& spans) {
  std::vector<Insertion> insertions;
  for (const auto& span : spans) {
    const size_t start = span.start();
    const size_t end = start + span.length();
    if (span.length() == 0 || end > text.size()) continue;
    // At one place the inner ends before the outer, and the outer begins before the inner.
    const auto opens = static_cast<int64_t>(text.size() + 1) - span.length();
    const auto closes = -static_cast<int64_t>(text.size() + 1) + span.length();
    if (const Directive* directive = DirectiveOf(span.style())) {
      insertions.push_back({start, opens, std::string(1, directive->mark)});
      insertions.push_back({end, closes, std::string(1, directive->mark)});
    } else if (span.style() == Style::STYLE_CODE_BLOCK) {
      insertions.push_back({start, opens,
                            absl::StrCat(start > 0 && text[start - 1] != '\n' ? "\n" : "", "```",
                                         span.argument(), "\n")});
      insertions.push_back({end, closes,
                            absl::StrCat(text[end - 1] == '\n' ? "" : "\n", "```",
                                         end < text.size() && text[end] != '\n' ? "\n" : "")});
    } else if (span.style() == Style::STYLE_QUOTE) {
      for (size_t at = start; at < end; ++at) {
        if (at == start || text[at - 1] == '\n') insertions.push_back({at, opens, "> "});
      }
    } else if (span.style() == Style::STYLE_LINK && !span.argument().empty() &&
               text.substr(start, span.length()) != span.argument()) {
      insertions.push_back({end, closes, absl::StrCat(" (", span.argument(), ")")});
    }
  }
  std::stable_sort(insertions.begin(), insertions.end(), [](const auto& a, const auto& b) {
    return a.at != b.at ? a.at < b.at : a.rank < b.rank;
  });
  std::string styled;
  size_t done = 0;
  for (const auto& insertion : insertions) {
    styled.append(text.substr(done, insertion.at - done));
    styled.append(insertion.text);
    done = insertion.at;
  }
  styled.append(text.substr(done));
  return styled;
}

Unstyled FromStyled(std::string_view styled) {
  Unstyled out;
  size_t quote_start = std::string::npos;
  size_t block_start = std::string::npos;
  std::string language;
  size_t at = 0;
  const auto end_quote = [&](size_t end) {
    if (quote_start != std::string::npos && end > quote_start) {
      out.spans.push_back(Span(quote_start, end, Style::STYLE_QUOTE));
    }
    quote_start = std::string::npos;
  };
  while (at <= styled.size()) {
    const size_t newline = std::min(styled.find('\n', at), styled.size());
    std::string_view line = styled.substr(at, newline - at);
    const bool last = newline == styled.size();
    const size_t line_start = out.text.size();
    if (block_start != std::string::npos) {
      if (line == "```") {
        const size_t end = line_start > block_start ? line_start - 1 : line_start;
        if (end > block_start) {
          out.spans.push_back(Span(block_start, end, Style::STYLE_CODE_BLOCK));
          out.spans.back().set_argument(language);
        }
        block_start = std::string::npos;
        // The line break before the fence belongs to the fence.
        if (last && line_start > 0) out.text.pop_back();
        at = newline + 1;
        continue;
      }
      out.text.append(line);
    } else if (line.substr(0, 3) == "```" &&
               absl::StrContains(absl::StrCat(std::string(styled.substr(newline)), "\n"),
                                 "\n```\n")) {
      end_quote(line_start > 0 ? line_start - 1 : 0);
      block_start = line_start;
      language = std::string(line.substr(3));
      at = newline + 1;
      continue;
    } else if (!line.empty() && line[0] == '>') {
      line.remove_prefix(line.size() > 1 && line[1] == ' ' ? 2 : 1);
      if (quote_start == std::string::npos) quote_start = line_start;
      Inline(line, out);
    } else {
      end_quote(line_start > 0 ? line_start - 1 : 0);
      Inline(line, out);
    }
    if (!last) out.text.push_back('\n');
    at = newline + 1;
  }
  end_quote(out.text.size());
  return out;
}

}  // namespace postern::xmpp_bridge
