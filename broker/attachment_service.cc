// SPDX-License-Identifier: Apache-2.0
#include "broker/attachment_service.h"

#include <absl/strings/str_cat.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/asker.h"
#include "broker/attachment_limits.h"
#include "broker/attachment_store.h"
#include "broker/attachment_transfers.h"
#include "broker/attachment_view.h"
#include "broker/capabilities.h"
#include "broker/directory.h"
#include "broker/event_intake.h"
#include "broker/file_type.h"
#include "broker/live_streams.h"
#include "broker/method_gate.h"
#include "broker/open_chat.h"
#include "broker/pseudonym_book.h"
#include "broker/request_check.h"
#include "broker/send_limits.h"
#include "broker/shutdown.h"
#include "broker/upload_book.h"
#include "platform/awake_time.h"
#include "platform/mutex.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

using permissions::AttachmentId;
using permissions::ChatId;
using permissions::Scope;

// Where a download reads: the stored file, or one that is on its way.
struct Source {
  std::shared_ptr<VaultFile> file;
  std::shared_ptr<AttachmentFetch> fetch;

  uint64_t size_bytes() const {
    if (fetch == nullptr) return file->readable();
    const AttachmentFetch::View view = fetch->WaitPast(0, absl::ZeroDuration());
    return view.ended && view.status.ok() ? view.readable : fetch->known().size_bytes;
  }
};

absl::StatusOr<Source> OpenSource(const Parts& parts, const KnownAttachment& known,
                                  const permissions::Principal& principal) {
  Source source;
  ASSIGN_OR_RETURN(source.file, parts.attachments.Find(known.id, known.sha256));
  if (source.file != nullptr) return source;
  ASSIGN_OR_RETURN(source.fetch, parts.transfers.Fetch(known, principal));
  source.file = source.fetch->file();
  return source;
}

absl::Status CheckDescription(const v1::UploadStart& start) {
  RETURN_IF_ERROR(CheckRequestId(start.request_id()));
  const v1::Attachment& attachment = start.attachment();
  if (attachment.file_name().empty() || attachment.file_name().size() > kNameBytesMax) {
    return InvalidField("attachment.file_name", "must have 1 to 1024 bytes");
  }
  if (!IsMimeType(attachment.mime_type()) || attachment.mime_type().size() > kNameBytesMax) {
    return InvalidField("attachment.mime_type", "must be a media type, e.g. \"image/png\"");
  }
  if (attachment.sha256().size() != 32) {
    return InvalidField("attachment.sha256", "must have the 32 bytes of the file's SHA-256");
  }
  if (attachment.alt_text().size() > kNameBytesMax) {
    return InvalidField("attachment.alt_text", "must have at most 1024 bytes");
  }
  if (attachment.size_bytes() > kAttachmentSizeMax) {
    return ReasonStatus(
        absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_LIMIT_EXCEEDED,
        "the file is larger than this broker takes",
        {{"limit", "attachment_size"}, {"bytes_max", absl::StrCat(kAttachmentSizeMax)}});
  }
  return absl::OkStatus();
}

// What is uploaded to where, so that the same request id never goes on with another file.
std::string DigestOf(ChatId chat, const v1::Attachment& attachment) {
  FileDigest digest;
  digest.Add(chat.view());
  digest.Add(attachment.SerializeAsString());
  return digest.Finish();
}

// Reads what has come already: a digest does not survive a broken stream.
absl::Status AddAll(const VaultFile& file, FileDigest& digest, std::string& beginning) {
  for (uint64_t offset = 0; offset < file.readable();) {
    ASSIGN_OR_RETURN(const std::string data, file.Read(offset, kChunkBytesMax));
    if (beginning.empty()) beginning = data.substr(0, kFileTypeBytes);
    digest.Add(data);
    offset += data.size();
  }
  return absl::OkStatus();
}

// Whether the stream that has ended was cut. 'doubtful': it ended too soon.
bool WasCut(const grpc::ServerContext& context, bool doubtful) {
  platform::Mutex mutex;
  platform::ConditionVariable nobody;
  const absl::Duration deadline = platform::AwakeTime() + kCutNotice;
  platform::MutexLock lock(mutex);
  while (doubtful && !context.IsCancelled() && platform::AwakeTime() < deadline) {
    nobody.WaitFor(mutex, kCutNotice / 20);
  }
  return context.IsCancelled();
}

