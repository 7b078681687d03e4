// SPDX-License-Identifier: Apache-2.0
// The fields of canonical JSON (consent_question.h, consent_preview.h): each is written in one way,
// and read in that way only. Internal to permissions/.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "permissions/hex.h"
#include "permissions/json_reader.h"
#include "permissions/scope.h"

namespace postern::permissions {

using nlohmann::json;

// A larger text is refused before it is parsed.
inline constexpr size_t kCanonicalJsonBytesMax = 4 << 20;
// Year 9999: beyond it times do not print.
inline constexpr int64_t kUnixSecondsMax = 253402300799;

template <typename Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};

template <typename Enum, size_t N>
std::string NameOf(const EnumName<Enum> (&names)[N], Enum value) {
  for (const auto& row : names) {
    if (row.value == value) return std::string(row.name);
  }
  // Reads back as an error.
  return "";
}

template <typename Enum, size_t N>
Enum ReadEnum(JsonReader& reader, std::string_view field, const EnumName<Enum> (&names)[N]) {
  const std::string name = reader.String(field);
  for (const auto& row : names) {
    if (row.name == name) return row.value;
  }
  reader.Fail(field, "not a known value");
  return names[0].value;
}

inline json WriteScopes(ScopeSet scopes) {
  json names = json::array();
  for (Scope scope : scopes.ToVector()) names.push_back(std::string(ScopeName(scope)));
  return names;
}

inline ScopeSet ReadScopes(JsonReader& reader, std::string_view field) {
  ScopeSet scopes;
  for (const json& name : reader.Array(field, kScopeCount)) {
    const absl::StatusOr<Scope> scope =
        name.is_string() ? ParseScope(name.get_ref<const std::string&>())
                         : absl::InvalidArgumentError("must be a list of strings");
    if (!scope.ok()) {
      const absl::string_view message = scope.status().message();
      reader.Fail(field, {message.data(), message.size()});
      return {};
    }
    scopes.Add(*scope);
  }
  return scopes;
}

inline std::vector<std::string> ReadStrings(JsonReader& reader, std::string_view field,
                                            size_t size_max) {
  std::vector<std::string> strings;
  for (const json& item : reader.Array(field, size_max)) {
    if (!item.is_string()) {
      reader.Fail(field, "must be a list of strings");
      return {};
    }
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

inline std::vector<uint32_t> ReadPlaces(JsonReader& reader, std::string_view field,
                                        size_t size_max) {
  std::vector<uint32_t> places;
  for (const json& item : reader.Array(field, size_max)) {
    if (!item.is_number_unsigned() || item.get<uint64_t>() >= size_max) {
      reader.Fail(field, "must be a list of places in the question's list");
      return {};
    }
    places.push_back(item.get<uint32_t>());
  }
  return places;
}

template <size_t N>
json WriteHex(const std::array<uint8_t, N>& bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <size_t N>
std::array<uint8_t, N> ReadHex(JsonReader& reader, std::string_view field) {
  std::array<uint8_t, N> bytes{};
  const std::string hex = reader.String(field);
  const std::optional<std::string> raw = BytesOfHex(hex);
  if (!raw.has_value() || raw->size() != N || absl::AsciiStrToLower(hex) != hex) {
    reader.Fail(field, "must be lower-case hex of the right length");
    return bytes;
  }
  std::copy(raw->begin(), raw->end(), bytes.begin());
  return bytes;
}

// Infinite times are null.
inline json WriteTime(absl::Time time) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return nullptr;
  return absl::ToUnixSeconds(time);
}

inline absl::Time ReadTime(JsonReader& reader, std::string_view field, absl::Time infinite) {
  const json* value = reader.Field(field);
  if (value == nullptr || value->is_null()) return infinite;
  return absl::FromUnixSeconds(reader.Integer(field, 0, kUnixSecondsMax));
}

// Names are valid UTF-8 already; should one not be, it is not worth a crash, and does not read
// back.
inline std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

inline absl::StatusOr<json> Parse(std::string_view text) {
  if (text.size() > kCanonicalJsonBytesMax) return absl::InvalidArgumentError("too long");
  // Deep nesting would exhaust the stack when it is taken apart; ours is three deep.
  constexpr int kDepthMax = 5;
  bool too_deep = false;
  const auto bound_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > kDepthMax) too_deep = true;
    return !too_deep;
  };
  json value = json::parse(text, bound_depth, /*allow_exceptions=*/false);
  if (too_deep || value.is_discarded()) return absl::InvalidArgumentError("not JSON of this kind");
  return value;
}

template <typename T>
absl::StatusOr<T> CanonicalOnly(T value, const JsonReader& reader, std::string_view text) {
  if (!reader.ok()) return reader.status();
  if (ToJson(value) != text) return absl::InvalidArgumentError("not in canonical form");
  return value;
}

}  // namespace postern::permissions
