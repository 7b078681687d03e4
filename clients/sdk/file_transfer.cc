// SPDX-License-Identifier: Apache-2.0
#include "clients/sdk/file_transfer.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <type_traits>
#include <utility>

#include "clients/sdk/channel.h"
#include "clients/sdk/client.h"
#include "clients/sdk/enroll.h"
#include "clients/sdk/errors.h"
#include "clients/sdk/stubs.h"
#include "platform/status_macros.h"
#include "platform/unique_fd.h"

namespace postern::sdk {
namespace {

constexpr size_t kPartBytes = 64 * 1024;

// The tries of one transfer: goes on as long as there is progress, or was within the time-out.
class Tries {
 public:
  explicit Tries(const TransferOptions& options)
      : backoff_(options.backoff), pause_({}), reach_timeout_(options.reach_timeout) {}

  void Progressed() {
    backoff_.Reset();
    waited_ = absl::ZeroDuration();
  }
  // Waits for another try; false when none is worth it. 'tried_before': the broker may still be
  // busy with an earlier try, and calls that a conflict.
  bool Again(const absl::Status& status, Stubs& stubs, bool tried_before = false) {
    const v1::ErrorReason reason = ErrorReasonOf(status);
    const bool overtaken = tried_before && reason == v1::ERROR_REASON_REQUEST_ID_CONFLICT;
    if (!overtaken && (!IsRetriable(status) || reason == v1::ERROR_REASON_PAUSED)) return false;
    const absl::Duration wait = backoff_.Next(RetryAfterOf(status));
    waited_ += wait;
    if (waited_ > reach_timeout_) return false;
    return PauseForConnection(pause_, *stubs.channel, wait);
  }

 private:
  Backoff backoff_;
  Pause pause_;
  const absl::Duration reach_timeout_;
  absl::Duration waited_;
};

struct Type {
  std::string_view ending;
  std::string_view mime_type;
};
// What people send. Others go as bytes.
constexpr Type kTypes[] = {
    {"png", "image/png"},        {"jpg", "image/jpeg"},      {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},        {"webp", "image/webp"},     {"heic", "image/heic"},
    {"mp4", "video/mp4"},        {"mov", "video/quicktime"}, {"webm", "video/webm"},
    {"mp3", "audio/mpeg"},       {"ogg", "audio/ogg"},       {"opus", "audio/ogg"},
    {"m4a", "audio/mp4"},        {"wav", "audio/wav"},       {"flac", "audio/flac"},
    {"pdf", "application/pdf"},  {"zip", "application/zip"}, {"gz", "application/gzip"},
    {"txt", "text/plain"},       {"md", "text/markdown"},    {"html", "text/html"},
    {"json", "application/json"}};

std::string TypeOf(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot != std::string::npos) {
    const std::string ending = absl::AsciiStrToLower(name.substr(dot + 1));
    for (const Type& type : kTypes) {
      if (type.ending == ending) return std::string(type.mime_type);
    }
  }
  return "application/octet-stream";
}

absl::StatusOr<platform::UniqueFd> OpenFile(const std::string& path) {
  // What is no file (a pipe that nobody writes to) is not waited for.
  platform::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.valid()) return fd;
  if (errno == ENOENT) return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
  return absl::FailedPreconditionError(absl::StrCat(path, ": the file cannot be read"));
}

absl::StatusOr<std::string> ReadAt(int fd, uint64_t offset, size_t most) {
  std::string bytes(most, '\0');
  ssize_t got = 0;
  do {
    got = ::pread(fd, bytes.data(), most, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return absl::FailedPreconditionError("the file cannot be read");
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

absl::StatusOr<std::string> Sha256Of(int fd, uint64_t size) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  if (context == nullptr || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return absl::InternalError("OpenSSL has no SHA-256");
  }
  for (uint64_t offset = 0; offset < size;) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadAt(fd, offset, kPartBytes));
    if (bytes.empty()) return absl::FailedPreconditionError("the file changed while it was read");
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
    offset += bytes.size();
  }
  std::array<uint8_t, 32> digest{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// What an upload needs to know of a file; its type goes by its name.
absl::StatusOr<v1::Attachment> DescribeFile(const std::string& path) {
  ASSIGN_OR_RETURN(const platform::UniqueFd fd, OpenFile(path));
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": that is not a file"));
  }
  v1::Attachment description;
  const size_t slash = path.rfind('/');
  description.set_file_name(slash == std::string::npos ? path : path.substr(slash + 1));
  description.set_mime_type(TypeOf(description.file_name()));
  description.set_size_bytes(static_cast<uint64_t>(about.st_size));
  ASSIGN_OR_RETURN(*description.mutable_sha256(), Sha256Of(fd.get(), description.size_bytes()));
  return description;
}

template <typename Part>
Part PartOf(grpc::ClientReader<Part>&);