absl::Status Mismatch(std::string_view field) {
  return AttachmentMismatch(absl::StatusCode::kInvalidArgument, field);
}

}  // namespace

absl::Status AttachmentService::Stream(const Caller& caller, grpc::ServerContext* context,
                                       const v1::DownloadRequest& request,
                                       grpc::ServerWriter<v1::DownloadResponse>& writer) {
  std::unique_ptr<LiveStream> stream;
  std::optional<Source> source;
  uint64_t offset = request.offset();
  uint64_t looked_at = 0;
  bool started = false;
  while (true) {
    if (parts_.shutdown.begun()) return Shutdown::Refusal();
    if (context->IsCancelled()) return absl::CancelledError();
    // What was decided holds as long as the epoch, and until a grant ends by itself.
    const uint64_t epoch = parts_.apps.epoch();
    const Asker asker(parts_, caller);
    ASSIGN_OR_RETURN(const OpenAttachment open,
                     FindOpenAttachment(parts_, asker, request.attachment_id()));
    const absl::Time expiry = permissions::NextExpiry(asker.viewer.access, asker.viewer.now);
    const uint64_t per_day = ReadAllowance(asker.viewer.access, asker.viewer.now);
    RETURN_IF_ERROR(parts_.limits.MayRead(caller.principal, per_day));
    if (stream == nullptr) {
      ASSIGN_OR_RETURN(
          stream, parts_.streams.Add(caller.principal, {}, context, LiveStreams::Kind::kDownload));
    }
    if (!source.has_value()) {
      ASSIGN_OR_RETURN(source, OpenSource(parts_, open.known, caller.principal));
    }
    looked_at = offset;
    while (parts_.apps.epoch() == epoch && parts_.clock.Now() < expiry &&
           offset - looked_at < kKeptLookBytes) {
      if (parts_.shutdown.begun()) return Shutdown::Refusal();
      if (context->IsCancelled()) break;
      bool ended = true;
      if (source->fetch != nullptr) {
        const AttachmentFetch::View view = source->fetch->WaitPast(offset, kTransferPoll);
        if (view.ended && !view.status.ok()) return view.status;
        ended = view.ended;
        if (!ended && view.readable <= offset) continue;
      }
      v1::DownloadResponse response;
      absl::StatusOr<std::string> data = source->file->Read(offset, kChunkBytesMax);
      if (!data.ok()) {
        // It can be fetched again.
        RETURN_IF_ERROR(parts_.attachments.Drop(open.known.id));
        return absl::UnavailableError("a stored file was damaged and is fetched anew");
      }
      if (data->empty() && offset > source->file->readable()) {
        return InvalidField("offset", "lies behind the attachment's end");
      }
      if (data->empty() && started) return absl::OkStatus();
      response.set_offset(offset);
      response.set_size_bytes(source->size_bytes());
      const uint64_t end = offset + data->size();
      response.set_data(*std::move(data));
      if (!stream->BeginWrite(epoch, 0, {})) break;
      const bool connected = writer.Write(response);
      stream->EndWrite();
      // Also where the connection is gone: some of it may have come through.
      parts_.limits.CountRead(caller.principal, response.data().size());
      if (!connected) break;
      if (!std::exchange(started, true)) {
        const AccessHistory::Reading reading{
            .chat = open.chat, .verb = v1::ACCESS_VERB_READ, .count = 1};
        parts_.accesses.CountReadings(caller.principal, {&reading, 1});
      }
      offset = end;
      if (ended && offset >= source->file->readable()) return absl::OkStatus();
      RETURN_IF_ERROR(parts_.limits.MayRead(caller.principal, per_day));
    }
    // A revocation's cancel looks like a closed connection; the reason is what counts.
    if (context->IsCancelled()) {
      RETURN_IF_ERROR(
          FindOpenAttachment(parts_, Asker(parts_, caller), request.attachment_id()).status());
      return absl::CancelledError();
    }
  }
}

grpc::Status AttachmentService::Download(grpc::ServerContext* context,
                                         const v1::DownloadRequest* request,
                                         grpc::ServerWriter<v1::DownloadResponse>* writer) {
  return parts_.gate.Handle(
      context, "/postern.v1.AttachmentService/Download", request,
      [&](const Caller& caller) { return Stream(caller, context, *request, *writer); });
}

