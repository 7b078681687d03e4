// SPDX-License-Identifier: Apache-2.0
#include "clients/postern/event_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class EventLines : public testing::Test {
 protected:
  EventLines()
      : names_([](const std::string& id) -> std::optional<v1::Chat> {
          if (id != "chat-family") return std::nullopt;
          v1::Chat chat;
          chat.set_id(id);
          chat.set_name("Family");
          chat.set_kind(v1::CHAT_KIND_GROUP);
          auto* alice = chat.add_participants();
          alice->set_contact_id("contact-alice");
          alice->set_display_name("Alice");
          return chat;
        }) {}

  std::string Line(const v1::Event& event) {
    names_.Learn(event);
    std::string line = EventLine(event, names_, terminal_, {kNow, absl::UTCTimeZone()});
    names_.Forget(event);
    return line;
  }

  static v1::Event InFamily() {
    v1::Event event;
    event.set_chat_id("chat-family");
    event.mutable_event_time()->set_seconds(absl::ToUnixSeconds(kNow));
    return event;
  }

  static v1::Event Message(const std::string& id, const std::string& text) {
    v1::Event event = InFamily();
    v1::Message* message = event.mutable_message_created()->mutable_message();
    message->set_id(id);
    message->set_chat_id("chat-family");
    message->set_sender_contact_id("contact-alice");
    message->set_text(text);
    message->set_end_to_end_encrypted(true);
    return event;
  }

  Terminal terminal_{stdout, false};
  Names names_;
};

TEST_F(EventLines, ShowTimeChatLockWhoAndText) {
  EXPECT_EQ(Line(Message("m1", "Dinner at seven?")),
            "08:00:00  Family             🔒 Alice: Dinner at seven?");
}

TEST_F(EventLines, SayWhatWasNotEncrypted) {
  v1::Event event = Message("m1", "hi");
  event.mutable_message_created()->mutable_message()->set_end_to_end_encrypted(false);
  EXPECT_THAT(Line(event), AllOf(Not(HasSubstr("🔒")), HasSubstr("(not end-to-end encrypted)")));
}

TEST_F(EventLines, NeverPassEscapeSequencesOn) {
  v1::Event event = Message("m1", "\x1b[2Jgone\nsecond line");
  v1::Message* message = event.mutable_message_created()->mutable_message();
  message->set_sender_display_name("\x1b]0;x\x07");
  message->add_attachments()->set_file_name("\x1b[31m.png");
  const std::string line = Line(event);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST_F(EventLines, SayWhatAnAppMayNotRead) {
  v1::Event event = Message("m1", "");
  event.set_view(v1::EVENT_VIEW_METADATA);
  event.mutable_message_created()->mutable_message()->set_text_bytes(24);
  EXPECT_THAT(Line(event), HasSubstr("24 bytes of text that this app may not read"));
  v1::Event withheld = InFamily();
  withheld.set_view(v1::EVENT_VIEW_WITHHELD);
  EXPECT_THAT(Line(withheld), HasSubstr("withheld"));
}

TEST_F(EventLines, CountVotesAndReactionsThatStand) {
  v1::Event event = Message("m1", "");
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.mutable_poll()->set_question("Where?");
  for (const char* id : {"sea", "hill"}) {
    v1::PollOption& option = *message.mutable_poll()->add_options();
    option.set_id(id);
    option.set_text(id);
  }
  message.mutable_poll()->add_votes()->add_option_ids("sea");
  message.mutable_poll()->add_votes()->add_option_ids("sea");
  for (const char* emoji : {"👍", "🎉", "👍"}) message.add_reactions()->set_emoji(emoji);
  EXPECT_THAT(Line(event), AllOf(HasSubstr("· sea (2 votes) · hill"), HasSubstr(" 👍×2 🎉")));
}

TEST_F(EventLines, NameTheMessageThatAReactionMeans) {
  Line(Message("m1", "Dinner at seven?"));
  v1::Event event = InFamily();
  event.mutable_reaction_set()->set_message_id("m1");
  event.mutable_reaction_set()->set_contact_id("contact-alice");
  event.mutable_reaction_set()->set_emoji("👍");
  EXPECT_THAT(Line(event), HasSubstr("Alice reacted 👍 to “Dinner at seven?”"));
}

TEST_F(EventLines, ForgetTheWordsOfADeletedMessage) {
  Line(Message("m1", "a secret"));
  v1::Event deleted = InFamily();
  deleted.mutable_message_deleted()->set_message_id("m1");
  Line(deleted);
  EXPECT_THAT(names_.Excerpt("m1"), Not(HasSubstr("secret")));
}

TEST_F(EventLines, ShowTheDateOfAnotherDay) {
  v1::Event event = Message("m1", "old");
  event.mutable_event_time()->set_seconds(absl::ToUnixSeconds(kNow) - 3 * 24 * 3600);
  EXPECT_THAT(Line(event), HasSubstr("2027-01-12 08:00:00"));
}

TEST_F(EventLines, ExistForEveryKindOfEvent) {
  const auto* kinds = v1::Event::descriptor()->FindOneofByName("kind");
  ASSERT_GT(kinds->field_count(), 30);
  const std::string no_words = Line(InFamily());
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Event event = InFamily();
    event.GetReflection()->MutableMessage(&event, kinds->field(i));
    const std::string line = Line(event);
    EXPECT_NE(line, no_words) << kinds->field(i)->name();
    EXPECT_THAT(line, HasSubstr("Family")) << kinds->field(i)->name();
  }
}

}  // namespace
}  // namespace postern::cli
