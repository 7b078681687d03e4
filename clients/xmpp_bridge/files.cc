// SPDX-License-Identifier: Apache-2.0
#include "clients/xmpp_bridge/files.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "clients/sdk/file_transfer.h"
#include "clients/sdk/grants.h"
#include "clients/sdk/stubs.h"

namespace postern::xmpp_bridge {
namespace {

constexpr long kConnectSeconds = 20;
// A transfer slower than this for so long has stalled.
constexpr long kStalledBytesPerSecond = 100;
constexpr long kStalledSeconds = 30;
constexpr long kRedirectsMax = 3;
// Then the user is told: what they wrote later waits behind it.
constexpr int kFetchTries = 5;

using File = std::unique_ptr<FILE, int (*)(FILE*)>;
using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;

File Unnamed() { return File(std::tmpfile(), &std::fclose); }

// What libcurl said, as what to do next.
absl::Status FromCurl(CURL* curl, CURLcode code, const char* doing) {
  long http = 0;
  ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
  if (code == CURLE_OK && http / 100 == 2) return absl::OkStatus();
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    return absl::FailedPreconditionError(
        absl::StrCat(doing,
                     ": the certificate of the file store is not trusted; name its authority "
                     "with ca_file"));
  }
  if (code == CURLE_FILESIZE_EXCEEDED)
    return absl::InvalidArgumentError("too large for the bridge");
  if (code != CURLE_OK) {
    return absl::UnavailableError(absl::StrCat(doing, ": ", ::curl_easy_strerror(code)));
  }
  if (http == 413) return absl::InvalidArgumentError("too large for the XMPP server");
  const std::string said = absl::StrCat(doing, ": the file store answers ", http);
  if (http >= 500 || http == 429) return absl::UnavailableError(said);
  return absl::FailedPreconditionError(said);
}

Curl Start(const std::string& url, const Config& config) {
  Curl curl(::curl_easy_init(), &::curl_easy_cleanup);
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "https");
  ::curl_easy_setopt(curl.get(), CURLOPT_REDIR_PROTOCOLS_STR, "https");
  ::curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  ::curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_LIMIT, kStalledBytesPerSecond);
  ::curl_easy_setopt(curl.get(), CURLOPT_LOW_SPEED_TIME, kStalledSeconds);
  if (!config.ca_file.empty()) {
    ::curl_easy_setopt(curl.get(), CURLOPT_CAINFO, config.ca_file.c_str());
  }
  return curl;
}

struct Sink {
  FILE* file;
  uint64_t left;
  bool over = false;  // there was more than that
};

size_t TakeBytes(char* bytes, size_t, size_t count, void* to) {
  auto* sink = static_cast<Sink*>(to);
  if (count > sink->left) {
    sink->over = true;
    return 0;
  }
  sink->left -= count;
  return std::fwrite(bytes, 1, count, sink->file);
}

// Only what XEP-0363 lets a server ask for.
bool AllowedHeader(const std::string& name) {
  return absl::EqualsIgnoreCase(name, "Authorization") || absl::EqualsIgnoreCase(name, "Cookie") ||
         absl::EqualsIgnoreCase(name, "Expires");
}

std::string NameIn(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::string name = path.substr(path.rfind('/') + 1);
  int length = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(
      ::curl_easy_unescape(nullptr, name.c_str(), static_cast<int>(name.size()), &length),
      ::curl_free);
  std::string decoded(plain.get(), plain == nullptr ? 0 : static_cast<size_t>(length));
  for (char& character : decoded) {
    if (character == '/' || static_cast<unsigned char>(character) < 0x20) character = '_';
  }
  return decoded.empty() ? "file" : decoded;
}

std::string TypeByName(const std::string& name) {
  static constexpr std::pair<const char*, const char*> kTypes[] = {
      {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"},     {".png", "image/png"},
      {".gif", "image/gif"},  {".webp", "image/webp"},     {".mp4", "video/mp4"},
      {".ogg", "audio/ogg"},  {".opus", "audio/ogg"},      {".m4a", "audio/mp4"},
      {".mp3", "audio/mpeg"}, {".pdf", "application/pdf"}, {".txt", "text/plain"}};
  for (const auto& [ending, type] : kTypes) {
    if (absl::EndsWithIgnoreCase(name, ending)) return type;
  }
  return "application/octet-stream";
}

}  // namespace

