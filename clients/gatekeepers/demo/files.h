// SPDX-License-Identifier: Apache-2.0
// The bytes of AliceChat's attachments: generated from a seed, read from a file of the far end, or
// uploaded by an app.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "platform/mutex.h"
#include "platform/unique_fd.h"
#include "postern/v1/message.pb.h"

namespace postern::demo {

// What a script says of a file that it makes.
struct GeneratedFile {
  uint64_t size = 0;
  uint64_t seed = 0;
  // What it begins with, as files of its type do.
  std::string beginning = {};
};

// A file larger than this is a mistake in a script.
inline constexpr uint64_t kFileBytesMax = 4ull * 1024 * 1024 * 1024;
// What fits into one chunk of the contract.
inline constexpr size_t kChunkBytesMax = 64 * 1024;

// What files of a type begin with, so that who looks at their first bytes is not misled; empty for
// a type without such a mark.
std::string Beginning(std::string_view mime_type);
// The bytes ['offset', 'offset' + 'size') of a generated file: the same for the same seed and id,
// on every machine. Any offset costs the same.
std::string GenerateBytes(const GeneratedFile& file, std::string_view id, uint64_t offset,
                          size_t size);
// SHA-256 of a generated file, 32 raw bytes.
std::string HashGenerated(const GeneratedFile& file, std::string_view id);

// Thread-safe. Uploaded bytes lie in files without a name that are gone with the process: memory
// stays flat whatever is sent.
class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  void AddGenerated(const std::string& id, const GeneratedFile& file);
  // A file on this machine that the other person sends. NOT_FOUND when it cannot be read.
  absl::Status AddFromPath(const std::string& id, const std::string& path);

  // Whether there is such a file, whole: an upload only once it has ended. Costs nothing.
  bool Has(const std::string& id) const;
  // Reads at most 'size' bytes from 'offset' on; fewer only at the end. NOT_FOUND without such a
  // file, OUT_OF_RANGE when 'offset' lies behind its end.
  absl::StatusOr<std::string> Read(const std::string& id, uint64_t offset, size_t size);
  // What is there: size and hash, for which a generated file is made from end to end. NOT_FOUND
  // without such a file.
  absl::StatusOr<v1::Attachment> Describe(const std::string& id);

  // Takes an upload, part after part in order; 'described' says what was announced.
  // INVALID_ARGUMENT when a part does not follow the last one or goes over the announced size.
  absl::Status Append(const std::string& id, uint64_t offset, std::string_view bytes,
                      const v1::Attachment& described);
  // The upload is over. INVALID_ARGUMENT, and the bytes are thrown away, when size or hash are not
  // those announced.
  absl::Status Finish(const std::string& id, const v1::Attachment& described);
  // Throws away what came of an upload that does not end.
  void GiveUp(const std::string& id);

 private:
  struct Stored {
    platform::UniqueFd fd;
    uint64_t size = 0;
    v1::Attachment described;
  };
  // The script's name of a file: without the mark of a repetition.
  static std::string NameOf(const std::string& id);

  mutable platform::Mutex mutex_;
  std::map<std::string, GeneratedFile> generated_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Stored> stored_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Stored> coming_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace postern::demo
