// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "clients/postern/app.h"
#include "clients/postern/commands.h"
#include "clients/postern/new_file.h"
#include "clients/postern/progress.h"
#include "clients/sdk/file_transfer.h"

namespace postern::cli {
namespace {

struct Options {
  std::string id;
  std::string file;
};

ExitCode RunGet(Context& context, const Options& options) {
  const bool to_output = options.file.empty() || options.file == "-";
  if (to_output && ::isatty(STDOUT_FILENO) != 0) {
    return Fail(context,
                absl::InvalidArgumentError(
                    "A terminal shows no files. Name one with -o, or pass the output on."),
                Caller::kApp);
  }
  const auto app = ConnectApp(context);
  if (!app.ok()) return Fail(context, app.status(), Caller::kApp);
  std::optional<NewFile> file;
  if (!to_output) {
    auto made = NewFile::Make(options.file);
    if (!made.ok()) return Fail(context, made.status(), Caller::kApp);
    file.emplace(*std::move(made));
  }
  uint64_t bytes = 0;
  absl::Status status;
  {
    Progress progress("Fetching");
    sdk::TransferOptions transfer;
    transfer.on_progress = [&](uint64_t done, uint64_t total) { progress.Show(done, total); };
    status = sdk::DownloadFile(
        (*app)->stubs(), options.id,
        [&](std::string_view data) -> absl::Status {
          bytes += data.size();
          if (file.has_value()) {
            file->Write(data);
          } else if (std::fwrite(data.data(), 1, data.size(), stdout) != data.size()) {
            return absl::CancelledError("nobody reads the output any more");
          }
          return absl::OkStatus();
        },
        transfer);
  }
  if (status.ok()) status = file.has_value() ? file->Finish() : FlushOutput();
  if (!status.ok()) return Fail(context, status, Caller::kApp);
  if (to_output) return ExitCode::kOk;
  if (context.json) {
    context.out.Line(
        absl::StrCat("{\"file\":", JsonString(options.file), ",\"size_bytes\":", bytes, "}"));
  } else {
    context.out.Line(WrittenText(bytes, "byte", options.file));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddAttachments(CommandLine& line) {
  CLI::App* attachments = line.AddGroup(
      {.name = "attachments",
       .summary = "Fetch files, as an app that you allowed",
       .more =
           "Needs `Open pictures and files` for the app `postern` itself is; the first use asks "
           "you.",
       .examples = {"postern attachments get ID -o photo.jpg"}});
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      attachments,
      {.name = "get",
       .summary = "Fetch one file, whole or not at all",
       .more = "ID is what `postern messages list --json` calls an attachment. The file bears its "
               "name only once all\n"
               "of it is there, with the size and hash that the sender named.",
       .examples = {"postern attachments get ID -o photo.jpg",
                    "postern attachments get ID | file -"}},
      [options](Context& context) { return RunGet(context, *options); });
  command->add_option("ID", options->id, "The attachment's id")->required();
  command->add_option("-o,--output", options->file,
                      "A file that is not there yet; none, or -: the output");
}

}  // namespace postern::cli