// Reads a stream of parts to its end, and goes on from 'request.offset' where it was cut. 'open'
// begins a stream of the request as it is then.
template <typename Request, typename Open, typename SizeOf>
absl::Status TakeStream(Stubs& stubs, const TransferOptions& options, Request& request,
                        absl::FunctionRef<absl::Status(std::string_view)> take, Open open,
                        SizeOf size_of) {
  Tries tries(options);
  while (true) {
    grpc::ClientContext context;
    const auto reader = open(&context);
    std::decay_t<decltype(PartOf(*reader))> response;
    while (reader->Read(&response)) {
      absl::Status taken = response.offset() == request.offset()
                               ? take(response.data())
                               : absl::InternalError("the broker sent another part than was asked");
      if (!taken.ok()) {
        context.TryCancel();
        reader->Finish();
        return taken;
      }
      request.set_offset(request.offset() + response.data().size());
      tries.Progressed();
      if (options.on_progress) options.on_progress(request.offset(), size_of(response));
    }
    absl::Status status = ToClientStatus(reader->Finish());
    if (status.ok() || !tries.Again(status, stubs)) return status;
  }
}

}  // namespace

absl::Status DownloadFile(Stubs& stubs, const std::string& attachment_id,
                          absl::FunctionRef<absl::Status(std::string_view)> take,
                          const TransferOptions& options) {
  v1::DownloadRequest request;
  request.set_attachment_id(attachment_id);
  return TakeStream(
      stubs, options, request, take,
      [&](grpc::ClientContext* context) { return stubs.attachment->Download(context, request); },
      [](const v1::DownloadResponse& response) { return response.size_bytes(); });
}

absl::Status TakeExport(Stubs& stubs, v1::ExportRequest request,
                        absl::FunctionRef<absl::Status(std::string_view)> take,
                        const TransferOptions& options) {
  if (request.request_id().empty()) request.set_request_id(MakeRequestId());
  const absl::Status status = TakeStream(
      stubs, options, request, take,
      [&](grpc::ClientContext* context) { return stubs.export_service->Export(context, request); },
      [](const v1::ExportResponse&) { return uint64_t{0}; });
  // What was right at the beginning is refused in the middle: nothing is left to go on with.
  if (request.offset() > 0 && (absl::IsInvalidArgument(status) || absl::IsAborted(status))) {
    return absl::AbortedError(
        "what may be exported has changed meanwhile, or posternd was started again; export anew");
  }
  return status;
}

absl::StatusOr<std::string> UploadFile(
    Stubs& stubs, const std::string& chat_id, const v1::Attachment& description,
    absl::FunctionRef<absl::StatusOr<std::string>(uint64_t offset, size_t most)> read,
    const TransferOptions& options) {
  Tries tries(options);
  const std::string id = options.request_id.empty() ? MakeRequestId() : options.request_id;
  bool tried_before = !options.request_id.empty();
  uint64_t held = 0;  // by the broker, at most so far
  while (true) {
    uint64_t offset = 0;
    if (tried_before) {
      grpc::ClientContext context;
      v1::GetUploadRequest request;
      request.set_request_id(id);
      v1::GetUploadResponse response;
      const absl::Status asked =
          ToClientStatus(stubs.attachment->GetUpload(&context, request, &response));
      if (!asked.ok() && !absl::IsNotFound(asked)) {
        if (tries.Again(asked, stubs)) continue;
        return asked;
      }
      if (!response.attachment_id().empty()) return response.attachment_id();
      offset = response.size_bytes();
      // What was written is no progress: a broker that refuses takes the first bytes all the same.
      if (offset > held) tries.Progressed();
      held = std::max(held, offset);
    }
    grpc::ClientContext context;
    v1::UploadResponse response;
    const auto writer = stubs.attachment->Upload(&context, &response);
    v1::UploadRequest part;
    v1::UploadStart& start = *part.mutable_start();
    start.set_request_id(id);
    start.set_chat_id(chat_id);
    *start.mutable_attachment() = description;
    start.set_offset(offset);
    bool open = writer->Write(part);
    while (open && offset < description.size_bytes()) {
      const auto most =
          static_cast<size_t>(std::min<uint64_t>(kPartBytes, description.size_bytes() - offset));
      absl::StatusOr<std::string> data = read(offset, most);
      if (!data.ok() || data->empty()) {
        context.TryCancel();
        writer->Finish();
        return data.ok() ? absl::FailedPreconditionError("the file is shorter than it was")
                         : data.status();
      }
      offset += data->size();
      part.set_data(*std::move(data));
      open = writer->Write(part);
      if (!open) break;
      if (options.on_progress) options.on_progress(offset, description.size_bytes());
    }
    if (open) writer->WritesDone();
    const absl::Status status = ToClientStatus(writer->Finish());
    if (status.ok()) return response.attachment_id();
    if (!tries.Again(status, stubs, tried_before)) return status;
    tried_before = true;
  }
}

absl::StatusOr<std::string> UploadPath(Stubs& stubs, const std::string& chat_id,
                                       const std::string& path, const TransferOptions& options) {
  ASSIGN_OR_RETURN(const v1::Attachment description, DescribeFile(path));
  ASSIGN_OR_RETURN(const platform::UniqueFd fd, OpenFile(path));
  return UploadFile(
      stubs, chat_id, description,
      [&](uint64_t offset, size_t most) { return ReadAt(fd.get(), offset, most); }, options);
}

}  // namespace postern::sdk
