// SPDX-License-Identifier: Apache-2.0
// What was deleted is gone for apps from the moment the delete is durable, not from when it has
// been cleared away.
#include <gtest/gtest.h>

#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

class DeleteTest : public testing::Test {
 protected:
  // Everything that an app of whole history can be told now, as one text.
  std::string AllThatIsTold(const std::string& message_id, const std::string& marker) {
    std::string told;
    v1::ListMessagesRequest list;
    list.set_chat_id(ChatIdOf(app_, "club"));
    v1::ListMessagesResponse page;
    const grpc::Status listed = app_->message->ListMessages(Patiently().get(), list, &page);
    EXPECT_TRUE(listed.ok()) << Text(listed);
    told += page.ShortDebugString();
    v1::GetMessageRequest get;
    get.set_message_id(message_id);
    v1::GetMessageResponse got;
    app_->message->GetMessage(Patiently().get(), get, &got);
    told += got.ShortDebugString();
    // The stream's last word is this marker: all before it has been read.
    EXPECT_TRUE(adapter_.PushDurably({MessageEvent("club", marker, marker)}));
    EventReader reader(app_, FromOldest());
    EXPECT_TRUE(reader.WaitForText(marker));
    for (const v1::Event& event : reader.events()) told += event.ShortDebugString();
    return told;
  }

  BrokerHarness harness_;
  Adapter adapter_{harness_.Gatekeeper()};
  bool chats_ = adapter_.PushDurably({ChatEvent("club")});
  Program app_ = harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesHistory});
};

TEST_F(DeleteTest, LeavesNoTextFromTheMomentItIsDurable) {
  ASSERT_TRUE(chats_);
  EventReader live(app_);
  ASSERT_TRUE(live.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "the canary sings"),
                                    EditEvent("club", "m1", "the canary sang"),
                                    MessageEvent("club", "m2", "a sparrow")}));
  ASSERT_TRUE(live.WaitForReported(3));
  const std::string id = live.reported()[0].message_created().message().id();
  // What finds it before must be what does not find it after.
  EXPECT_NE(AllThatIsTold(id, "before").find("canary"), std::string::npos);

  // No pause in between: whoever asks right after the acknowledgement must not see it.
  ASSERT_TRUE(adapter_.PushDurably({DeleteEvent("club", "m1")}));
  EventReader fresh(app_, FromOldest());
  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(app_, "club"));
  v1::ListMessagesResponse page;
  ASSERT_TRUE(app_->message->ListMessages(Patiently().get(), list, &page).ok());
  EXPECT_EQ(page.ShortDebugString().find("canary"), std::string::npos) << page.ShortDebugString();
  const std::string told = AllThatIsTold(id, "after");
  EXPECT_EQ(told.find("canary"), std::string::npos);
  EXPECT_NE(told.find("sparrow"), std::string::npos);
  ASSERT_TRUE(fresh.WaitForText("after"));
  bool told_of_delete = false;
  for (const v1::Event& event : fresh.events()) {
    EXPECT_EQ(event.ShortDebugString().find("canary"), std::string::npos);
    told_of_delete |= event.message_deleted().message_id() == id;
  }
  EXPECT_TRUE(told_of_delete);
}

TEST_F(DeleteTest, OfAMessageThatComesLaterLeavesNoTextEither) {
  ASSERT_TRUE(chats_);
  EventReader live(app_);
  ASSERT_TRUE(live.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({DeleteEvent("club", "m1")}));
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "the canary sings")}));
  ASSERT_TRUE(live.WaitForReported(1));
  const std::string id = live.reported()[0].message_deleted().message_id();
  EXPECT_EQ(AllThatIsTold(id, "after").find("canary"), std::string::npos);
  // Not even who was there when it came.
  ASSERT_TRUE(live.WaitForText("after"));
  for (const v1::Event& event : live.reported()) {
    EXPECT_EQ(event.SerializeAsString().find("canary"), std::string::npos);
  }
}

TEST_F(DeleteTest, IsStillGoneAfterARestart) {
  ASSERT_TRUE(chats_);
  ASSERT_TRUE(adapter_.PushDurably(
      {MessageEvent("club", "m1", "the canary sings"), DeleteEvent("club", "m1")}));
  adapter_.End();
  harness_.Restart();
  app_ = harness_.Reconnect(app_);
  EventReader reader(app_, FromOldest());
  // The chat, the message that is left of it, and its delete.
  ASSERT_TRUE(reader.WaitForReported(3));
  for (const v1::Event& event : reader.events()) {
    EXPECT_EQ(event.ShortDebugString().find("canary"), std::string::npos);
  }
}

}  // namespace
}  // namespace postern::behaviors
