// SPDX-License-Identifier: Apache-2.0
#include "clients/translator/language.h"

#include <absl/strings/match.h>

namespace postern::translator {
namespace {

struct Row {
  const char* code;   // ours: ISO 639-1, else 639-3
  const char* three;  // ISO 639-3
  const char* name;
};

// What Apertium in Debian translates, and what people often write besides.
constexpr Row kRows[] = {
    {"af", "afr", "Afrikaans"},
    {"an", "arg", "Aragonese"},
    {"ar", "ara", "Arabic"},
    {"ast", "ast", "Asturian"},
    {"be", "bel", "Belarusian"},
    {"bg", "bul", "Bulgarian"},
    {"br", "bre", "Breton"},
    {"ca", "cat", "Catalan"},
    {"cs", "ces", "Czech"},
    {"da", "dan", "Danish"},
    {"de", "deu", "German"},
    {"el", "ell", "Greek"},
    {"en", "eng", "English"},
    {"eo", "epo", "Esperanto"},
    {"es", "spa", "Spanish"},
    {"et", "est", "Estonian"},
    {"eu", "eus", "Basque"},
    {"fa", "fas", "Persian"},
    {"fi", "fin", "Finnish"},
    {"fr", "fra", "French"},
    {"frp", "frp", "Arpitan"},
    {"gl", "glg", "Galician"},
    {"he", "heb", "Hebrew"},
    {"hi", "hin", "Hindi"},
    {"hu", "hun", "Hungarian"},
    {"id", "ind", "Indonesian"},
    {"is", "isl", "Icelandic"},
    {"it", "ita", "Italian"},
    {"ja", "jpn", "Japanese"},
    {"ko", "kor", "Korean"},
    {"lt", "lit", "Lithuanian"},
    {"lv", "lav", "Latvian"},
    {"mk", "mkd", "Macedonian"},
    {"ms", "zlm", "Malay"},
    {"nb", "nob", "Norwegian Bokmål"},
    {"nl", "nld", "Dutch"},
    {"nn", "nno", "Norwegian Nynorsk"},
    {"oc", "oci", "Occitan"},
    {"pl", "pol", "Polish"},
    {"pt", "por", "Portuguese"},
    {"ro", "ron", "Romanian"},
    {"ru", "rus", "Russian"},
    {"sc", "srd", "Sardinian"},
    {"sh", "hbs", "Serbo-Croatian"},
    {"sk", "slk", "Slovak"},
    {"sl", "slv", "Slovenian"},
    {"sv", "swe", "Swedish"},
    {"szl", "szl", "Silesian"},
    {"th", "tha", "Thai"},
    {"tr", "tur", "Turkish"},
    {"uk", "ukr", "Ukrainian"},
    {"ur", "urd", "Urdu"},
    {"vi", "vie", "Vietnamese"},
    {"zh", "zho", "Chinese"},
};

// Other codes for the same: what CLD2 tells apart and Apertium does not, and older codes.
struct Alias {
  const char* code;
  const char* ours;
};
constexpr Alias kAliases[] = {{"sr", "sh"},  {"hr", "sh"}, {"bs", "sh"},  {"no", "nb"},
                              {"nor", "nb"}, {"iw", "he"}, {"msa", "ms"}, {"in", "id"}};

}  // namespace

std::optional<Language> FindLanguage(std::string_view text) {
  for (const Row& row : kRows) {
    if (absl::EqualsIgnoreCase(row.name, {text.data(), text.size()})) return Language{row.code};
  }
  // The language of "pt_BR" and "zh-Hant" is what stands in front.
  std::string_view code = text.substr(0, text.find_first_of("-_.@"));
  for (const Alias& alias : kAliases) {
    if (code == alias.code) code = alias.ours;
  }
  for (const Row& row : kRows) {
    if (code == row.code || code == row.three) return Language{row.code};
  }
  return std::nullopt;
}

std::string NameOf(const Language& language) {
  for (const Row& row : kRows) {
    if (language.code == row.code) return row.name;
  }
  return language.code;
}

}  // namespace postern::translator
