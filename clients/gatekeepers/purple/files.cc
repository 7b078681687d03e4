// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/gatekeepers/purple/files.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>

#include "clients/gatekeepers/purple/chat_book.h"
#include "clients/gatekeepers/purple/event_maker.h"
#include "clients/gatekeepers/purple/https.h"
#include "clients/gatekeepers/purple/media_link.h"
#include "clients/gatekeepers/purple/reporter.h"
#include "clients/gatekeepers/purple/requests.h"
#include "clients/gatekeepers/purple/wire.h"

namespace postern::purple {
namespace {

constexpr char kUpload[] = "urn:xmpp:http:upload:0";
constexpr std::string_view kHttpsScheme = "https://";
constexpr size_t kChunkBytesMax = 64 * 1024;
constexpr size_t kTagBytes = 16;
constexpr size_t kHttpHeaderBytesMax = 64 * 1024;
// Files held at once in each direction.
constexpr size_t kTransfersMax = 8;
constexpr int kOk = 200;
constexpr int kCreated = 201;
constexpr int kServerErrors = 500;

// The only headers that a server may ask for (XEP-0363); a line end would be another header.
std::string HeadersOf(xmlnode* put) {
  std::string headers;
  for (xmlnode* header = xmlnode_get_child(put, "header"); header != nullptr;
       header = xmlnode_get_next_twin(header)) {
    const std::string name = Attribute(header, "name"), value = TextOf(header);
    const bool known = g_ascii_strcasecmp(name.c_str(), "Authorization") == 0 ||
                       g_ascii_strcasecmp(name.c_str(), "Cookie") == 0 ||
                       g_ascii_strcasecmp(name.c_str(), "Expires") == 0;
    if (known && value.find_first_of("\r\n") == std::string::npos) {
      absl::StrAppend(&headers, name, ": ", value, "\r\n");
    }
  }
  return headers;
}

// The ending of a file's name, for the other side to know what to open it with; the rest is
// nobody's business.
std::string EndingOf(const std::string& file_name) {
  const size_t dot = file_name.rfind('.');
  if (dot == std::string::npos || file_name.size() - dot > 8) return "";
  std::string ending = file_name.substr(dot);
  const bool plain = std::all_of(ending.begin() + 1, ending.end(),
                                 [](char c) { return g_ascii_isalnum(c) != FALSE; });
  return plain ? ending : "";
}

std::string NotTaken(const std::optional<HttpsResponse>& response) {
  return absl::StrCat("the server did not take the file: ",
                      response ? absl::StrCat("HTTP status ", response->status) : "no answer came");
}

}  // namespace

void Files::Download(const std::string& command_id, const v1::DownloadCommand& command) {
  const std::optional<MediaLink> link = ParseMediaLink(command.attachment_id());
  if (!link) return parts_.reporter.Fail(command_id, "no such attachment");
  if (downloads_.size() >= kTransfersMax) {
    return parts_.reporter.FailForNow(command_id, "too many files are being fetched");
  }
  downloads_[command_id].offset = command.offset();
  HttpsRequest request{link->host,
                       link->port,
                       "GET",
                       link->path,
                       "",
                       "",
                       kFileBytesMax + kTagBytes + kHttpHeaderBytesMax};
  SendHttps(parts_.account, std::move(request),
            [this, alive = std::weak_ptr<bool>(alive_), command_id,
             link = *link](std::optional<HttpsResponse> response) {
              if (alive.expired() || downloads_.count(command_id) == 0) return;
              if (!response || response->status >= kServerErrors) {
                downloads_.erase(command_id);
                return parts_.reporter.FailForNow(
                    command_id, "the file could not be fetched, or is larger than 16 MiB");
              }
              std::optional<std::string> bytes;
              if (response->status == kOk) {
                bytes = link.key.empty() ? std::move(response->body)
                                         : DecryptMedia(link, response->body);
              }
              Outgoing& download = downloads_[command_id];
              if (!bytes || download.offset > bytes->size()) {
                downloads_.erase(command_id);
                return parts_.reporter.Fail(command_id,
                                            "the file is gone, or is not the one that was sent");
              }
              download.bytes = *std::move(bytes);
              Pump(command_id);
            });
}

void Files::Pump(const std::string& command_id) {
  const auto found = downloads_.find(command_id);
  if (found == downloads_.end()) return;
  Outgoing& download = found->second;
  for (bool last = false; !last;) {
    v1::AttachmentChunk chunk;
    chunk.set_command_id(command_id);
    chunk.set_offset(download.offset);
    chunk.set_data(download.bytes.substr(download.offset, kChunkBytesMax));
    last = download.offset + chunk.data().size() == download.bytes.size();
    chunk.set_last(last);
    const absl::Status status = outlet_.SendChunk(chunk);
    if (absl::IsUnavailable(status)) return;  // RoomAgain goes on
    if (!status.ok()) {
      downloads_.erase(found);
      return parts_.reporter.Fail(command_id, "nobody takes the file any more");
    }
    download.offset += chunk.data().size();
  }
  downloads_.erase(found);
  parts_.reporter.Done(command_id);
}

void Files::RoomAgain(const std::string& command_id) {
  const auto found = downloads_.find(command_id);
  if (found != downloads_.end() && !found->second.bytes.empty()) Pump(command_id);
}

void Files::TransferEnded(const std::string& command_id) {
  if (downloads_.erase(command_id) + uploads_.erase(command_id) == 0) return;
  parts_.reporter.Fail(command_id, "given up by the broker");
}

void Files::Upload(const std::string& command_id, const v1::UploadCommand& command) {
  if (services_.upload_service().empty() && !services_.known()) {
    services_.AskAgain();
    return parts_.reporter.FailForNow(command_id, "the server was not heard to take files yet");
  }
  if (services_.upload_service().empty()) {
    return parts_.reporter.Fail(command_id, "the server takes no files", "attachment");
  }
  if (command.attachment().size_bytes() > kFileBytesMax) {
    return parts_.reporter.Fail(command_id, "the file is larger than 16 MiB", "attachment");
  }
  if (uploads_.size() >= kTransfersMax) {
    return parts_.reporter.FailForNow(command_id, "too many files are being sent");
  }
  uploads_[command_id] = {parts_.chats.ChatOf(command.chat_id().c_str()), command.attachment(), ""};
}

void Files::TakeChunk(const v1::AttachmentChunk& chunk) {
  const auto found = uploads_.find(chunk.command_id());
  if (found == uploads_.end()) return;
  Incoming& file = found->second;
  if (chunk.offset() != file.bytes.size() ||
      file.bytes.size() + chunk.data().size() > file.attachment.size_bytes()) {
    uploads_.erase(found);
    return parts_.reporter.Fail(chunk.command_id(), "the bytes are not those announced");
  }
  file.bytes += chunk.data();
  if (!chunk.last()) return;
  const Incoming whole = std::move(file);
  uploads_.erase(found);
  Put(chunk.command_id(), whole);
}

void Files::Put(const std::string& command_id, const Incoming& file) {
  const bool encrypted = parts_.chats.IsEncrypted(file.chat_jid);
  const std::string& name = file.attachment.file_name();
  const MediaKey key = NewMediaKey();
  std::string bytes = encrypted ? EncryptMedia(key.key, key.iv, file.bytes) : file.bytes;
  XmlNodePtr slot(xmlnode_new("request"));
  xmlnode_set_namespace(slot.get(), kUpload);
  const std::string shown = encrypted || name.empty() ? FreshId() + EndingOf(name) : name;
  xmlnode_set_attrib(slot.get(), "filename", shown.c_str());
  xmlnode_set_attrib(slot.get(), "size", std::to_string(bytes.size()).c_str());
  xmlnode_set_attrib(slot.get(), "content-type", "application/octet-stream");
  const std::string fragment = encrypted ? key.fragment : "";
  parts_.requests.Get(
      services_.upload_service(), std::move(slot),
      [this, command_id, fragment, bytes = std::move(bytes)](xmlnode* result,
                                                             const StanzaError& error) {
        if (result == nullptr) {
          return parts_.reporter.Refuse(command_id, "the server has no place for the file", error);
        }
        xmlnode* granted = ChildOf(result, "slot", kUpload);
        xmlnode* put = granted == nullptr ? nullptr : xmlnode_get_child(granted, "put");
        const std::string get_url =
            granted == nullptr ? "" : Attribute(xmlnode_get_child(granted, "get"), "url");
        const std::optional<MediaLink> target = ParseMediaLink(Attribute(put, "url"));
        if (!target || !get_url.starts_with(kHttpsScheme)) {
          return parts_.reporter.Fail(command_id, "the server names no place for the file");
        }
        const std::string link =
            fragment.empty()
                ? get_url
                : absl::StrCat("aesgcm://", get_url.substr(kHttpsScheme.size()), fragment);
        HttpsRequest request{target->host,
                             target->port,
                             "PUT",
                             target->path,
                             HeadersOf(put) + "Content-Type: application/octet-stream\r\n",
                             bytes,
                             kHttpHeaderBytesMax};
        SendHttps(parts_.account, std::move(request),
                  [this, alive = std::weak_ptr<bool>(alive_), command_id,
                   link](std::optional<HttpsResponse> response) {
                    if (alive.expired()) return;
                    // What a server cannot now it may later, as with what is fetched.
                    if (!response || response->status >= kServerErrors) {
                      return parts_.reporter.FailForNow(command_id, NotTaken(response));
                    }
                    if (response->status != kOk && response->status != kCreated) {
                      return parts_.reporter.Fail(command_id, NotTaken(response));
                    }
                    v1::CommandResult answer;
                    answer.set_command_id(command_id);
                    answer.set_state(v1::CommandResult::STATE_SENT);
                    answer.set_attachment_id(link);
                    answer.set_end_to_end_encrypted(link.starts_with("aesgcm://"));
                    parts_.reporter.Answer(answer);
                  });
      });
}

}  // namespace postern::purple
