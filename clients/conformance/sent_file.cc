// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/sent_file.h"

#include <absl/strings/str_cat.h>

#include <string>

#include "platform/digest.h"

namespace postern::conformance {
namespace {

// More than one chunk, so that its order matters.
constexpr size_t kFileBytes = 150'000;

std::string FileBytes(uint64_t number) {
  std::string bytes = "\xff\xd8\xff\xe0";  // for who looks whether it is a picture
  bytes.reserve(kFileBytes);
  uint64_t state = number * 0x9e3779b97f4a7c15u + 1;
  while (bytes.size() < kFileBytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    bytes += static_cast<char>(state >> 56);
  }
  return bytes;
}

}  // namespace

OfferedFile MakePicture(uint64_t number) {
  OfferedFile picture;
  picture.bytes = FileBytes(number);
  picture.description.set_file_name(absl::StrCat("file-", number, ".jpg"));
  picture.description.set_mime_type("image/jpeg");
  picture.description.set_size_bytes(picture.bytes.size());
  picture.description.set_sha256(platform::Sha256(picture.bytes));
  return picture;
}

OfferedFile MakeFilm(uint64_t number) {
  const std::string beginning(
      "\0\0\0\x18"
      "ftypisom",
      12);
  OfferedFile film;
  film.bytes = FileBytes(number).replace(0, beginning.size(), beginning);
  film.description.set_file_name(absl::StrCat("film-", number, ".mp4"));
  film.description.set_mime_type("video/mp4");
  film.description.set_size_bytes(film.bytes.size());
  film.description.set_sha256(platform::Sha256(film.bytes));
  film.description.set_width_pixels(640);
  film.description.set_height_pixels(480);
  film.description.mutable_duration()->set_seconds(3);
  return film;
}

}  // namespace postern::conformance
