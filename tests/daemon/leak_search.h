// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace postern::daemon_test {

// Looks for one text in files, as it is and in the forms that programs write texts down in.
class LeakSearch {
 public:
  explicit LeakSearch(const std::string& text);

  // The files below 'folder' that hold the text in any form. With 'since', only those written
  // later.
  std::set<std::string> FilesWith(
      const std::string& folder,
      std::filesystem::file_time_type since = std::filesystem::file_time_type::min()) const;
  bool IsIn(const std::string& bytes) const;
  // Each form of the text: plain, hex, base64 at each alignment, UTF-16.
  const std::vector<std::string>& forms() const { return forms_; }
  // How many files FilesWith has read.
  size_t files_read() const { return files_read_; }

 private:
  std::vector<std::string> forms_;
  mutable size_t files_read_ = 0;
};

// RFC 4648, padded.
std::string Base64(const std::string& bytes);
std::string Hex(const std::string& bytes, bool upper);
std::string Utf16(const std::string& ascii, bool big_endian);

}  // namespace postern::daemon_test
