// SPDX-License-Identifier: Apache-2.0
#include "clients/conformance/compare.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/message_differencer.h>

namespace postern::conformance {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Json = nlohmann::ordered_json;

// Fields whose absence means something: off, taken back, for the user alone.
const std::set<std::string>& AlwaysCount() {
  static const auto* const names = new std::set<std::string>{
      "postern.v1.BackfillProgress.complete",
      "postern.v1.Chat.archived",
      "postern.v1.Chat.blocked",
      "postern.v1.Chat.muted",
      "postern.v1.MessageDeleted.for_everyone",
      "postern.v1.PinChanged.pinned",
      "postern.v1.PollVoted.option_ids",
      "postern.v1.TimerChanged.disappearing_timer",
      "postern.v1.Typing.active",
      "postern.v1.UnreadMark.unread",
  };
  return *names;
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                             : reflection.HasField(message, &field);
}

void Compare(const Message& expected, const Message& got, const std::set<std::string>& also,
             const std::string& path, std::vector<std::string>& differences) {
  const google::protobuf::Reflection& of_expected = *expected.GetReflection();
  const google::protobuf::Reflection& of_got = *got.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  of_expected.ListFields(expected, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string name = absl::StrCat(path, path.empty() ? "" : ".", field->name());
    if (field->is_repeated()) {
      const int size = of_expected.FieldSize(expected, field);
      if (of_got.FieldSize(got, field) != size) {
        differences.push_back(name);
        continue;
      }
      if (field->message_type() != nullptr) {
        for (int i = 0; i < size; ++i) {
          Compare(of_expected.GetRepeatedMessage(expected, field, i),
                  of_got.GetRepeatedMessage(got, field, i), also, absl::StrCat(name, "[", i, "]"),
                  differences);
        }
        continue;
      }
    } else if (field->message_type() != nullptr) {
      if (!of_got.HasField(got, field)) {
        differences.push_back(name);
      } else {
        Compare(of_expected.GetMessage(expected, field), of_got.GetMessage(got, field), also, name,
                differences);
      }
      continue;
    }
    google::protobuf::util::MessageDifferencer one_field;
    if (!one_field.CompareWithFields(expected, got, {field}, {field})) {
      differences.push_back(name);
    }
  }
  const google::protobuf::Descriptor& type = *expected.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string name(field.full_name());
    if (AlwaysCount().count(name) == 0 && also.count(name) == 0) continue;
    if (!IsSet(expected, field) && IsSet(got, field)) {
      differences.push_back(absl::StrCat(path, path.empty() ? "" : ".", field.name()));
    }
  }
}

bool IsNothing(const Json& value) {
  return value.is_null() || value == Json(false) || value == Json("") || value == Json(0) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

bool Contains(const Json& list, const Json& element) {
  if (!list.is_array()) return false;
  for (const Json& one : list) {
    if (Differences(element, one).empty()) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> Differences(const Message& expected, const Message& got,
                                     const std::set<std::string>& also) {
  std::vector<std::string> differences;
  Compare(expected, got, also, "", differences);
  return differences;
}

std::vector<std::string> Differences(const Json& expected, const Json& got,
                                     const std::string& path) {
  if (IsNothing(expected) && IsNothing(got)) return {};
  if (expected.is_object() && expected.contains("$contains")) {
    return Contains(got, expected["$contains"]) ? std::vector<std::string>{}
                                                : std::vector<std::string>{path};
  }
  if (expected.is_object() && expected.contains("$lacks")) {
    return Contains(got, expected["$lacks"]) ? std::vector<std::string>{path}
                                             : std::vector<std::string>{};
  }
  std::vector<std::string> differences;
  if (expected.is_object() && expected.empty()) return {path};
  if (expected.is_object()) {
    for (const auto& [name, value] : expected.items()) {
      const Json nothing;
      const bool there = got.is_object() && got.contains(name);
      for (std::string& difference :
           Differences(value, there ? got.at(name) : nothing,
                       absl::StrCat(path, path.empty() ? "" : ".", name))) {
        differences.push_back(std::move(difference));
      }
    }
    return differences;
  }
  if (expected.is_array() && got.is_array() && expected.size() == got.size()) {
    for (size_t i = 0; i < expected.size(); ++i) {
      for (std::string& difference :
           Differences(expected[i], got[i], absl::StrCat(path, "[", i, "]"))) {
        differences.push_back(std::move(difference));
      }
    }
    return differences;
  }
  // Numbers are equal whatever way they are written: protobuf writes 64 bits as text.
  const auto text = [](const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  if (expected == got || (!expected.is_array() && text(expected) == text(got))) return {};
  return {path};
}

}  // namespace postern::conformance
