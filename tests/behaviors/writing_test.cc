// SPDX-License-Identifier: Apache-2.0
// What an app writes reaches the network as it was written, once, and comes back as what that app
// did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/behaviors/writing_fixture.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(WritingTest, ATextGoesOutWithAllItsParts) {
  const Program app = Writer();
  EventReader reader(app, FromOldest());
  ASSERT_TRUE(reader.WaitForText("Who comes?"));
  const v1::Message asked = Shown(app, IdOf(app, "Who comes?"));
  v1::SendMessageRequest request;
  request.set_text("Bob and I");
  request.set_reply_to_message_id(asked.id());
  v1::FormattingSpan& span = *request.add_spans();
  span.set_start(0);
  span.set_length(3);
  span.set_style(v1::FormattingSpan::STYLE_BOLD);
  v1::Mention& mention = *request.add_mentions();
  mention.set_contact_id(asked.sender_contact_id());
  mention.set_length(3);
  request.set_view_once(true);
  v1::SendMessageResponse response;
  const grpc::Status status = Send(app, request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(response.state(), v1::SEND_STATE_SENT);
  EXPECT_TRUE(response.end_to_end_encrypted());
  const v1::SendMessageCommand sent = LastCommand().send_message();
  EXPECT_EQ(sent.chat_id(), "club");
  EXPECT_EQ(sent.text(), "Bob and I");
  EXPECT_EQ(sent.kind(), v1::MESSAGE_KIND_TEXT);
  EXPECT_EQ(sent.reply_to_message_id(), "m1");
  ASSERT_EQ(sent.spans_size(), 1);
  EXPECT_EQ(sent.spans(0).SerializeAsString(), span.SerializeAsString());
  ASSERT_EQ(sent.mentions_size(), 1);
  EXPECT_EQ(sent.mentions(0).contact_id(), "bob");
  EXPECT_EQ(sent.mentions(0).length(), 3u);
  EXPECT_TRUE(sent.view_once());
  EXPECT_EQ(sent.app_display_name(), "Writer");
}

TEST_F(WritingTest, EachKindGoesOutAsItIs) {
  const Program app = Writer();
  v1::SendMessageRequest notice;
  notice.set_kind(v1::MESSAGE_KIND_NOTICE);
  notice.set_text("waves");
  ASSERT_TRUE(Send(app, notice).ok());
  EXPECT_EQ(LastCommand().send_message().kind(), v1::MESSAGE_KIND_NOTICE);

  v1::SendMessageRequest poll;
  poll.set_kind(v1::MESSAGE_KIND_POLL);
  poll.mutable_poll()->set_question("When?");
  poll.mutable_poll()->add_options()->set_text("now");
  poll.mutable_poll()->add_options()->set_text("later");
  poll.mutable_poll()->set_choices_max(1);
  grpc::Status status = Send(app, poll);
  ASSERT_TRUE(status.ok()) << Text(status);
  v1::Poll sent = LastCommand().send_message().poll();
  EXPECT_EQ(sent.question(), "When?");
  EXPECT_EQ(sent.choices_max(), 1u);
  ASSERT_EQ(sent.options_size(), 2);
  EXPECT_EQ(sent.options(0).id(), "1");
  EXPECT_EQ(sent.options(1).id(), "2");
  EXPECT_EQ(sent.options(1).text(), "later");

  v1::SendMessageRequest place;
  place.set_kind(v1::MESSAGE_KIND_LOCATION);
  place.mutable_location()->set_latitude(52.52);
  place.mutable_location()->set_longitude(-13.4);
  place.mutable_location()->set_name("here");
  status = Send(app, place);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(LastCommand().send_message().location().SerializeAsString(),
            place.location().SerializeAsString());

  v1::SendMessageRequest card;
  card.set_kind(v1::MESSAGE_KIND_CONTACT_CARD);
  card.mutable_contact_card()->set_display_name("Carol");
  card.mutable_contact_card()->set_vcard("BEGIN:VCARD");
  status = Send(app, card);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(LastCommand().send_message().contact_card().SerializeAsString(),
            card.contact_card().SerializeAsString());
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_SEND), 4u);
}

TEST_F(WritingTest, AnEditGoesOutAndComesBackAsTheAppsOwn) {
  const Program app = Writer();
  const std::string id = Sent(app, "See yuo");
  const Program other = Writer("Other");
  EventReader reader(app);
  EventReader other_reader(other);
  ASSERT_TRUE(reader.WaitLive() && other_reader.WaitLive());
  const grpc::Status status = Edit(app, id, "See you");
  ASSERT_TRUE(status.ok()) << Text(status);
  const v1::Command command = LastCommand();
  EXPECT_EQ(command.edit_message().chat_id(), "club");
  EXPECT_TRUE(command.edit_message().message_id().starts_with("sent-"));
  EXPECT_EQ(command.edit_message().text(), "See you");
  Settle();
  EXPECT_EQ(Shown(app, id).text(), "See you");
  EXPECT_TRUE(Shown(app, id).has_edit_time());
  // The others are told that an app did it.
  ASSERT_TRUE(other_reader.WaitForReported(1));
  const v1::Event edited = other_reader.reported().back();
  ASSERT_TRUE(edited.has_message_edited());
  EXPECT_EQ(edited.message_edited().origin().hops(), 1u);
  EXPECT_FALSE(edited.message_edited().origin().is_own());
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_WRITE), 1u);
}

