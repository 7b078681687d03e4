// SPDX-License-Identifier: Apache-2.0
#include "tests/permissions/hostile_texts.h"

#include <functional>

namespace postern::permissions {
namespace {

using namespace std::string_literals;
using Texts = std::vector<std::string>;

std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Each of 'parts' between the halves of a name, then two of them, until there are enough.
Texts Between(const Texts& parts, const std::string& before, const std::string& after) {
  Texts texts;
  for (size_t i = 0; i < kHostileTextsOfAKind; ++i) {
    const std::string& part = parts[i % parts.size()];
    std::string text = before + part + after;
    const size_t round = i / parts.size();
    for (size_t more = 0; more < round; ++more) text += parts[(i + more) % parts.size()] + "x";
    texts.push_back(std::move(text));
  }
  return texts;
}

Texts Numbered(const std::function<std::string(size_t)>& make) {
  Texts texts;
  for (size_t i = 0; i < kHostileTextsOfAKind; ++i) texts.push_back(make(i));
  return texts;
}

Texts Bidi() {
  return Between({"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068",
                  "\u2069", "\u200e", "\u200f", "\u061c", "\u202e\u2066", "\u2069\u202c"},
                 "annex", "gpj.exe");
}

Texts ZeroWidth() {
  return Between({"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u180e",
                  "\u2061", "\u2062", "\u2063", "\u2064", "\u206a", "\u206f"},
                 "Cal", "endar");
}

Texts Piles() {
  static const Texts kMarks = {"\u0335", "\u0489", "\u0301", "\u0323", "\u20dd",
                               "\u0e49", "\u064b", "\u05b0", "\u0300", "\u0488"};
  return Numbered([](size_t i) {
    return "Z" + Repeat(kMarks[i % kMarks.size()], 5 + 40 * i) + "algo" +
           Repeat(kMarks[(i + 3) % kMarks.size()], 9);
  });
}

Texts Controls() {
  return Numbered([](size_t i) {
    // NUL first, then other controls; DEL and C1 at the end.
    static const Texts kControls = {"\0"s,  "\x01", "\x02", "\x03",   "\x04",   "\x05",  "\x06",
                                    "\x07", "\x08", "\x0e", "\x0f",   "\x11",   "\x13",  "\x18",
                                    "\x1a", "\x1c", "\x7f", "\u0080", "\u008d", "\u009f"};
    return "Cloc" + kControls[i] + "k" + (i % 2 == 0 ? "\0.desktop"s : ""s);
  });
}

Texts Markup() {
  return {"<b>Postern</b>",
          "<span size='99999'>A</span>",
          "<a href=\"file:///etc\">ok</a>",
          "&lt;b&gt;",
          "&amp;amp;",
          "&#x202e;abc",
          "&#0;",
          "</label>",
          "<!-- ",
          "<![CDATA[x]]>",
          "<big><big><big>",
          "<span foreground=\"white\">safe</span>",
          "&unknown;",
          "&",
          "<",
          ">",
          "<?xml version='1.0'?>",
          "<img src=x>",
          "_Allow",
          "__Allow_"};
}

Texts Ansi() {
  return Numbered([](size_t i) {
    static const Texts kSequences = {"\x1b[2J",
                                     "\x1b[31m",
                                     "\x1b]0;Postern\x07",
                                     "\x1b[1A\x1b[2K",
                                     "\x1b(0",
                                     "\x1b]8;;http://x\x1b\\",
                                     "\x1bP1$r\x1b\\",
                                     "\x1b[?1049h",
                                     "\x9b"
                                     "31m",
                                     "\u009b31m",
                                     "\x1b[8m",
                                     "\x1b[3J\x1b[H",
                                     "\x1b[6n",
                                     "\x1b"
                                     "c",
                                     "\x1b[20t",
                                     "\x1b]52;c;eA==\x07",
                                     "\x1b[5i",
                                     "\x1b#8",
                                     "\x1b[4h",
                                     "\x1b[999D"};
    return "Mail" + kSequences[i] + "er";
  });
}

Texts Long() {
  static const Texts kParts = {"W",          "W ",      "\u4e2d", "\u0645",
                               "\U0001F98A", "a\u0301", "\u1100", "\U0001F1E9\U0001F1EA",
                               "\u0e01",     "-"};
  return Numbered([](size_t i) {
    const std::string& part = kParts[i % kParts.size()];
    const size_t bytes = i < kParts.size() ? 10 * 1024 : 41 * part.size();
    return "A" + Repeat(part, bytes / part.size()) + "end";
  });
}

Texts LookAlikes() {
  return {"S\u0456gnal",
          "Sign\u0430l",
          "\u0405\u0456gn\u0430l",
          "SlGNAL",
          "S1gnal",
          "Sig nal",
          "Sig-nal",
          "Sig\u200bnal",
          "\U0001D412ignal",
          "\uff33ignal",
          "signal",
          "S\u0131gnal",
          "PayPaI",
          "\u0420\u0430\u0443\u0420\u0430l",
          "\u03a1ay\u03a1al",
          "Pay.Pal",
          "PAYPAL",
          "Pay\u202ePal",
          "Trans\u217cator",
          "Tr\u0430nslat\u043er"};
}

Texts Lines() {
  return Between({"\n", "\r", "\r\n", "\v", "\f", "\u0085", "\u2028", "\u2029", "\n\n\n\n", "\t",
                  "\u00a0", "\u2003", "\u3000", "\u1680", "\u202f"},
                 "Notes", "Allowed by you");
}

Texts PrivateUse() {
  return Between({"\ue000", "\uf8ff", "\uf000", "\U000F0000", "\U000FFFFD", "\U00100000",
                  "\U0010FFFD", "\ue0ff\ue100", "\uf8ff\u200d", "\U000F1234"},
                 "App", "Store");
}

Texts BrokenBytes() {
  return Between(
      {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80", "\x80",
       "\xf4\x90\x80\x80", "\xfe\xff", "\xc3", "\xe0\x80\xaf", "\xf0\x9f\xa6", "\xbf\xbf\xbf"},
      "Photo", "s");
}

Texts TagsAndSelectors() {
  return Between({"\U000E0001", "\U000E0041\U000E007F", "\ufe0e", "\ufe0f", "\U000E0100",
                  "\U000E01EF", "\ufff9x\ufffay\ufffb", "\ufffc", "\U0001D173", "\U0001D17A",
                  "\u0378", "\uffff", "\U0001FFFE"},
                 "Wea", "ther");
}

Texts Blank() {
  return {"",
          " ",
          "\t\r\n",
          "\0"s,
          "\u200b",
          "\u00a0\u2003",
          "\u2800\u2800",
          "\u3164",
          "\uffa0\u115f\u1160",
          "\u0301\u0302",
          "\u202e\u202c",
          "\U000E0041",
          "\ue000",
          "\ufeff",
          "\u2060\u2061",
          "\u034f",
          "\u3000",
          "\x7f\x1f",
          "\u17b4\u17b5",
          "\u180b\u180c"};
}

Texts Formats() {
  return {"%s%n",       "%1$*2$d",    "$0 $1",        "${PATH}",  "$(reboot)",
          "`reboot`",   "; rm -rf ~", "../../../etc", "\\x1b[2J", "\\u202e",
          "'; DROP --", "\"quoted\"", "{\"a\":1}",    "\\\\",     "(unnamed)",
          "Allow",      "0",          "null",         "Gtk+",     "\u2068x\u2069"};
}

Texts Composition() {
  static const Texts kParts = {"e\u0301",       "e\u200b\u0301", "\u212b", "\u1112\u1161\u11ab",
                               "s\u0323\u0307", "\u1e9b\u0323",  "\u0958", "\u2126",
                               "\u0344",        "I\u0307"};
  return Numbered([](size_t i) {
    return (i < kParts.size() ? "Caf"s : "\u0301Caf"s) + kParts[i % kParts.size()];
  });
}

}  // namespace

std::vector<std::string> AllowedNames() { return {"Signal", "PayPal", "Translator"}; }

std::vector<HostileText> HostileTexts() {
  const std::pair<const char*, Texts> kinds[kHostileKinds] = {
      {"bidi", Bidi()},
      {"zero-width", ZeroWidth()},
      {"pile", Piles()},
      {"control", Controls()},
      {"markup", Markup()},
      {"ansi", Ansi()},
      {"long", Long()},
      {"look-alike", LookAlikes()},
      {"line", Lines()},
      {"private-use", PrivateUse()},
      {"broken-bytes", BrokenBytes()},
      {"tag-or-selector", TagsAndSelectors()},
      {"blank", Blank()},
      {"format", Formats()},
      {"composition", Composition()},
  };
  std::vector<HostileText> all;
  for (const auto& [kind, texts] : kinds) {
    for (const std::string& text : texts) all.push_back({kind, text});
  }
  return all;
}

}  // namespace postern::permissions
