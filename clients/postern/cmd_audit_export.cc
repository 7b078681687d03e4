// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "clients/owner/visible_text.h"
#include "clients/postern/audit_query.h"
#include "clients/postern/commands.h"
#include "clients/postern/progress.h"
#include "platform/status_macros.h"

namespace postern::cli {
namespace {

using owner::VisibleText;

struct Options {
  AuditFilter filter;
  std::string file;
};

// A new file of the user's alone that bears its name only once it is whole.
class NewFile {
 public:
  static absl::StatusOr<NewFile> Make(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("“", VisibleText(path), "” is there already. Name another file."));
    }
    const std::string part = path + ".part";
    ::unlink(part.c_str());
    const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    std::FILE* stream = fd < 0 ? nullptr : ::fdopen(fd, "w");
    if (stream == nullptr) {
      const int error = errno;
      if (fd >= 0) ::close(fd);
      return absl::InvalidArgumentError(
          absl::StrCat("“", VisibleText(path), "” cannot be made: ", std::strerror(error), "."));
    }
    return NewFile(path, part, stream);
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::move(other.path_)),
        part_(std::move(other.part_)),
        stream_(std::exchange(other.stream_, nullptr)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (stream_ == nullptr) return;
    std::fclose(stream_);
    ::unlink(part_.c_str());
  }

  void Line(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stream_);
    std::fputc('\n', stream_);
  }
  absl::Status Finish() {
    const bool written = std::fflush(stream_) == 0 && std::ferror(stream_) == 0 &&
                         ::fsync(::fileno(stream_)) == 0 &&
                         ::rename(part_.c_str(), path_.c_str()) == 0;
    const int error = errno;
    std::fclose(std::exchange(stream_, nullptr));
    if (written) return absl::OkStatus();
    ::unlink(part_.c_str());
    return absl::UnavailableError(
        absl::StrCat("“", VisibleText(path_), "” was not written: ", std::strerror(error), "."));
  }

 private:
  NewFile(std::string path, std::string part, std::FILE* stream)
      : path_(std::move(path)), part_(std::move(part)), stream_(stream) {}
  std::string path_;
  std::string part_;
  std::FILE* stream_;
};

// Hands over every row that fits, newest first; returns how many.
absl::StatusOr<uint64_t> EachRow(Owner& owner, v1::ListAccessHistoryRequest request,
                                 const std::function<void(const v1::AccessEntry&)>& take) {
  Progress progress("Exporting");
  request.set_page_size(kAuditPageSize);
  uint64_t rows = 0;
  uint64_t newest = 0;
  do {
    ASSIGN_OR_RETURN(const v1::ListAccessHistoryResponse page, owner.ListAccessHistory(request));
    for (const v1::AccessEntry& entry : page.entries()) {
      if (!IsWritten(entry)) continue;
      if (newest == 0) newest = entry.sequence();
      take(entry);
      ++rows;
      progress.Show(newest - entry.sequence(), newest);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return rows;
}

ExitCode RunExport(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  const auto request = options.filter.Request(**owner);
  if (!request.ok()) return Fail(context, request.status(), Caller::kOwner);
  if (options.file.empty() || options.file == "-") {
    const auto rows = EachRow(**owner, *request,
                              [&](const v1::AccessEntry& entry) { context.out.Line(Json(entry)); });
    return rows.ok() ? ExitCode::kOk : Fail(context, rows.status(), Caller::kOwner);
  }
  auto file = NewFile::Make(options.file);
  if (!file.ok()) return Fail(context, file.status(), Caller::kOwner);
  const auto rows =
      EachRow(**owner, *request, [&](const v1::AccessEntry& entry) { file->Line(Json(entry)); });
  if (!rows.ok()) return Fail(context, rows.status(), Caller::kOwner);
  if (const absl::Status finished = file->Finish(); !finished.ok()) {
    return Fail(context, finished, Caller::kOwner);
  }
  context.out.Line(
      context.json ? absl::StrCat("{\"file\":", JsonString(options.file), ",\"rows\":", *rows, "}")
                   : absl::StrCat(*rows, " rows are in “", VisibleText(options.file), "”."));
  return ExitCode::kOk;
}

}  // namespace

void AddAuditExport(CommandLine& line, CLI::App* audit) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      audit,
      {.name = "export",
       .summary = "Write the access history to a file, or to the output",
       .more = "One row a line, as JSON (postern.v1.AccessEntry), newest first. record_hash chains "
               "each row to all\n"
               "before it: keep the file elsewhere, and `postern audit verify --against FILE` "
               "tells whether any\n"
               "row of it has changed since. The counts of this very minute are left out.",
       .examples = {"postern audit export history.jsonl",
                    "postern audit export --since 30d --verb send | jq -r .app_display_name"}},
      [options](Context& context) { return RunExport(context, *options); });
  command->add_option("FILE", options->file,
                      "A file that is not there yet; none, or -: the output");
  options->filter.AddTo(*command);
}

}  // namespace postern::cli