// The answer of a send may overtake the message's event: what an app was told it has sent, it can
// edit.
TEST_F(WritingTest, WhatWasJustSentCanBeEditedBeforeItIsBack) {
  const Program app = Writer();
  Answer([](const v1::Command& command) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_SENT);
    if (command.has_send_message()) result.set_message_id("quick");
    return std::optional(result);
  });
  const SendResult sent = SendText(harness_, app, ChatIdOf(app, "club"), "Quik");
  ASSERT_TRUE(sent.status.ok()) << Text(sent.status);
  const grpc::Status status = Edit(app, sent.response.message_id(), "Quick");
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(LastCommand().edit_message().message_id(), "quick");
  EXPECT_EQ(LastCommand().edit_message().chat_id(), "club");
  // It is nobody else's for that.
  const Program other = Writer("Other");
  EXPECT_FALSE(Edit(other, sent.response.message_id(), "Mine").ok());
}

TEST_F(WritingTest, OfEditsThatRaceAllAreRecordedAndTheLastRecordedStands) {
  const Program app = Writer();
  const std::string id = Sent(app, "draft");
  std::vector<std::thread> editors;
  for (const char* text : {"one", "two", "three", "four"}) {
    editors.emplace_back([this, &app, &id, text] { EXPECT_TRUE(Edit(app, id, text).ok()); });
  }
  for (std::thread& editor : editors) editor.join();
  Settle();
  // The app's own edits are not sent to it again: what was recorded is in the history.
  const v1::Message shown = Shown(app, id);
  std::string last;
  for (const v1::Command& command : adapter_->commands()) {
    if (command.has_edit_message()) last = command.edit_message().text();
  }
  EXPECT_EQ(shown.text(), last);
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_WRITE), 4u);
}

TEST_F(WritingTest, ADeleteGoesOutForAllOrForTheUserAlone) {
  const Program app = Writer();
  const std::string id = Sent(app, "Oops");
  grpc::Status status = Delete(app, id, false);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(LastCommand().delete_message().chat_id(), "club");
  EXPECT_TRUE(LastCommand().delete_message().message_id().starts_with("sent-"));
  EXPECT_FALSE(LastCommand().delete_message().for_everyone());
  const std::string second = Sent(app, "Oops again");
  status = Delete(app, second);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_TRUE(LastCommand().delete_message().for_everyone());
  Settle();
  EXPECT_TRUE(Shown(app, second).deleted());
}

TEST_F(WritingTest, ALaterVoteReplacesTheEarlierOne) {
  const Program app = Writer();
  const std::string poll = IdOf(app, "");
  grpc::Status status = Vote(app, poll, {"a"});
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(LastCommand().vote_poll().chat_id(), "club");
  EXPECT_EQ(LastCommand().vote_poll().message_id(), "poll");
  EXPECT_THAT(LastCommand().vote_poll().option_ids(), ElementsAre("a"));
  status = Vote(app, poll, {"b", "c"});
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_THAT(LastCommand().vote_poll().option_ids(), ElementsAre("b", "c"));
  Settle();
  const v1::Poll shown = Shown(app, poll).poll();
  ASSERT_EQ(shown.votes_size(), 1);
  EXPECT_THAT(shown.votes(0).option_ids(), ElementsAre("b", "c"));
  // None takes the vote back.
  status = Vote(app, poll, {});
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_THAT(LastCommand().vote_poll().option_ids(), IsEmpty());
}

TEST_F(WritingTest, AChatIsMarkedReadWithAndWithoutTellingTheSender) {
  const Program app = Writer();
  const std::string id = IdOf(app, "Who comes?");
  for (const bool tell : {true, false}) {
    const grpc::Status status = MarkRead(app, id, tell);
    ASSERT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(LastCommand().mark_read().chat_id(), "club");
    EXPECT_EQ(LastCommand().mark_read().through_message_id(), "m1");
    EXPECT_EQ(LastCommand().mark_read().tell_sender(), tell);
  }
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_WRITE), 2u);
}

