// SPDX-License-Identifier: Apache-2.0
#include "clients/gatekeepers/demo/files.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "platform/status_macros.h"

namespace postern::demo {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr size_t kHashStep = 1024 * 1024;

// SplitMix64's last step: one word of the stream from its place alone.
uint64_t Mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

uint64_t NameHash(std::string_view name) {
  uint64_t hash = 14695981039346656037u;
  for (const char byte : name) hash = (hash ^ static_cast<uint8_t>(byte)) * 1099511628211u;
  return hash;
}

class Sha256 {
 public:
  Sha256() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void Add(std::string_view bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }
  std::string Finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    return std::string(reinterpret_cast<const char*>(digest.data()), size);
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

absl::StatusOr<std::string> ReadAt(int fd, uint64_t offset, size_t size) {
  std::string bytes(size, '\0');
  size_t have = 0;
  while (have < size) {
    const ssize_t got =
        ::pread(fd, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::DataLossError("a file of AliceChat cannot be read");
    have += static_cast<size_t>(got);
  }
  return bytes;
}

absl::StatusOr<std::string> HashOf(int fd, uint64_t size) {
  Sha256 hash;
  for (uint64_t at = 0; at < size; at += kHashStep) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadAt(fd, at, static_cast<size_t>(std::min<uint64_t>(kHashStep, size - at))));
    hash.Add(bytes);
  }
  return hash.Finish();
}

// A file without a name, gone when it is closed.
platform::UniqueFd NamelessFile() {
  const char* const folder = ::getenv("XDG_RUNTIME_DIR");
  for (const char* where : {folder, "/var/tmp", "/tmp"}) {
    if (where == nullptr || *where == '\0') continue;
    platform::UniqueFd fd(::open(where, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd.valid()) return fd;
  }
  return {};
}

}  // namespace

std::string Beginning(std::string_view mime_type) {
  using namespace std::string_literals;
  static const std::map<std::string_view, std::string> kBeginnings = {
      {"image/jpeg", "\xff\xd8\xff\xe0"s},
      {"image/png", "\x89PNG\r\n\x1a\n"s},
      {"image/gif", "GIF89a"s},
      {"image/webp", "RIFF\0\0\0\0WEBP"s},
      {"image/bmp", "BM"s},
      {"image/heic",
       "\0\0\0\x18"
       "ftypheic"s},
      {"image/avif",
       "\0\0\0\x18"
       "ftypavif"s},
      {"video/mp4",
       "\0\0\0\x18"
       "ftypisom"s},
      {"audio/mp4",
       "\0\0\0\x18"
       "ftypM4A "s},
      {"video/quicktime",
       "\0\0\0\x18"
       "ftypqt  "s},
      {"video/webm", "\x1a\x45\xdf\xa3"s},
      {"audio/webm", "\x1a\x45\xdf\xa3"s},
      {"audio/ogg", "OggS"s},
      {"video/ogg", "OggS"s},
      {"audio/flac", "fLaC"s},
      {"audio/wav", "RIFF\0\0\0\0WAVE"s},
      {"application/pdf", "%PDF-1.7\n"s},
      {"application/zip", "PK\x03\x04"s},
      {"application/gzip", "\x1f\x8b"s},
  };
  const auto found = kBeginnings.find(mime_type);
  return found == kBeginnings.end() ? "" : found->second;
}

std::string GenerateBytes(const GeneratedFile& file, std::string_view id, uint64_t offset,
                          size_t size) {
  const uint64_t key = Mix(file.seed ^ NameHash(id));
  std::string bytes;
  bytes.reserve(size);
  uint64_t word = Mix(key ^ (offset / kWordBytes));
  for (uint64_t at = offset; at < offset + size; ++at) {
    if (at % kWordBytes == 0) word = Mix(key ^ (at / kWordBytes));
    // Little end first, whatever the machine.
    bytes += at < file.beginning.size() ? file.beginning[at]
                                        : static_cast<char>(word >> (8 * (at % kWordBytes)));
  }
  return bytes;
}

std::string HashGenerated(const GeneratedFile& file, std::string_view id) {
  Sha256 hash;
  for (uint64_t at = 0; at < file.size; at += kHashStep) {
    hash.Add(GenerateBytes(file, id, at,
                           static_cast<size_t>(std::min<uint64_t>(kHashStep, file.size - at))));
  }
  return hash.Finish();
}

std::string Files::NameOf(const std::string& id) { return id.substr(0, id.find('#')); }

void Files::AddGenerated(const std::string& id, const GeneratedFile& file) {
  platform::MutexLock lock(mutex_);
  generated_[id] = file;
}

absl::Status Files::AddFromPath(const std::string& id, const std::string& path) {
  Stored stored;
  stored.fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!stored.fd.valid() || ::fstat(stored.fd.get(), &facts) != 0) {
    return absl::NotFoundError("there is no such file");
  }
  stored.size = static_cast<uint64_t>(facts.st_size);
  ASSIGN_OR_RETURN(std::string hash, HashOf(stored.fd.get(), stored.size));
  stored.described.set_size_bytes(stored.size);
  stored.described.set_sha256(std::move(hash));
  platform::MutexLock lock(mutex_);
  stored_[id] = std::move(stored);
  return absl::OkStatus();
}

