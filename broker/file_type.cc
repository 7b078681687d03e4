// SPDX-License-Identifier: Apache-2.0
#include "broker/file_type.h"

#include <absl/strings/ascii.h>

#include <algorithm>
#include <string>

namespace postern::broker {
namespace {

struct Mark {
  std::string_view type;
  size_t at;
  std::string_view bytes;
};

using namespace std::string_view_literals;

// A type may have several lines: any of them will do.
constexpr Mark kMarks[] = {
    {"image/png", 0, "\x89PNG\r\n\x1a\n"sv},
    {"image/jpeg", 0, "\xff\xd8\xff"sv},
    {"image/gif", 0, "GIF87a"sv},
    {"image/gif", 0, "GIF89a"sv},
    {"image/webp", 8, "WEBP"sv},
    {"image/bmp", 0, "BM"sv},
    {"image/heic", 4, "ftyp"sv},
    {"image/avif", 4, "ftyp"sv},
    {"video/mp4", 4, "ftyp"sv},
    {"audio/mp4", 4, "ftyp"sv},
    {"video/quicktime", 4, "ftyp"sv},
    {"video/quicktime", 4, "moov"sv},
    {"video/quicktime", 4, "wide"sv},
    {"video/quicktime", 4, "mdat"sv},
    {"video/webm", 0, "\x1a\x45\xdf\xa3"sv},
    {"audio/webm", 0, "\x1a\x45\xdf\xa3"sv},
    {"audio/ogg", 0, "OggS"sv},
    {"video/ogg", 0, "OggS"sv},
    {"audio/flac", 0, "fLaC"sv},
    {"audio/wav", 8, "WAVE"sv},
    {"application/pdf", 0, "%PDF-"sv},
    {"application/zip", 0, "PK\x03\x04"sv},
    {"application/zip", 0, "PK\x05\x06"sv},
    {"application/gzip", 0, "\x1f\x8b"sv},
};
constexpr std::string_view kProgram =
    "\x7f"
    "ELF"sv;

// The type alone, in lower case.
std::string Essence(std::string_view mime_type) {
  std::string text(mime_type.substr(0, mime_type.find(';')));
  while (!text.empty() && text.back() == ' ') text.pop_back();
  absl::AsciiStrToLower(&text);
  return text;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) ||
           std::string_view("!#$&-^_.+").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

}  // namespace

bool FileTypeFits(std::string_view mime_type, std::string_view beginning) {
  const std::string type = Essence(mime_type);
  bool marked = false;
  for (const Mark& mark : kMarks) {
    if (mark.type != type) continue;
    marked = true;
    if (beginning.size() >= mark.at + mark.bytes.size() &&
        beginning.substr(mark.at, mark.bytes.size()) == mark.bytes) {
      return true;
    }
  }
  if (marked) return false;
  if (beginning.substr(0, kProgram.size()) != kProgram) return true;
  return type.empty() || type.rfind("application/", 0) == 0;
}

bool IsMimeType(std::string_view mime_type) {
  const std::string type = Essence(mime_type);
  const size_t slash = type.find('/');
  return slash != std::string::npos && IsToken(std::string_view(type).substr(0, slash)) &&
         IsToken(std::string_view(type).substr(slash + 1));
}

}  // namespace postern::broker
