// SPDX-License-Identifier: Apache-2.0
// How much of an event an app sees: all of it, its outline, or nothing.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kCanary[] = "canary";

// Writes the canary into every text and bytes field of 'message' that is not an id, and adds one of
// everything that repeats.
void Fill(Message& message, int depth = 0) {
  const auto* type = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  if (depth > 6 || type->full_name().starts_with("google.protobuf.")) return;
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const std::string& name = field->name();
    const bool is_id = name == "id" || name.ends_with("_id") || name.ends_with("_ids");
    // What the broker computes, or whose form it checks.
    if (name == "raw_text" || name == "sha256" || name == "expire_time" ||
        name == "disappearing_timer" || name == "origin") {
      continue;
    }
    if (field->type() == FieldDescriptor::TYPE_STRING ||
        field->type() == FieldDescriptor::TYPE_BYTES) {
      // The MIME type is metadata: it says of what kind a file is.
      const std::string value = is_id ? "x" : name == "mime_type" ? "image/png" : kCanary;
      if (field->is_repeated()) {
        reflection->AddString(&message, field, value);
      } else {
        reflection->SetString(&message, field, value);
      }
    } else if (field->type() == FieldDescriptor::TYPE_MESSAGE) {
      Fill(field->is_repeated() ? *reflection->AddMessage(&message, field)
                                : *reflection->MutableMessage(&message, field),
           depth + 1);
    }
  }
}

class ViewTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(adapter_.PushDurably({ChatEvent("club")})); }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
};

TEST_F(ViewTest, MetadataNeverSaysWhat) {
  const Program app = harness_.App("Counter", {kMessagesMetadata, kMessagesHistory});
  const Program whole =
      harness_.App("Reader", {kMessagesRead, kMessagesHistory, kReactionsRead, kAttachmentsRead});
  EventReader reader(app);
  EventReader whole_reader(whole);
  ASSERT_TRUE(reader.WaitLive() && whole_reader.WaitLive());
  std::vector<v1::Event> events;
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  ASSERT_NE(kinds, nullptr);
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Event event;
    event.set_chat_id("club");
    Fill(*event.GetReflection()->MutableMessage(&event, kinds->field(i)));
    if (event.has_message_created()) {
      // The same chat as all the rest.
      event.mutable_message_created()->mutable_message()->set_chat_id("club");
      event.mutable_message_created()->mutable_message()->set_view_once(false);
    }
    if (event.has_chat_created()) continue;
    events.push_back(event);
  }
  events.push_back(MessageEvent("club", "end", "canary end"));
  ASSERT_TRUE(adapter_.PushDurably(events));
  ASSERT_TRUE(whole_reader.WaitForText("canary end"));
  // The canary is found where it may be seen.
  size_t found = 0;
  for (const v1::Event& event : whole_reader.events()) {
    found += event.SerializeAsString().find(kCanary) != std::string::npos;
  }
  EXPECT_GE(found, 5u);
  ASSERT_TRUE(reader.WaitForEvents(8));
  const auto last_comes = [&] {
    const std::vector<v1::Event> all = reader.events();
    return all.back().message_created().message().text_bytes() == 10;
  };
  for (size_t count = 8; !last_comes() && reader.WaitForEvents(count + 1, absl::Seconds(5));
       ++count) {
  }
  ASSERT_TRUE(last_comes());
  for (const v1::Event& event : reader.events()) {
    EXPECT_EQ(event.SerializeAsString().find(kCanary), std::string::npos)
        << event.ShortDebugString();
    const bool is_about_message = !event.has_gap() && !event.has_backfill_progress();
    EXPECT_EQ(event.view(), is_about_message ? v1::EVENT_VIEW_METADATA : v1::EVENT_VIEW_WHOLE)
        << event.ShortDebugString();
  }
  v1::ListMessagesRequest list;
  list.set_chat_id(reader.reported().back().chat_id());
  v1::ListMessagesResponse listed;
  const grpc::Status status = app->message->ListMessages(Patiently().get(), list, &listed);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_GE(listed.messages_size(), 1);
  EXPECT_EQ(listed.SerializeAsString().find(kCanary), std::string::npos)
      << listed.ShortDebugString();
}

TEST_F(ViewTest, WhatCameBeforeTheGrantStaysShutAndSoDoesWhatHangsOnIt) {
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "old", "the canary sings")}));
  harness_.clock().Advance(absl::Hours(1));
  const Program app = harness_.App("Newcomer", {kMessagesRead, kReactionsRead});
  // The same without the limits: what it sees shows that all was there.
  const Program elder = harness_.App("Elder", {kMessagesRead, kReactionsRead, kMessagesHistory});
  EventReader reader(app, FromOldest());
  EventReader elder_reader(elder, FromOldest());
  ASSERT_TRUE(reader.WaitLive() && elder_reader.WaitLive());
  v1::Event reply = MessageEvent("club", "new", "what a song");
  v1::ReplyTo& quote = *reply.mutable_message_created()->mutable_message()->mutable_reply_to();
  quote.set_message_id("old");
  quote.set_sender_contact_id("bob");
  quote.set_excerpt("the canary sings");
  ASSERT_TRUE(adapter_.PushDurably(
      {EditEvent("club", "old", "the canary sang"), ReactionEvent("club", "old", "+1"), reply,
       DeleteEvent("club", "old"), MessageEvent("club", "end", "end")}));
  ASSERT_TRUE(reader.WaitForText("end"));
  ASSERT_TRUE(elder_reader.WaitForText("end"));
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"what a song", "end"}));
  for (const v1::Event& event : reader.events()) {
    EXPECT_EQ(event.SerializeAsString().find(kCanary), std::string::npos)
        << event.ShortDebugString();
  }
  EXPECT_EQ(reader.reported().size(), 2u);
  EXPECT_EQ(elder_reader.reported().size(), 6u);
}