bool Files::Has(const std::string& id) const {
  platform::MutexLock lock(mutex_);
  return stored_.count(id) != 0 || generated_.count(NameOf(id)) != 0;
}

absl::StatusOr<std::string> Files::Read(const std::string& id, uint64_t offset, size_t size) {
  platform::MutexLock lock(mutex_);
  const auto stored = stored_.find(id);
  const std::string name = NameOf(id);
  const auto made = generated_.find(name);
  if (stored == stored_.end() && made == generated_.end()) {
    return absl::NotFoundError("there is no such file");
  }
  const uint64_t whole = stored != stored_.end() ? stored->second.size : made->second.size;
  if (offset > whole) return absl::OutOfRangeError("the file is shorter than that");
  const size_t count = static_cast<size_t>(std::min<uint64_t>(size, whole - offset));
  if (stored == stored_.end()) return GenerateBytes(made->second, name, offset, count);
  return ReadAt(stored->second.fd.get(), offset, count);
}

absl::StatusOr<v1::Attachment> Files::Describe(const std::string& id) {
  platform::MutexLock lock(mutex_);
  if (const auto stored = stored_.find(id); stored != stored_.end()) {
    return stored->second.described;
  }
  const std::string name = NameOf(id);
  const auto made = generated_.find(name);
  if (made == generated_.end()) return absl::NotFoundError("there is no such file");
  v1::Attachment attachment;
  attachment.set_size_bytes(made->second.size);
  attachment.set_sha256(HashGenerated(made->second, name));
  return attachment;
}

absl::Status Files::Append(const std::string& id, uint64_t offset, std::string_view bytes,
                           const v1::Attachment& described) {
  platform::MutexLock lock(mutex_);
  Stored& stored = coming_[id];
  // From the beginning: the upload is done anew.
  if (offset == 0 || !stored.fd.valid()) {
    stored.fd = NamelessFile();
    stored.size = 0;
  }
  if (!stored.fd.valid()) return absl::UnavailableError("there is no room for a file");
  if (offset != stored.size) {
    return absl::InvalidArgumentError("a part does not begin where the last one ended");
  }
  if (stored.size + bytes.size() > described.size_bytes()) {
    return absl::InvalidArgumentError("there are more bytes than was said");
  }
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(stored.fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(stored.size));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return absl::UnavailableError("there is no room for a file");
    stored.size += static_cast<uint64_t>(written);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status Files::Finish(const std::string& id, const v1::Attachment& described) {
  platform::MutexLock lock(mutex_);
  const auto coming = coming_.find(id);
  if (coming == coming_.end()) return absl::InvalidArgumentError("no bytes came");
  Stored stored = std::move(coming->second);
  coming_.erase(coming);
  const auto hash = HashOf(stored.fd.get(), stored.size);
  if (!hash.ok() || stored.size != described.size_bytes() ||
      (!described.sha256().empty() && *hash != described.sha256())) {
    return absl::InvalidArgumentError("the bytes are not what was said of them");
  }
  stored.described = described;
  stored.described.set_id(id);
  stored.described.set_sha256(*hash);
  stored_[id] = std::move(stored);
  return absl::OkStatus();
}

void Files::GiveUp(const std::string& id) {
  platform::MutexLock lock(mutex_);
  coming_.erase(id);
}

}  // namespace postern::demo
