// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/arguments.h"

#include <absl/strings/str_cat.h>

#include "clients/assistant/untrusted.h"

namespace postern::assistant {
namespace {

constexpr size_t kShownNameBytes = 40;

absl::Status Bad(const std::string& field, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

absl::StatusOr<absl::Time> ParseTime(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return absl::InvalidArgumentError("must be a time like \"2026-11-21T18:00:00Z\"");
}

absl::Status CheckText(const std::string& name, const Json& value, const Json& schema) {
  if (!value.is_string()) return Bad(name, "must be a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < schema.value("minLength", size_t{0})) return Bad(name, "must not be empty");
  const size_t most = schema.value("maxLength", size_t{64 * 1024});
  if (text.size() > most) return Bad(name, absl::StrCat("is longer than ", most, " bytes"));
  if (!schema.contains("format")) return absl::OkStatus();
  const auto time = ParseTime(text);
  return time.ok() ? absl::OkStatus() : Bad(name, std::string(time.status().message()));
}

absl::Status CheckNumber(const std::string& name, const Json& value, const Json& schema) {
  const int least = schema.value("minimum", 0);
  const int most = schema.value("maximum", 0);
  const std::string what = absl::StrCat("must be a whole number from ", least, " to ", most);
  if (!value.is_number_integer()) return Bad(name, what);
  // 2^63 and more are kept as unsigned.
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(most)) {
    return Bad(name, what);
  }
  const int64_t number = value.get<int64_t>();
  return number < least || number > most ? Bad(name, what) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<Arguments> Arguments::Check(const Json& arguments, const Json& schema) {
  if (!arguments.is_object()) return absl::InvalidArgumentError("arguments: must be an object");
  const Json& properties = schema.at("properties");
  for (const auto& [name, value] : arguments.items()) {
    if (!properties.contains(name)) {
      return Bad(Shortened(Visible(name), kShownNameBytes), "this tool has no such argument");
    }
    const Json& one = properties.at(name);
    const absl::Status status =
        one.at("type") == "string" ? CheckText(name, value, one) : CheckNumber(name, value, one);
    if (!status.ok()) return status;
  }
  for (const auto& name : schema.at("required")) {
    if (!arguments.contains(name.get_ref<const std::string&>())) {
      return Bad(name.get<std::string>(), "is missing");
    }
  }
  return Arguments(arguments, properties);
}

std::string Arguments::Text(const char* name) const { return values_.value(name, std::string()); }

int Arguments::Number(const char* name) const {
  return values_.value(name, properties_.at(name).value("default", 0));
}

std::optional<absl::Time> Arguments::Time(const char* name) const {
  if (!values_.contains(name)) return std::nullopt;
  const auto time = ParseTime(Text(name));
  return time.ok() ? std::optional<absl::Time>(*time) : std::nullopt;
}

}  // namespace postern::assistant
