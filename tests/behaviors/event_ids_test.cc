// SPDX-License-Identifier: Apache-2.0
// The walk over ids against the contract: an id field that is not walked would tell an app what the
// network, or the broker, calls a thing.
#include "broker/event_ids.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "broker/event_kinds.h"

namespace postern::broker {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Ids that are nobody's name of a thing in the broker: they pass as they are.
const std::set<std::string>& NotWalked() {
  static const std::set<std::string> names = {
      "postern.v1.Event.id",                     // the event's place in the log; made by the view
      "postern.v1.PollOption.id",                // the poll's own words
      "postern.v1.PollVoted.option_ids",         // likewise
      "postern.v1.PollVote.option_ids",          // likewise
      "postern.v1.BackfillProgress.request_id",  // the app's own word
      "postern.v1.RequestCompleted.request_id",  // likewise
  };
  return names;
}

bool IsIdField(const FieldDescriptor& field) {
  const std::string& name = field.name();
  return field.type() == FieldDescriptor::TYPE_STRING &&
         (name == "id" || name.ends_with("_id") || name.ends_with("_ids"));
}

// Calls 'check' with each id field below 'type', the path of messages that leads there set in
// 'root'. 'parent' is the message of that path.
void ForEachIdField(Message& root, Message& parent, std::set<const Descriptor*>& path,
                    const std::function<void(const FieldDescriptor&, Message&)>& check) {
  const Descriptor* type = parent.GetDescriptor();
  if (!path.insert(type).second) return;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor& field = *type->field(i);
    if (IsIdField(field)) {
      check(field, parent);
    } else if (field.type() == FieldDescriptor::TYPE_MESSAGE && !field.is_map()) {
      const auto* reflection = parent.GetReflection();
      Message* child = field.is_repeated() ? reflection->AddMessage(&parent, &field)
                                           : reflection->MutableMessage(&parent, &field);
      ForEachIdField(root, *child, path, check);
      reflection->ClearField(&parent, &field);
    }
  }
  path.erase(type);
}

template <typename Root>
int CheckAllWalked() {
  Root root;
  int walked = 0;
  std::set<const Descriptor*> path;
  ForEachIdField(root, root, path, [&](const FieldDescriptor& field, Message& parent) {
    const auto* reflection = parent.GetReflection();
    if (field.is_repeated()) {
      reflection->AddString(&parent, &field, "x");
      reflection->AddString(&parent, &field, "x");
    } else {
      reflection->SetString(&parent, &field, "x");
    }
    int visits = 0;
    VisitIds(root, [&](IdKind, std::string* id) {
      EXPECT_EQ(*id, "x");
      ++visits;
    });
    const int expected = NotWalked().contains(field.full_name()) ? 0 : field.is_repeated() ? 2 : 1;
    EXPECT_EQ(visits, expected) << field.full_name();
    walked += visits > 0;
    reflection->ClearField(&parent, &field);
  });
  return walked;
}

TEST(EventIds, NoIdFieldOfTheContractIsLeftOut) {
  EXPECT_GT(CheckAllWalked<v1::Event>(), 50);
  EXPECT_GT(CheckAllWalked<v1::Message>(), 5);
  EXPECT_GT(CheckAllWalked<v1::Chat>(), 3);
  EXPECT_EQ(CheckAllWalked<v1::Contact>(), 4);
}

TEST(EventIds, ExceptionsExist) {
  for (const std::string& name : NotWalked()) {
    EXPECT_NE(google::protobuf::DescriptorPool::generated_pool()->FindFieldByName(name), nullptr)
        << name;
  }
}

TEST(EventKinds, EqualTheContract) {
  EXPECT_EQ(kMessageCreated, v1::Event::kMessageCreatedFieldNumber);
  EXPECT_EQ(kMessageEdited, v1::Event::kMessageEditedFieldNumber);
  EXPECT_EQ(kMessageDeleted, v1::Event::kMessageDeletedFieldNumber);
  EXPECT_EQ(kMessageExpired, v1::Event::kMessageExpiredFieldNumber);
}

}  // namespace
}  // namespace postern::broker
