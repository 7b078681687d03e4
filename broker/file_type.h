// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace postern::broker {

// Bytes of a file's beginning that FileTypeFits looks at.
inline constexpr size_t kFileTypeBytes = 64;

// Whether a file that begins with 'beginning' (the first kFileTypeBytes, or all of a shorter file)
// can be what 'mime_type' says. Types without a mark of their own, and ones that are not known
// here, fit everything but a program of this machine.
bool FileTypeFits(std::string_view mime_type, std::string_view beginning);

// Whether 'mime_type' has the form of one: type/subtype (RFC 6838), parameters allowed.
bool IsMimeType(std::string_view mime_type);

}  // namespace postern::broker
