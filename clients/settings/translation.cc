// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/translation.h"

#include <gtk/gtk.h>
#include <libintl.h>

#include <clocale>
#include <filesystem>
#include <string_view>

namespace postern::settings {
namespace {

constexpr char kDomain[] = "postern-settings";
// The consent question's.
constexpr char kAskedDomain[] = "postern";

// As in GTK's own catalogs: a translation into a language that reads from the right says so.
bool IsRightToLeft() { return std::string_view(Tr("default:LTR")) == "default:RTL"; }

}  // namespace

void SetUpTranslation() {
  std::setlocale(LC_ALL, "");
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const std::filesystem::path catalogs = program.parent_path().parent_path() / "share/locale";
    bindtextdomain(kDomain, catalogs.c_str());
    bindtextdomain(kAskedDomain, catalogs.c_str());
  }
  bind_textdomain_codeset(kDomain, "UTF-8");
  bind_textdomain_codeset(kAskedDomain, "UTF-8");
  if (IsRightToLeft()) gtk_widget_set_default_direction(GTK_TEXT_DIR_RTL);
}

const char* LineStart() { return IsRightToLeft() ? "\u200f" : ""; }

const char* Tr(const char* text) {
  // The empty text stands for the catalog's own header.
  return *text == '\0' ? text : dgettext(kDomain, text);
}

std::string TrAsked(const std::string& text) { return dgettext(kAskedDomain, text.c_str()); }

const char* TrCount(const char* one, const char* many, uint64_t count) {
  return dngettext(kDomain, one, many, count);
}

}  // namespace postern::settings
