// SPDX-License-Identifier: Apache-2.0
// Reads JSON objects strictly. Internal to permissions/: no other folder sees the JSON library
// through it.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace postern::permissions {

// Hands out the fields of one object and remembers the first thing that was wrong; after that every
// field reads as its default. Check status() at the end.
class JsonReader {
 public:
  explicit JsonReader(const nlohmann::json& object) : object_(object) {
    if (!object.is_object()) Fail("", "must be an object");
  }

  void Fail(std::string_view field, std::string_view what) {
    if (status_.ok()) {
      status_ =
          absl::InvalidArgumentError(absl::StrCat(std::string(field), ": ", std::string(what)));
    }
  }

  // Returns the field, or null when it is missing.
  const nlohmann::json* Field(std::string_view name) {
    if (!status_.ok()) return nullptr;
    const auto it = object_.find(std::string(name));
    if (it == object_.end()) {
      Fail(name, "missing");
      return nullptr;
    }
    return &*it;
  }

  std::string String(std::string_view name) {
    const nlohmann::json* field = Field(name);
    if (field == nullptr) return {};
    if (field->is_string()) return field->get<std::string>();
    Fail(name, "must be a string");
    return {};
  }

  bool Bool(std::string_view name) {
    const nlohmann::json* field = Field(name);
    if (field == nullptr) return false;
    if (field->is_boolean()) return field->get<bool>();
    Fail(name, "must be true or false");
    return false;
  }

  int64_t Integer(std::string_view name, int64_t min, int64_t max) {
    const nlohmann::json* field = Field(name);
    if (field == nullptr) return min;
    // Numbers above int64 are unsigned in the library and would wrap.
    const bool fits =
        field->is_number_integer() &&
        (!field->is_number_unsigned() ||
         field->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    const int64_t value = fits ? field->get<int64_t>() : min;
    if (fits && value >= min && value <= max) return value;
    Fail(name, "must be a whole number in range");
    return min;
  }

  // Returns an array of at most 'size_max', or an empty one.
  const nlohmann::json& Array(std::string_view name, size_t size_max) {
    static const nlohmann::json kEmpty = nlohmann::json::array();
    const nlohmann::json* field = Field(name);
    if (field == nullptr) return kEmpty;
    if (field->is_array() && field->size() <= size_max) return *field;
    Fail(name, "must be a list within bounds");
    return kEmpty;
  }

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }

 private:
  const nlohmann::json& object_;
  absl::Status status_;
};

}  // namespace postern::permissions