Files::Files(const Config& config, sdk::Client& client, Component& component)
    : config_(config), client_(client), component_(component) {
  ::curl_global_init(CURL_GLOBAL_DEFAULT);
}

absl::StatusOr<std::string> Files::ToXmpp(const v1::Attachment& attachment) {
  if (config_.upload.empty()) {
    return absl::FailedPreconditionError("the bridge has no file store (option upload)");
  }
  if (attachment.size_bytes() > config_.file_bytes_max) {
    return absl::InvalidArgumentError("too large for the bridge (option file_bytes_max)");
  }
  const File file = Unnamed();
  if (file == nullptr) return absl::UnavailableError("no room for a temporary file");
  uint64_t size = 0;
  const absl::Status fetched = sdk::DownloadFile(
      client_.stubs(), attachment.id(), [&](std::string_view bytes) -> absl::Status {
        size += bytes.size();
        if (size > config_.file_bytes_max)
          return absl::InvalidArgumentError("too large for the bridge");
        if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
          return absl::UnavailableError("no room for a temporary file");
        }
        return absl::OkStatus();
      });
  if (!fetched.ok()) {
    if (sdk::AccessRests(fetched)) return fetched;
    if (sdk::IsRetriable(fetched)) return absl::UnavailableError(fetched.message());
    return absl::FailedPreconditionError(fetched.message());
  }
  std::rewind(file.get());

  const std::string type =
      attachment.mime_type().empty() ? "application/octet-stream" : attachment.mime_type();
  TagPtr ask = MakeTag("iq", {{"type", "get"},
                              {"from", absl::StrCat(config_.component, "/", kResource)},
                              {"to", config_.upload}});
  Add(*ask, "request", kUpload,
      {{"filename", attachment.file_name().empty() ? "file" : attachment.file_name()},
       {"size", absl::StrCat(size)},
       {"content-type", type}});
  auto answer = component_.Ask(std::move(ask));
  if (absl::IsAborted(answer.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the file store refuses it: ", answer.status().message()));
  }
  if (!answer.ok()) return answer.status();
  const gloox::Tag* slot = Child(**answer, "slot", kUpload);
  const gloox::Tag* put = slot == nullptr ? nullptr : Child(*slot, "put", kUpload);
  const gloox::Tag* get = slot == nullptr ? nullptr : Child(*slot, "get", kUpload);
  if (put == nullptr || get == nullptr) {
    return absl::FailedPreconditionError("the file store's answer is not understood");
  }

  const Curl curl = Start(put->findAttribute("url"), config_);
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
      ::curl_slist_append(nullptr, absl::StrCat("Content-Type: ", Clean(type)).c_str()),
      &::curl_slist_free_all);
  // Most servers never say that they are ready for the bytes: a second would be lost with each
  // file.
  ::curl_slist_append(headers.get(), "Expect:");
  for (const gloox::Tag* header : put->findChildren("header")) {
    const std::string line = absl::StrCat(header->findAttribute("name"), ": ", header->cdata());
    if (!AllowedHeader(header->findAttribute("name")) || absl::StrContains(line, "\n")) continue;
    ::curl_slist_append(headers.get(), line.c_str());
  }
  ::curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_READDATA, file.get());
  ::curl_easy_setopt(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
  ::curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  Sink nothing{nullptr, 0, false};
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &nothing);
  ::curl_easy_setopt(
      curl.get(), CURLOPT_WRITEFUNCTION,
      +[](char*, size_t, size_t count, void*) -> size_t { return count; });
  if (auto sent = FromCurl(curl.get(), ::curl_easy_perform(curl.get()), "uploading"); !sent.ok()) {
    return sent;
  }
  return get->findAttribute("url");
}

