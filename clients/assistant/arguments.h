// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <optional>
#include <string>

#include "clients/assistant/schema.h"

namespace postern::assistant {

// The arguments of one call, held against the tool's schema: whoever has one may read it without
// another check.
class Arguments {
 public:
  // INVALID_ARGUMENT, naming the field and what it must be.
  static absl::StatusOr<Arguments> Check(const Json& arguments, const Json& schema);

  // Empty when it was not given.
  std::string Text(const char* name) const;
  // What the schema says otherwise.
  int Number(const char* name) const;
  std::optional<absl::Time> Time(const char* name) const;

 private:
  Arguments(Json values, Json properties)
      : values_(std::move(values)), properties_(std::move(properties)) {}

  Json values_;
  Json properties_;
};

}  // namespace postern::assistant
