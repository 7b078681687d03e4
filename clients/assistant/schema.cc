// SPDX-License-Identifier: Apache-2.0
#include "clients/assistant/schema.h"

namespace postern::assistant {
namespace {

// Longer than any id or page token of the broker's.
constexpr size_t kIdBytesMax = 1024;

}  // namespace

Field Text(const std::string& name, size_t bytes_max, const std::string& description) {
  return {name,
          {{"type", "string"},
           {"minLength", 1},
           {"maxLength", bytes_max},
           {"description", description}},
          true};
}

Field Id(const std::string& name, const std::string& description) {
  return Text(name, kIdBytesMax, description);
}

Field Number(const std::string& name, int least, int most, int otherwise,
             const std::string& description) {
  return {name,
          {{"type", "integer"},
           {"minimum", least},
           {"maximum", most},
           {"default", otherwise},
           {"description", description}},
          false};
}

Field Time(const std::string& name, const std::string& description) {
  return {name, {{"type", "string"}, {"format", "date-time"}, {"description", description}}, false};
}

Field Optional(Field field) {
  field.required = false;
  return field;
}

Json ObjectSchema(const std::vector<Field>& fields) {
  Json schema = {{"type", "object"},
                 {"properties", Json::object()},
                 {"required", Json::array()},
                 {"additionalProperties", false}};
  for (const Field& field : fields) {
    schema["properties"][field.name] = field.schema;
    if (field.required) schema["required"].push_back(field.name);
  }
  return schema;
}

}  // namespace postern::assistant
