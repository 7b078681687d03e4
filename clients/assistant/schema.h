// SPDX-License-Identifier: Apache-2.0
// JSON Schemas of tools' arguments: said once, shown to clients, and enforced by Arguments.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "clients/assistant/message_json.h"

namespace postern::assistant {

struct Field {
  std::string name;
  Json schema;
  bool required = false;
};

// An id as other tools give it.
Field Id(const std::string& name, const std::string& description);
Field Text(const std::string& name, size_t bytes_max, const std::string& description);
Field Number(const std::string& name, int least, int most, int otherwise,
             const std::string& description);
Field Time(const std::string& name, const std::string& description);
Field Optional(Field field);

// The schema of an object with just these fields.
Json ObjectSchema(const std::vector<Field>& fields);

}  // namespace postern::assistant
