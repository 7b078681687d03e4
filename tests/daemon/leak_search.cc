// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/leak_search.h"

#include <algorithm>

#include "tests/daemon/process.h"

namespace postern::daemon_test {
namespace {

namespace fs = std::filesystem;

// What the text looks like inside a longer base64 text, with so many bytes before it: without the
// characters that its neighbours have a part in.
std::string Base64Inside(const std::string& text, size_t before) {
  const std::string whole = Base64(std::string(before, '\0') + text);
  const size_t begin = (before * 8 + 5) / 6;
  const size_t end = (before + text.size()) * 8 / 6;
  return whole.substr(begin, end - begin);
}

}  // namespace

std::string Base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      text += i + j > bytes.size() ? '=' : kDigits[group >> (18 - 6 * j) & 63];
    }
  }
  return text;
}

std::string Hex(const std::string& bytes, bool upper) {
  const char* const digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string Utf16(const std::string& ascii, bool big_endian) {
  std::string text;
  for (const char c : ascii) {
    if (big_endian) text += '\0';
    text += c;
    if (!big_endian) text += '\0';
  }
  return text;
}

LeakSearch::LeakSearch(const std::string& text) {
  forms_ = {text, Hex(text, false), Hex(text, true), Utf16(text, false), Utf16(text, true)};
  for (const size_t before : {0, 1, 2}) {
    forms_.push_back(Base64Inside(text, before));
    std::string url_safe = forms_.back();
    std::replace(url_safe.begin(), url_safe.end(), '+', '-');
    std::replace(url_safe.begin(), url_safe.end(), '/', '_');
    if (url_safe != forms_.back()) forms_.push_back(url_safe);
  }
}

bool LeakSearch::IsIn(const std::string& bytes) const {
  return std::any_of(forms_.begin(), forms_.end(), [&](const std::string& form) {
    return bytes.find(form) != std::string::npos;
  });
}

std::set<std::string> LeakSearch::FilesWith(const std::string& folder,
                                            fs::file_time_type since) const {
  std::set<std::string> found;
  std::error_code gone;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         gone);
  for (; !gone && entry != fs::recursive_directory_iterator(); entry.increment(gone)) {
    std::error_code ignored;
    if (!fs::is_regular_file(entry->symlink_status(ignored))) continue;
    if (since != fs::file_time_type::min() && entry->last_write_time(ignored) < since) continue;
    ++files_read_;
    if (IsIn(ReadFile(entry->path().string()))) found.insert(entry->path().string());
  }
  return found;
}

}  // namespace postern::daemon_test