TEST_F(ViewTest, QuoteOfWhatIsOlderThanTheHistoryThatWasAllowedIsNotShown) {
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "old", "the canary sings")}));
  harness_.clock().Advance(absl::Hours(1));
  const absl::Time from = harness_.clock().Now();
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "young", "the sparrow sings")}));
  const Program app =
      harness_.App("Reader", {kMessagesRead, kMessagesHistory}, {.history_from = from});
  EventReader reader(app, FromOldest());
  ASSERT_TRUE(reader.WaitForText("the sparrow sings"));
  std::vector<v1::Event> replies;
  for (const auto& [quoted, excerpt] :
       {std::pair{"old", "the canary sings"}, std::pair{"young", "the sparrow sings"}}) {
    replies.push_back(
        MessageEvent("club", std::string("re ") + quoted, std::string("re ") + quoted));
    v1::ReplyTo& quote =
        *replies.back().mutable_message_created()->mutable_message()->mutable_reply_to();
    quote.set_message_id(quoted);
    quote.set_excerpt(excerpt);
  }
  ASSERT_TRUE(adapter_.PushDurably(replies));
  ASSERT_TRUE(reader.WaitForText("re young"));
  std::string told;
  for (const v1::Event& event : reader.events()) told += event.SerializeAsString();
  EXPECT_EQ(told.find(kCanary), std::string::npos);
  EXPECT_EQ(reader.reported().back().message_created().message().reply_to().excerpt(),
            "the sparrow sings");
}

TEST_F(ViewTest, EphemeralContentIsForWhoMaySeeItAndNobodyElse) {
  const Program plain = harness_.App("Plain", {kMessagesRead, kReactionsRead, kMessagesHistory});
  const Program trusted =
      harness_.App("Trusted", {kMessagesRead, kReactionsRead, kMessagesHistory, kEphemeralRead});
  EventReader plain_reader(plain);
  EventReader trusted_reader(trusted);
  ASSERT_TRUE(plain_reader.WaitLive() && trusted_reader.WaitLive());
  v1::Event once = MessageEvent("club", "once", "the canary sings");
  once.mutable_message_created()->mutable_message()->set_view_once(true);
  v1::Event timed = MessageEvent("club", "timed", "the canary sings");
  timed.mutable_message_created()->mutable_message()->mutable_disappearing_timer()->set_seconds(60);
  ASSERT_TRUE(adapter_.PushDurably({once, timed, EditEvent("club", "once", "the canary sang"),
                                    ReactionEvent("club", "timed", "+1"),
                                    MessageEvent("club", "end", "end")}));
  ASSERT_TRUE(plain_reader.WaitForText("end"));
  ASSERT_TRUE(trusted_reader.WaitForText("end"));
  EXPECT_EQ(plain_reader.reported().size(), 1u);
  EXPECT_EQ(trusted_reader.reported().size(), 5u);
  v1::ListMessagesRequest list;
  list.set_chat_id(plain_reader.reported()[0].chat_id());
  v1::ListMessagesResponse listed;
  // Without chats:read it still knows the chat's id from the event.
  ASSERT_TRUE(plain->message->ListMessages(Patiently().get(), list, &listed).ok());
  EXPECT_EQ(listed.messages_size(), 1);
}

TEST_F(ViewTest, ImportedHistoryReachesOnlyWhoAsksForItAndMayReadIt) {
  const Program live = harness_.App("Live", {kMessagesRead});
  const Program historian = harness_.App("Historian", {kMessagesRead, kMessagesHistory});
  v1::SubscribeRequest with_backfill;
  with_backfill.set_include_backfill(true);
  EventReader live_asks(live, with_backfill);
  EventReader historian_asks(historian, with_backfill);
  EventReader historian_plain(historian);
  ASSERT_TRUE(live_asks.WaitLive() && historian_asks.WaitLive() && historian_plain.WaitLive());
  v1::Event old = MessageEvent("club", "old", "old");
  old.set_backfill(true);
  old.mutable_event_time()->set_seconds(1'600'000'000);
  ASSERT_TRUE(adapter_.PushDurably({old, MessageEvent("club", "end", "end")}));
  for (EventReader* reader : {&live_asks, &historian_asks, &historian_plain}) {
    ASSERT_TRUE(reader->WaitForText("end"));
  }
  EXPECT_EQ(live_asks.texts(), std::vector<std::string>{"end"});
  EXPECT_EQ(historian_plain.texts(), std::vector<std::string>{"end"});
  EXPECT_EQ(historian_asks.texts(), (std::vector<std::string>{"old", "end"}));
}

}  // namespace
}  // namespace postern::behaviors