absl::Status AttachmentService::TakeIn(const Caller& caller, grpc::ServerContext* context,
                                       grpc::ServerReader<v1::UploadRequest>& reader,
                                       v1::UploadResponse& response) {
  ASSIGN_OR_RETURN(const auto stream,
                   parts_.streams.Add(caller.principal, {}, context, LiveStreams::Kind::kUpload));
  // While it waits, a silent app, a revocation and the daemon's end can end it.
  const auto read = [&](v1::UploadRequest& next) {
    if (!stream->BeginRead()) return false;
    const bool came = reader.Read(&next);
    stream->EndRead();
    return came;
  };
  v1::UploadRequest part;
  if (!read(part)) {
    return parts_.shutdown.begun() ? Shutdown::Refusal() : absl::CancelledError();
  }
  RETURN_IF_ERROR(MethodGate::CheckSize(caller, part));
  if (!part.has_start()) return InvalidField("start", "must come first");
  const v1::UploadStart start = part.start();
  RETURN_IF_ERROR(CheckDescription(start));
  const auto cancelled = [&] { return context->IsCancelled() || parts_.shutdown.begun(); };
  const auto open_chat = [&](ChatId chat) -> absl::StatusOr<OpenChat> {
    return FindOpenChat(parts_, Asker(parts_, caller), chat, Scope::kAttachmentsWrite, "chat_id");
  };
  const PseudonymBook::Page& book = parts_.pseudonyms.Of(caller.principal);
  ASSIGN_OR_RETURN(const ChatId chat,
                   CheckedId("chat_id", book.pseudonyms.DecodeChat(start.chat_id())));
  ASSIGN_OR_RETURN(const OpenChat open, open_chat(chat));
  const v1::ChatCapabilities capabilities = parts_.directory.CapabilitiesOf(open.account, chat);
  RETURN_IF_ERROR(RequireCapability(capabilities, "attachment"));
  const v1::Attachment& announced = start.attachment();
  RETURN_IF_ERROR(CheckAttachmentBytes(capabilities, announced.size_bytes()));

  ASSIGN_OR_RETURN(const auto turn,
                   parts_.uploads.Take(caller.principal, start.request_id(), cancelled));
  const std::string what = DigestOf(chat, announced);
  ASSIGN_OR_RETURN(std::optional<UploadBook::Upload> upload,
                   parts_.uploads.Find(caller.principal, start.request_id()));
  if (upload.has_value() && upload->digest != what) {
    return ReasonStatus(absl::StatusCode::kAborted, v1::ERROR_REASON_REQUEST_ID_CONFLICT,
                        "this request_id was used for another file; take a new one");
  }
  if (upload.has_value() && upload->done()) {
    response.set_attachment_id(book.pseudonyms.Encode(upload->attachment));
    response.set_size_bytes(upload->size);
    return absl::OkStatus();
  }
  if (!upload.has_value() || start.offset() == 0) {
    if (!upload.has_value() && start.offset() != 0) {
      return InvalidField("offset", "must be what GetUpload says: nothing has come of this yet");
    }
    RETURN_IF_ERROR(parts_.limits.TakeWrite(caller.principal));
    ASSIGN_OR_RETURN(upload, parts_.uploads.Begin(caller.principal, start.request_id(), what,
                                                  announced.size_bytes()));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<VaultFile> file, parts_.uploads.Open(*upload));
  if (start.offset() != file->size()) {
    return InvalidField("offset", absl::StrCat("must be what GetUpload says: ", file->size()));
  }
  FileDigest digest;
  std::string beginning;
  RETURN_IF_ERROR(AddAll(*file, digest, beginning));
  const auto thrown_away = [&](absl::Status why) {
    const absl::Status dropped = parts_.uploads.Drop(caller.principal, start.request_id());
    return dropped.ok() ? why : dropped;
  };
  uint64_t size = file->size();
  uint64_t epoch = parts_.apps.epoch();
  while (read(part)) {
    if (parts_.shutdown.begun()) return Shutdown::Refusal();
    RETURN_IF_ERROR(MethodGate::CheckSize(caller, part));
    if (part.has_start() || part.data().size() > kChunkBytesMax) {
      return InvalidField("data", "must follow, at most 64 KiB at a time");
    }
    if (const uint64_t now = parts_.apps.epoch(); now != epoch) {
      epoch = now;
      RETURN_IF_ERROR(open_chat(chat).status());
    }
    size += part.data().size();
    if (size > announced.size_bytes()) return thrown_away(Mismatch("size_bytes"));
    RETURN_IF_ERROR(file->Append(part.data()));
    digest.Add(part.data());
    if (beginning.size() < kFileTypeBytes) {
      beginning.append(part.data(), 0, kFileTypeBytes - beginning.size());
    }
  }
  if (parts_.shutdown.begun()) return Shutdown::Refusal();
  // A broken connection ends the stream as its end does. What has come stays for the next one.
  if (WasCut(*context, size < announced.size_bytes())) return absl::CancelledError();
  if (size != announced.size_bytes()) return thrown_away(Mismatch("size_bytes"));
  if (digest.Finish() != announced.sha256()) return thrown_away(Mismatch("sha256"));
  if (!FileTypeFits(announced.mime_type(), beginning)) return thrown_away(Mismatch("mime_type"));
  RETURN_IF_ERROR(file->Finish());

  RETURN_IF_ERROR(open_chat(chat).status());
  RETURN_IF_ERROR(parts_.accesses.Record(
      {.verb = v1::ACCESS_VERB_WRITE, .principal = caller.principal, .chat = chat}));
  v1::UploadCommand command;
  command.set_chat_id(open.remote_id);
  *command.mutable_attachment() = announced;
  command.mutable_attachment()->clear_id();
  // Once the bytes are here the app may go: they are not sent to anybody by this. But not when it
  // is thrown out.
  const auto over = [&] {
    if (parts_.shutdown.begun()) return true;
    const uint64_t now = parts_.apps.epoch();
    return std::exchange(epoch, now) != now && !open_chat(chat).ok();
  };
  const absl::StatusOr<v1::CommandResult> pushed =
      parts_.transfers.Push(open.account, caller.principal, std::move(command), *file, size, over);
  // Refused for good: nothing is left to go on with.
  if (absl::IsFailedPrecondition(pushed.status())) return thrown_away(pushed.status());
  RETURN_IF_ERROR(pushed.status());
  const v1::CommandResult& result = *pushed;
  if (result.attachment_id().empty() || result.attachment_id().size() > kIdBytesMax) {
    return ReasonStatus(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_GATEKEEPER_REFUSED,
                        "the gatekeeper gave the uploaded file no name");
  }
  const AttachmentId id = parts_.ids.Attachment(open.account, result.attachment_id());
  RETURN_IF_ERROR(parts_.uploads.Done(caller.principal, start.request_id(), id,
                                      result.attachment_id(), announced));
  response.set_attachment_id(book.pseudonyms.Encode(id));
  response.set_size_bytes(size);
  return absl::OkStatus();
}