TEST_F(WritingTest, TypingIsShownAndBounded) {
  const Program app = Writer();
  const std::string club = ChatIdOf(app, "club");
  ASSERT_TRUE(Type(app, club).ok());
  EXPECT_EQ(LastCommand().set_typing().chat_id(), "club");
  EXPECT_TRUE(LastCommand().set_typing().active());
  ASSERT_TRUE(Type(app, club, false).ok());
  EXPECT_FALSE(LastCommand().set_typing().active());
  // A notice is not remembered: the same id shows it again.
  v1::SetTypingRequest request;
  request.set_request_id("typing");
  request.set_chat_id(club);
  v1::SetTypingResponse response;
  const size_t before = CommandCount();
  ASSERT_TRUE(app->message->SetTyping(Patiently().get(), request, &response).ok());
  ASSERT_TRUE(app->message->SetTyping(Patiently().get(), request, &response).ok());
  EXPECT_EQ(CommandCount(), before + 2);
  grpc::Status status;
  int shown = 4;
  while ((status = Type(app, club)).ok()) ++shown;
  EXPECT_EQ(shown, 120);
  EXPECT_EQ(Refusal(status, "limit"), "LIMIT_EXCEEDED typing_per_minute");
  EXPECT_EQ(TimesInHistory(harness_, app, v1::ACCESS_VERB_WRITE), 120u);
  harness_.clock().Advance(absl::Minutes(1));
  EXPECT_TRUE(Type(app, club).ok());
}

TEST_F(WritingTest, ADraftIsLeftInTheClient) {
  const Program app =
      harness_.App("Drafter", {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesDraft});
  v1::CreateDraftRequest request;
  request.set_request_id("draft");
  request.set_chat_id(ChatIdOf(app, "club"));
  request.set_text("Perhaps");
  request.set_reply_to_message_id(IdOf(app, "Who comes?"));
  v1::CreateDraftResponse response;
  const grpc::Status status = app->message->CreateDraft(Patiently().get(), request, &response);
  ASSERT_TRUE(status.ok()) << Text(status);
  const v1::CreateDraftCommand draft = LastCommand().create_draft();
  EXPECT_EQ(draft.chat_id(), "club");
  EXPECT_EQ(draft.text(), "Perhaps");
  EXPECT_EQ(draft.reply_to_message_id(), "m1");
  EXPECT_EQ(draft.app_display_name(), "Drafter");
  EXPECT_FALSE(response.draft_id().empty());
  EXPECT_NE(response.draft_id(), "draft-1");
  // Drafts send nothing.
  EXPECT_EQ(ReasonOf(SendText(harness_, app, request.chat_id(), "Hello").status), "SCOPE_REQUIRED");
  v1::CreateDraftResponse again;
  ASSERT_TRUE(app->message->CreateDraft(Patiently().get(), request, &again).ok());
  EXPECT_EQ(again.draft_id(), response.draft_id());
  EXPECT_EQ(CommandCount(), 1u);
}

TEST_F(WritingTest, TheSameRequestIdIsTheSameDeed) {
  const Program app = Writer();
  const std::string own = Sent(app, "Mine");
  const std::string asked = IdOf(app, "Who comes?");
  const auto twice = [&](auto method, auto request) {
    request.set_request_id(harness_.NewRequestId());
    const size_t before = CommandCount();
    for (int i = 0; i < 2; ++i) {
      const grpc::Status status = method(request);
      EXPECT_TRUE(status.ok()) << request.GetTypeName() << " " << Text(status);
    }
    EXPECT_EQ(CommandCount(), before + 1) << request.GetTypeName();
  };
  const auto call = [&](auto method, auto response) {
    return [&app, method, response](const auto& request) mutable {
      return (app->message.get()->*method)(Patiently().get(), request, &response);
    };
  };
  using Stub = v1::MessageService::Stub;
  v1::EditMessageRequest edit;
  edit.set_message_id(own);
  edit.set_text("Ours");
  twice(call(&Stub::EditMessage, v1::EditMessageResponse()), edit);
  v1::SetReactionRequest react;
  react.set_message_id(asked);
  react.set_emoji("👍");
  twice(call(&Stub::SetReaction, v1::SetReactionResponse()), react);
  v1::VotePollRequest vote;
  vote.set_message_id(IdOf(app, ""));
  vote.add_option_ids("a");
  twice(call(&Stub::VotePoll, v1::VotePollResponse()), vote);
  v1::MarkReadRequest mark;
  mark.set_chat_id(ChatIdOf(app, "club"));
  mark.set_through_message_id(asked);
  twice(call(&Stub::MarkRead, v1::MarkReadResponse()), mark);
  v1::DeleteMessageRequest remove;
  remove.set_message_id(own);
  remove.set_for_everyone(true);
  twice(call(&Stub::DeleteMessage, v1::DeleteMessageResponse()), remove);
}

}  // namespace
}  // namespace postern::behaviors
