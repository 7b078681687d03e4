// SPDX-License-Identifier: Apache-2.0
// Files go to the client in the answer itself: nothing is left on the disk that would have to be
// erased later.
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "clients/assistant/tool.h"
#include "clients/assistant/untrusted.h"
#include "clients/sdk/file_transfer.h"

namespace postern::assistant {
namespace {

absl::Status TooLarge(int bytes_max) {
  return absl::OutOfRangeError(absl::StrCat(
      "The file is larger than ", bytes_max,
      " bytes, which is all that is given here. The user can raise limits.media_bytes, or save it "
      "with `postern attachments`."));
}

absl::StatusOr<v1::Attachment> Find(const v1::Message& message, const std::string& id) {
  for (const v1::Attachment& attachment : message.attachments()) {
    if (id.empty() || attachment.id() == id) return attachment;
  }
  return absl::NotFoundError("This message has no such file. list_messages shows what it has.");
}

Json Block(const v1::Attachment& attachment, const std::string& bytes) {
  const std::string& type = attachment.mime_type();
  const bool picture =
      type == "image/png" || type == "image/jpeg" || type == "image/gif" || type == "image/webp";
  if (picture || absl::StartsWith(type, "audio/")) {
    return {{"type", picture ? "image" : "audio"},
            {"data", absl::Base64Escape(bytes)},
            {"mimeType", Visible(type)}};
  }
  Json resource = {{"uri", absl::StrCat("postern:attachment/", attachment.id())},
                   {"mimeType", Visible(type)}};
  if (absl::StartsWith(type, "text/")) {
    resource["text"] = Visible(bytes);
  } else {
    resource["blob"] = absl::Base64Escape(bytes);
  }
  return {{"type", "resource"}, {"resource", resource}};
}

absl::StatusOr<ToolAnswer> DownloadMedia(const ToolCall& call) {
  const auto message = call.client->GetMessage(call.arguments.Text("message_id"));
  if (!message.ok()) return message.status();
  const auto attachment = Find(*message, call.arguments.Text("attachment_id"));
  if (!attachment.ok()) return attachment.status();
  const auto most = static_cast<size_t>(call.config.media_bytes_max);
  if (attachment->size_bytes() > most) return TooLarge(call.config.media_bytes_max);
  std::string bytes;
  const auto take = [&](std::string_view data) {
    if (bytes.size() + data.size() > most) return TooLarge(call.config.media_bytes_max);
    bytes.append(data);
    return absl::OkStatus();
  };
  const absl::Status status = sdk::DownloadFile(call.client->stubs(), attachment->id(), take);
  if (!status.ok()) return status;
  ToolAnswer answer{{{"attachment_id", attachment->id()},
                     {"file_name", Visible(attachment->file_name())},
                     {"mime_type", Visible(attachment->mime_type())},
                     {"size_bytes", bytes.size()}}};
  answer.content.push_back(Block(*attachment, bytes));
  return answer;
}

}  // namespace

Tool MediaTool() {
  return {"download_media",
          "Get a file",
          "Gives a picture, recording or file that came with a message.",
          Effect::kReads,
          ObjectSchema({Id("message_id", "The message, as list_messages gives it."),
                        Optional(Id("attachment_id", "Which of its files; else the first."))}),
          DownloadMedia};
}

}  // namespace postern::assistant