absl::StatusOr<std::string> Files::ToPostern(const std::string& url, const std::string& chat_id,
                                             const std::string& request_id) {
  if (!absl::StartsWith(url, "https://")) {
    return absl::InvalidArgumentError(
        "the bridge fetches files over https only (encrypted ones, aesgcm:, it cannot read)");
  }
  const File file = Unnamed();
  if (file == nullptr) return absl::UnavailableError("no room for a temporary file");
  const Curl curl = Start(url, config_);
  Sink sink{file.get(), config_.file_bytes_max, false};
  ::curl_easy_setopt(curl.get(), CURLOPT_FOLLOWLOCATION, 1L);
  ::curl_easy_setopt(curl.get(), CURLOPT_MAXREDIRS, kRedirectsMax);
  ::curl_easy_setopt(curl.get(), CURLOPT_MAXFILESIZE_LARGE,
                     static_cast<curl_off_t>(config_.file_bytes_max));
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &sink);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &TakeBytes);
  if (auto got = FromCurl(curl.get(), ::curl_easy_perform(curl.get()), "fetching"); !got.ok()) {
    if (sink.over) return absl::InvalidArgumentError("too large for the bridge");
    if (!absl::IsUnavailable(got)) return got;
    if (std::exchange(fetching_, request_id) != request_id) fetches_ = 0;
    return ++fetches_ < kFetchTries ? got : absl::FailedPreconditionError(got.message());
  }
  std::fflush(file.get());
  v1::Attachment description;
  description.set_file_name(NameIn(url));
  const char* type = nullptr;
  ::curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
  const std::string said =
      type == nullptr ? ""
                      : std::string(type, std::string_view(type).find(';') == std::string_view::npos
                                              ? std::string_view(type).size()
                                              : std::string_view(type).find(';'));
  description.set_mime_type(said.empty() || said == "application/octet-stream"
                                ? TypeByName(description.file_name())
                                : said);
  const int fd = ::fileno(file.get());
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> hash(::EVP_MD_CTX_new(),
                                                                &::EVP_MD_CTX_free);
  ::EVP_DigestInit_ex(hash.get(), ::EVP_sha256(), nullptr);
  uint64_t size = 0;
  char buffer[65536];
  for (ssize_t count; (count = ::pread(fd, buffer, sizeof buffer, static_cast<off_t>(size))) > 0;) {
    ::EVP_DigestUpdate(hash.get(), buffer, static_cast<size_t>(count));
    size += static_cast<uint64_t>(count);
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int digest_size = 0;
  ::EVP_DigestFinal_ex(hash.get(), digest, &digest_size);
  description.set_size_bytes(size);
  description.set_sha256(digest, digest_size);
  return sdk::UploadFile(client_.stubs(), chat_id, description,
                         [&](uint64_t offset, size_t most) -> absl::StatusOr<std::string> {
                           std::string piece(most, '\0');
                           const ssize_t count =
                               ::pread(fd, piece.data(), most, static_cast<off_t>(offset));
                           if (count < 0)
                             return absl::UnavailableError("the temporary file cannot be read");
                           piece.resize(static_cast<size_t>(count));
                           return piece;
                         },
                         {.request_id = request_id});
}

absl::StatusOr<std::string> Files::Read(const std::string& attachment_id, size_t bytes_max) {
  std::string bytes;
  const absl::Status fetched = sdk::DownloadFile(client_.stubs(), attachment_id,
                                                 [&](std::string_view piece) -> absl::Status {
                                                   if (bytes.size() + piece.size() > bytes_max)
                                                     return absl::InvalidArgumentError("too large");
                                                   bytes.append(piece);
                                                   return absl::OkStatus();
                                                 });
  if (!fetched.ok()) return fetched;
  return bytes;
}

std::string FileInWords(const v1::Attachment& attachment, const std::string& why) {
  const std::string name = attachment.file_name().empty() ? "a file" : attachment.file_name();
  const uint64_t kilobytes = (attachment.size_bytes() + 999) / 1000;
  return absl::StrCat("[", name, kilobytes > 0 ? absl::StrCat(", ", kilobytes, " kB") : "",
                      why.empty() ? "" : ": ", why, "]");
}

}  // namespace postern::xmpp_bridge
