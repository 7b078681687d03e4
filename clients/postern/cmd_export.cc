// SPDX-License-Identifier: Apache-2.0
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/postern/commands.h"
#include "clients/postern/new_file.h"
#include "clients/postern/owner.h"
#include "clients/postern/progress.h"
#include "clients/postern/waiting.h"

namespace postern::cli {
namespace {

struct Options {
  std::vector<std::string> chats;
  std::string file;
};

ExitCode RunExport(Context& context, const Options& options) {
  const auto owner = Owner::Connect(context.paths);
  if (!owner.ok()) return Fail(context, owner.status(), Caller::kOwner);
  v1::ExportRequest request;
  for (const std::string& text : options.chats) {
    const auto chat = (*owner)->FindChat(text);
    if (!chat.ok()) return Fail(context, chat.status(), Caller::kOwner);
    request.add_chat_ids(chat->id());
  }
  const bool to_output = options.file.empty() || options.file == "-";
  std::optional<NewFile> file;
  if (!to_output) {
    auto made = NewFile::Make(options.file);
    if (!made.ok()) return Fail(context, made.status(), Caller::kOwner);
    file.emplace(*std::move(made));
  }
  uint64_t lines = 0;
  uint64_t bytes = 0;
  absl::Status status;
  {
    // Until the first bytes come, the person is being asked.
    std::optional<Waiting> waiting(std::in_place, context);
    std::optional<Progress> progress;
    status = (*owner)->Export(request, [&](std::string_view data) -> absl::Status {
      waiting.reset();
      if (!progress.has_value()) progress.emplace("Exporting");
      lines += static_cast<uint64_t>(std::count(data.begin(), data.end(), '\n'));
      bytes += data.size();
      progress->Show(bytes, 0);
      if (file.has_value()) {
        file->Write(data);
      } else if (std::fwrite(data.data(), 1, data.size(), stdout) != data.size()) {
        return absl::CancelledError("nobody reads the output any more");
      }
      return absl::OkStatus();
    });
  }
  if (status.ok()) status = file.has_value() ? file->Finish() : FlushOutput();
  if (!status.ok()) return Fail(context, status, Caller::kOwner);
  // The last line is the digest.
  const uint64_t messages = lines == 0 ? 0 : lines - 1;
  if (to_output) return ExitCode::kOk;
  if (context.json) {
    context.out.Line(
        absl::StrCat("{\"file\":", JsonString(options.file), ",\"messages\":", messages, "}"));
  } else {
    context.out.Line(WrittenText(messages, "message", options.file));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddExport(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddCommand(
      line.root(),
      {.name = "export",
       .summary = "Write your messages to a file; asks you in Postern's own question",
       .more = "One message a line, as JSON: where it comes from (network, account, chat, sender, "
               "time), whether it\n"
               "was end-to-end encrypted, and the message. Files are named by id and hash and not "
               "included. The\n"
               "last line holds the SHA-256 of all lines before it:\n"
               "  head -n -1 FILE | sha256sum\n"
               "What is sealed is left out. Anybody who gets the file can read it.",
       .examples = {"postern export -o messages.jsonl",
                    "postern export --chat Family --chat Work -o two.jsonl",
                    "postern export --chat Family | jq -r '.message.text // empty'"}},
      [options](Context& context) { return RunExport(context, *options); });
  command->add_option("--chat", options->chats, "A chat, by name or id; none: all of them");
  command->add_option("-o,--output", options->file,
                      "A file that is not there yet; none, or -: the output");
}

}  // namespace postern::cli
