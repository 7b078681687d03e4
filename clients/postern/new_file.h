// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace postern::cli {

// A new file of the user's alone (0600) that bears its name only once it is whole. What was not
// finished is removed.
class NewFile {
 public:
  // INVALID_ARGUMENT when there is something of that name already, or it cannot be made.
  static absl::StatusOr<NewFile> Make(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  // An error shows in Finish.
  void Write(std::string_view bytes);
  // FAILED_PRECONDITION when it was not written.
  absl::Status Finish();

 private:
  NewFile(std::string path, std::string part, std::FILE* stream);
  std::string path_;
  std::string part_;
  std::FILE* stream_;
};

// What a person is told of a file that is whole: "3 rows are in “history.jsonl”."
std::string WrittenText(uint64_t count, const std::string& noun, const std::string& path);

// Ends what was written to standard output in the place of a file. FAILED_PRECONDITION when not all
// of it was taken.
absl::Status FlushOutput();

}  // namespace postern::cli