grpc::Status AttachmentService::Upload(grpc::ServerContext* context,
                                       grpc::ServerReader<v1::UploadRequest>* reader,
                                       v1::UploadResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.AttachmentService/Upload",
      [&](const Caller& caller) { return TakeIn(caller, context, *reader, *response); });
}

grpc::Status AttachmentService::GetUpload(grpc::ServerContext* context,
                                          const v1::GetUploadRequest* request,
                                          v1::GetUploadResponse* response) {
  return parts_.gate.Handle(
      context, "/postern.v1.AttachmentService/GetUpload", request,
      [&](const Caller& caller) -> absl::Status {
        RETURN_IF_ERROR(CheckRequestId(request->request_id()));
        const Asker asker(parts_, caller);
        RETURN_IF_ERROR(RequireScope(asker.viewer, Scope::kAttachmentsWrite));
        // Its stream, if one still runs, leaves first: how far it is then stays so.
        ASSIGN_OR_RETURN(const auto turn,
                         parts_.uploads.Take(caller.principal, request->request_id(), [&] {
                           return context->IsCancelled() || parts_.shutdown.begun();
                         }));
        ASSIGN_OR_RETURN(const auto upload,
                         parts_.uploads.Find(caller.principal, request->request_id()));
        if (!upload.has_value()) return NotFound("request_id");
        if (upload->done()) {
          response->set_size_bytes(upload->size);
          response->set_attachment_id(asker.book.pseudonyms.Encode(upload->attachment));
          return absl::OkStatus();
        }
        ASSIGN_OR_RETURN(const auto file, parts_.uploads.Open(*upload));
        response->set_size_bytes(file->size());
        return absl::OkStatus();
      });
}

}  // namespace postern::broker
