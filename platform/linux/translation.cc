// SPDX-License-Identifier: Apache-2.0
#include "platform/linux/translation.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/substitute.h>
#include <libintl.h>
#include <unistd.h>

#include <climits>
#include <clocale>

// The build says where catalogues are installed; beside a program in bin/ they are in share/locale.
#ifndef POSTERN_LOCALE_DIR
#define POSTERN_LOCALE_DIR "/usr/share/locale"
#endif

namespace postern::platform {
namespace {

constexpr const char* kDomain = "postern";
constexpr std::string_view kIsolate = "\u2068";
constexpr std::string_view kEndIsolate = "\u2069";
// Translators: "rtl" where the language is written from right to left, "ltr" elsewhere.
constexpr Text kDirection = Text("ltr");

absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }

// Where this program's catalogues are: the tree it was started from, else the installed one.
std::string CatalogueDirectory() {
  std::string self(PATH_MAX, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", self.data(), self.size());
  if (size > 0) {
    self.resize(static_cast<size_t>(size));
    const std::string beside = absl::StrCat(self.substr(0, self.rfind('/')), "/../share/locale");
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return POSTERN_LOCALE_DIR;
}

}  // namespace

void UseTranslations() {
  std::setlocale(LC_ALL, "");
  ::bindtextdomain(kDomain, CatalogueDirectory().c_str());
  ::bind_textdomain_codeset(kDomain, "UTF-8");
  ::textdomain(kDomain);
}

const char* Say(Text text) { return ::dgettext(kDomain, text.english); }

std::string Say(Text text, std::string_view value) {
  return absl::Substitute(Say(text), AbslView(value));
}

std::string Say(Text text, std::string_view first, std::string_view second) {
  return absl::Substitute(Say(text), AbslView(first), AbslView(second));
}

std::string Say(Text text, std::string_view first, std::string_view second,
                std::string_view third) {
  return absl::Substitute(Say(text), AbslView(first), AbslView(second), AbslView(third));
}

std::string Say(CountText text, uint64_t count) {
  return absl::Substitute(::dngettext(kDomain, text.one, text.many, count), count);
}

std::string SayEnglish(std::string_view english) {
  return ::dgettext(kDomain, std::string(english).c_str());
}

bool IsRightToLeft() { return std::string_view(Say(kDirection)) == "rtl"; }

std::string Isolated(std::string_view name) {
  return absl::StrCat(AbslView(kIsolate), AbslView(name), AbslView(kEndIsolate));
}

std::string WithoutIsolates(std::string_view text) {
  return absl::StrReplaceAll(AbslView(text),
                             {{AbslView(kIsolate), ""}, {AbslView(kEndIsolate), ""}});
}

}  // namespace postern::platform
