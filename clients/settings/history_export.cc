// SPDX-License-Identifier: Apache-2.0
#include "clients/settings/history_export.h"

#include <fcntl.h>
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "platform/status_macros.h"

namespace postern::settings {
namespace {

constexpr int kPageSize = 500;
// More pages than the broker keeps rows for is a list that never ends.
constexpr int kPagesMax = 10'000;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

absl::Status CannotWrite() {
  return absl::UnavailableError("The file could not be written there.");
}

absl::StatusOr<std::string> Line(const v1::AccessEntry& entry) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string line;
  if (!google::protobuf::util::MessageToJsonString(entry, &line, options).ok()) {
    return absl::InternalError("a row has no JSON form");
  }
  return line + "\n";
}

// Returns how many rows were written.
absl::StatusOr<uint64_t> WriteRows(owner::Owner& owner, v1::ListAccessHistoryRequest request,
                                   std::FILE* file) {
  uint64_t rows = 0;
  request.set_page_size(kPageSize);
  for (int page = 0; page < kPagesMax; ++page) {
    ASSIGN_OR_RETURN(const v1::ListAccessHistoryResponse response,
                     owner.ListAccessHistory(request));
    for (const v1::AccessEntry& entry : response.entries()) {
      ASSIGN_OR_RETURN(const std::string line, Line(entry));
      if (std::fwrite(line.data(), 1, line.size(), file) != line.size()) return CannotWrite();
      ++rows;
    }
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  if (std::fflush(file) != 0 || ::fsync(::fileno(file)) != 0) return CannotWrite();
  return rows;
}

}  // namespace

absl::StatusOr<uint64_t> ExportHistory(owner::Owner& owner, v1::ListAccessHistoryRequest request,
                                       const std::string& path) {
  const std::string part = path + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return CannotWrite();
  const File file(::fdopen(fd, "w"));
  if (file == nullptr) {
    ::close(fd);
    return CannotWrite();
  }
  absl::StatusOr<uint64_t> rows = WriteRows(owner, std::move(request), file.get());
  if (rows.ok() && std::rename(part.c_str(), path.c_str()) != 0) rows = CannotWrite();
  if (!rows.ok()) ::unlink(part.c_str());
  return rows;
}

}  // namespace postern::settings
