// SPDX-License-Identifier: Apache-2.0
// What an app may not write, and what a chat cannot carry: refused before anything goes out.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/behaviors/writing_fixture.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

class WritingRefusalsTest : public WritingTest {
 protected:
  // Every call that writes, on what is there, as this app would make it.
  std::vector<std::pair<std::string, grpc::Status>> WriteAll(const Program& app,
                                                             const std::string& chat,
                                                             const std::string& message,
                                                             const std::string& poll,
                                                             const std::string& own) {
    v1::SendMessageRequest send;
    send.set_chat_id(chat);
    send.set_text("Hello");
    v1::MarkReadRequest mark;
    mark.set_request_id(harness_.NewRequestId());
    mark.set_chat_id(chat);
    mark.set_through_message_id(message);
    v1::MarkReadResponse marked;
    v1::CreateDraftRequest draft;
    draft.set_request_id(harness_.NewRequestId());
    draft.set_chat_id(chat);
    draft.set_text("Hello");
    v1::CreateDraftResponse drafted;
    return {{"messages:send.ask", Send(app, send)},
            {"messages:edit_own", Edit(app, own, "Changed")},
            {"messages:delete_own", Delete(app, own)},
            {"reactions:write", React(app, message, "👍")},
            {"reactions:write", Vote(app, poll, {"a"})},
            {"receipts:write", app->message->MarkRead(Patiently().get(), mark, &marked)},
            {"typing:write", Type(app, chat)},
            {"messages:draft", app->message->CreateDraft(Patiently().get(), draft, &drafted)}};
  }
  void ExpectUnsupported(const grpc::Status& status, const std::string& capability) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Text(status);
    EXPECT_EQ(Refusal(status, "capability"), "NOT_SUPPORTED_BY_CHAT " + capability);
  }
};

TEST_F(WritingRefusalsTest, EachCallNeedsItsScope) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesHistory});
  const std::string asked = IdOf(app, "Who comes?");
  for (const auto& [scope, status] :
       WriteAll(app, ChatIdOf(app, "club"), asked, IdOf(app, ""), asked)) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << scope;
    EXPECT_EQ(Refusal(status, "scope"), "SCOPE_REQUIRED " + scope);
  }
  EXPECT_EQ(CommandCount(), 0u);
}

TEST_F(WritingRefusalsTest, WhatIsMalformedIsSaidBeforeAnyWordOnPermission) {
  const Program app = harness_.App("Reader", {kChatsRead, kMessagesRead, kMessagesHistory});
  const std::string id = IdOf(app, "Who comes?");
  EXPECT_EQ(Refusal(Edit(app, "nothing", "text"), "field"), "INVALID_FIELD message_id");
  EXPECT_EQ(Refusal(Edit(app, id, ""), "field"), "INVALID_FIELD text");
  EXPECT_EQ(Refusal(Edit(app, id, std::string(64 * 1024 + 1, 'x')), "field"), "INVALID_FIELD text");
  EXPECT_EQ(Refusal(Edit(app, id, "text", "nothing"), "field"), "INVALID_FIELD caused_by_event_id");
  EXPECT_EQ(Refusal(Delete(app, "nothing"), "field"), "INVALID_FIELD message_id");
  EXPECT_EQ(Refusal(React(app, id, ""), "field"), "INVALID_FIELD emoji");
  EXPECT_EQ(Refusal(Vote(app, "nothing", {}), "field"), "INVALID_FIELD message_id");
  EXPECT_EQ(Refusal(Vote(app, id, std::vector<std::string>(65, "a")), "field"),
            "INVALID_FIELD option_ids");
  EXPECT_EQ(Refusal(MarkRead(app, "nothing", true), "field"), "INVALID_FIELD through_message_id");
  EXPECT_EQ(Refusal(Type(app, "nothing"), "field"), "INVALID_FIELD chat_id");
  EXPECT_EQ(Refusal(Draft(app, ""), "field"), "INVALID_FIELD text");
  const auto send = [&](auto change) {
    v1::SendMessageRequest request;
    request.set_text("text");
    change(request);
    return Refusal(Send(app, request), "field");
  };
  EXPECT_EQ(send([](auto& r) { r.set_kind(v1::MESSAGE_KIND_UNSUPPORTED); }), "INVALID_FIELD kind");
  EXPECT_EQ(send([](auto& r) { r.set_kind(static_cast<v1::MessageKind>(99)); }),
            "INVALID_FIELD kind");
  EXPECT_EQ(send([](auto& r) { r.clear_text(); }), "INVALID_FIELD text");
  EXPECT_EQ(send([](auto& r) { r.mutable_poll()->set_question("?"); }), "INVALID_FIELD poll");
  EXPECT_EQ(send([](auto& r) { r.mutable_location(); }), "INVALID_FIELD location");
  EXPECT_EQ(send([](auto& r) { r.mutable_contact_card(); }), "INVALID_FIELD contact_card");
  EXPECT_EQ(send([](auto& r) { r.set_kind(v1::MESSAGE_KIND_POLL); }), "INVALID_FIELD text");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_POLL);
            }),
            "INVALID_FIELD poll");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_POLL);
              r.mutable_poll()->set_question("?");
              r.mutable_poll()->add_options()->set_text("only");
            }),
            "INVALID_FIELD poll.options");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_POLL);
              r.mutable_poll()->set_question("?");
              for (const char* text : {"yes", "no"}) {
                v1::PollOption& option = *r.mutable_poll()->add_options();
                option.set_text(text);
                option.set_id("same");
              }
            }),
            "INVALID_FIELD poll.options");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_LOCATION);
              r.mutable_location()->set_latitude(90.1);
            }),
            "INVALID_FIELD location.latitude");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_LOCATION);
              r.mutable_location()->set_longitude(std::nan(""));
            }),
            "INVALID_FIELD location.longitude");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_CONTACT_CARD);
              r.mutable_contact_card()->set_vcard("BEGIN:VCARD");
            }),
            "INVALID_FIELD contact_card.display_name");
  EXPECT_EQ(send([](auto& r) {
              r.clear_text();
              r.set_kind(v1::MESSAGE_KIND_VOICE_NOTE);
            }),
            "INVALID_FIELD attachment_ids");
  EXPECT_EQ(CommandCount(), 0u);
}

TEST_F(WritingRefusalsTest, WhatTheAppMayNotSeeIsNotThere) {
  const Program app =
      harness_.App("Narrow",
                   {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSend, kMessagesEditOwn,
                    kMessagesDeleteOwn, kReactionsWrite, kReceiptsWrite, kTypingWrite},
                   {.chats = {"other"}});
  // It had the club once: it knows the ids.
  harness_.Widen(app, {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSend},
                 {.chats = {"club"}});
  const std::string club = ChatIdOf(app, "club");
  const std::string message = IdOf(app, "Who comes?");
  const std::string poll = IdOf(app, "");
  const std::string own = Sent(app, "Mine");
  const Program owner = harness_.Owner();
  v1::ListGrantsRequest list;
  list.set_principal(app.principal);
  v1::ListGrantsResponse grants;
  ASSERT_TRUE(owner->owner->ListGrants(Patiently().get(), list, &grants).ok());
  ASSERT_EQ(grants.grants_size(), 2);
  // The wider one has fewer scopes.
  const int wider =
      grants.grants(0).grant().scopes_size() < grants.grants(1).grant().scopes_size() ? 0 : 1;
  v1::RevokeGrantRequest revoke;
  revoke.set_request_id(harness_.NewRequestId());
  revoke.set_grant_id(grants.grants(wider).grant().id());
  v1::RevokeGrantResponse revoked;
  const grpc::Status status = owner->owner->RevokeGrant(Patiently().get(), revoke, &revoked);
  ASSERT_TRUE(status.ok()) << Text(status);
  const size_t before = CommandCount();
  for (const auto& [scope, answer] : WriteAll(app, club, message, poll, own)) {
    EXPECT_EQ(answer.error_code(), grpc::StatusCode::NOT_FOUND) << scope << " " << Text(answer);
  }
  EXPECT_EQ(CommandCount(), before);
}

TEST_F(WritingRefusalsTest, InASealedChatThereIsNothing) {
  const Program app = Writer();
  const std::string club = ChatIdOf(app, "club");
  const std::string message = IdOf(app, "Who comes?");
  const std::string poll = IdOf(app, "");
  const std::string own = Sent(app, "Mine");
  const Program owner = harness_.Owner();
  v1::ListOwnedChatsResponse chats;
  ASSERT_TRUE(owner->owner->ListOwnedChats(Patiently().get(), {}, &chats).ok());
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  for (const v1::Chat& chat : chats.chats()) {
    if (chat.name() == "club") seal.set_chat_id(chat.id());
  }
  seal.set_reach(v1::SEAL_REACH_ALL_APPS);
  v1::SealResponse sealed;
  ASSERT_TRUE(owner->owner->Seal(Patiently().get(), seal, &sealed).ok());
  const size_t before = CommandCount();
  for (const auto& [scope, status] : WriteAll(app, club, message, poll, own)) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << scope << " " << Text(status);
  }
  EXPECT_EQ(CommandCount(), before);
}

TEST_F(WritingRefusalsTest, ASealedPersonIsNotMentioned) {
  const Program app = harness_.App("Writer", {kChatsRead, kContactsRead, kMessagesRead,
                                              kMessagesHistory, kMessagesSend, kMessagesEditOwn});
  const std::string own = Sent(app, "Mine");
  v1::SendMessageRequest request;
  request.set_text("@Bob");
  v1::Mention& mention = *request.add_mentions();
  mention.set_contact_id(Shown(app, IdOf(app, "Who comes?")).sender_contact_id());
  mention.set_length(4);
  const grpc::Status open = Send(app, request);
  ASSERT_TRUE(open.ok()) << Text(open);
  Program owner = harness_.Owner();
  v1::ListOwnedContactsResponse contacts;
  const grpc::Status listed = owner->owner->ListOwnedContacts(Patiently().get(), {}, &contacts);
  ASSERT_TRUE(listed.ok()) << Text(listed);
  v1::SealRequest seal;
  seal.set_request_id(harness_.NewRequestId());
  for (const v1::Contact& contact : contacts.contacts()) {
    if (!contact.is_self()) seal.set_contact_id(contact.id());
  }
  v1::SealResponse sealed;
  ASSERT_TRUE(owner->owner->Seal(Patiently().get(), seal, &sealed).ok());
  const size_t before = CommandCount();
  grpc::Status status = Send(app, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << Text(status);
  v1::EditMessageRequest edit;
  edit.set_request_id(harness_.NewRequestId());
  edit.set_message_id(own);
  edit.set_text("@Bob");
  *edit.add_mentions() = mention;
  v1::EditMessageResponse edited;
  status = app->message->EditMessage(Patiently().get(), edit, &edited);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND) << Text(status);
  EXPECT_EQ(CommandCount(), before);
}

TEST_F(WritingRefusalsTest, OnlyWhatThisVeryAppSentIsItsOwn) {
  const Program app = Writer();
  const Program other = Writer("Other");
  Sent(app, "Mine");
  // Another app's, another person's, and one that was never there.
  const std::string theirs = IdOf(other, "Mine");
  const std::string asked = IdOf(other, "Who comes?");
  for (const std::string& id : {theirs, asked}) {
    EXPECT_EQ(Refusal(Edit(other, id, "Changed"), "field"), "NOT_FOUND message_id");
    EXPECT_EQ(Refusal(Delete(other, id), "field"), "NOT_FOUND message_id");
    EXPECT_EQ(Refusal(Delete(other, id, false), "field"), "NOT_FOUND message_id");
  }
  EXPECT_EQ(CommandCount(), 1u);
}

TEST_F(WritingRefusalsTest, WhatWasDeletedIsNotThere) {
  const Program app = Writer();
  const std::string own = Sent(app, "Mine");
  const std::string asked = IdOf(app, "Who comes?");
  const std::string poll = IdOf(app, "");
  ASSERT_TRUE(Delete(app, own).ok());
  Report(DeleteEvent("club", "m1"));
  Report(DeleteEvent("club", "poll"));
  EXPECT_EQ(ReasonOf(Edit(app, own, "Still")), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Delete(app, own)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(React(app, asked, "👍")), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(MarkRead(app, asked, true)), "NOT_FOUND");
  EXPECT_EQ(ReasonOf(Vote(app, poll, {"a"})), "NOT_FOUND");
}

TEST_F(WritingRefusalsTest, WhatTheChatRejectsIsNamedBeforeAnythingGoesOut) {
  const Program app = harness_.App(
      "Writer", {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSend, kMessagesEditOwn,
                 kMessagesDeleteOwn, kReactionsWrite, kReceiptsWrite, kTypingWrite});
  const std::string own = Sent(app, "Mine");
  const std::string asked = IdOf(app, "Who comes?");
  const std::string poll = IdOf(app, "");
  const std::string club = ChatIdOf(app, "club");
  const size_t before = CommandCount();
  // Left out, nothing of such a call would remain: it is refused as what is rejected.
  for (const v1::CapabilityLevel level :
       {v1::CAPABILITY_LEVEL_REJECTED, v1::CAPABILITY_LEVEL_DROPPED}) {
    v1::ChatCapabilities none;
    for (const char* name : {"text", "edit", "delete", "reaction", "read_receipt", "mark_read",
                             "typing", "poll", "draft", "location", "contact_card", "view_once"}) {
      none.GetReflection()->SetEnumValue(&none, none.GetDescriptor()->FindFieldByName(name), level);
    }
    SetCapabilities(none);
    ExpectUnsupported(SendText(harness_, app, club, "Hello").status, "text");
    ExpectUnsupported(Edit(app, own, "Changed"), "edit");
    ExpectUnsupported(Delete(app, own), "delete");
    ExpectUnsupported(React(app, asked, "👍"), "reaction");
    ExpectUnsupported(React(app, asked, "👍", true), "reaction");
    ExpectUnsupported(Vote(app, poll, {"a"}), "poll");
    ExpectUnsupported(MarkRead(app, asked, true), "read_receipt");
    ExpectUnsupported(MarkRead(app, asked, false), "mark_read");
    ExpectUnsupported(Type(app, club), "typing");
    ExpectUnsupported(Draft(app, "Perhaps"), "draft");
    v1::SendMessageRequest place;
    place.set_kind(v1::MESSAGE_KIND_LOCATION);
    place.mutable_location()->set_latitude(1);
    ExpectUnsupported(Send(app, place), "location");
  }
  EXPECT_EQ(CommandCount(), before);
  // Parts: what is rejected is refused, what is dropped goes without.
  v1::ChatCapabilities parts;
  parts.set_reply(v1::CAPABILITY_LEVEL_REJECTED);
  parts.set_formatting(v1::CAPABILITY_LEVEL_DROPPED);
  SetCapabilities(parts);
  v1::SendMessageRequest reply;
  reply.set_text("I do");
  reply.set_reply_to_message_id(asked);
  ExpectUnsupported(Send(app, reply), "reply");
  v1::SendMessageRequest bold;
  bold.set_text("I do");
  bold.add_spans()->set_length(1);
  EXPECT_TRUE(Send(app, bold).ok());
}

TEST_F(WritingRefusalsTest, BoundsOfTheChatHold) {
  const Program app = Writer();
  const std::string own = Sent(app, "Mine");
  const std::string asked = IdOf(app, "Who comes?");
  const std::string club = ChatIdOf(app, "club");
  v1::ChatCapabilities can;
  can.set_text_bytes_max(8);
  can.mutable_edit_age_max()->set_seconds(900);
  can.mutable_delete_age_max()->set_seconds(3600);
  can.set_reactions_per_person_max(2);
  for (const char* emoji : {"👍", "👎", "🎉"}) can.add_allowed_reactions(emoji);
  SetCapabilities(can);
  const size_t before = CommandCount();
  ExpectUnsupported(SendText(harness_, app, club, "ninebytes").status, "text_bytes_max");
  ExpectUnsupported(Edit(app, own, "ninebytes"), "text_bytes_max");
  ExpectUnsupported(React(app, asked, "🦆"), "allowed_reactions");
  EXPECT_EQ(InfoOf(Edit(app, own, "ninebytes")).metadata().at("limit"), "8");
  EXPECT_EQ(CommandCount(), before);
  EXPECT_TRUE(SendText(harness_, app, club, "eightbyt").status.ok());

  EXPECT_TRUE(React(app, asked, "👍").ok());
  EXPECT_TRUE(React(app, asked, "👎").ok());
  Settle();
  ExpectUnsupported(React(app, asked, "🎉"), "reactions_per_person_max");
  // What stands may be set again, and makes room when it goes.
  EXPECT_TRUE(React(app, asked, "👎").ok());
  EXPECT_TRUE(React(app, asked, "👍", true).ok());
  Settle();
  EXPECT_TRUE(React(app, asked, "🎉").ok());

  harness_.clock().Advance(absl::Minutes(15));
  EXPECT_TRUE(Edit(app, own, "In time").ok());
  harness_.clock().Advance(absl::Minutes(1));
  ExpectUnsupported(Edit(app, own, "Too late"), "edit_age_max");
  harness_.clock().Advance(absl::Hours(1));
  ExpectUnsupported(Delete(app, own), "delete_age_max");
  // The user's own view has no such bound.
  EXPECT_TRUE(Delete(app, own, false).ok());
}

TEST_F(WritingRefusalsTest, AVoteMustBeOneThatThePollTakes) {
  const Program app = Writer();
  const std::string poll = IdOf(app, "");
  EXPECT_EQ(Refusal(Vote(app, poll, {"d"}), "field"), "INVALID_FIELD option_ids");
  EXPECT_EQ(Refusal(Vote(app, poll, {"a", "a"}), "field"), "INVALID_FIELD option_ids");
  EXPECT_EQ(Refusal(Vote(app, poll, {"a", "b", "c"}), "field"), "INVALID_FIELD option_ids");
  EXPECT_EQ(Refusal(Vote(app, IdOf(app, "Who comes?"), {"a"}), "field"),
            "INVALID_FIELD message_id");
  // Who sees that there is a message, and not what it says, finds no poll.
  const Program counter =
      harness_.App("Counter", {kChatsRead, kMessagesMetadata, kMessagesHistory, kReactionsWrite});
  v1::ListMessagesRequest request;
  request.set_chat_id(ChatIdOf(counter, "club"));
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(counter->message->ListMessages(Patiently().get(), request, &listed).ok());
  ASSERT_EQ(listed.messages_size(), 2);
  EXPECT_EQ(ReasonOf(Vote(counter, listed.messages(0).id(), {"a"})), "NOT_FOUND");
  EXPECT_EQ(CommandCount(), 0u);
}

TEST_F(WritingRefusalsTest, WhatTheGatekeeperRefusesIsToldWithItsReason) {
  const Program app = Writer();
  const std::string own = Sent(app, "Mine");
  const std::string asked = IdOf(app, "Who comes?");
  const std::string club = ChatIdOf(app, "club");
  v1::CommandResult result;
  Answer([&](const v1::Command&) { return std::optional(result); });
  result.set_state(v1::CommandResult::STATE_FAILED);
  result.set_reason("the server says no");
  for (const grpc::Status& status :
       {SendText(harness_, app, club, "Hello").status, Edit(app, own, "Changed"), Delete(app, own),
        React(app, asked, "👍"), Vote(app, IdOf(app, ""), {"a"}), MarkRead(app, asked, true),
        Type(app, club), Draft(app, "Perhaps")}) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Text(status);
    EXPECT_EQ(Refusal(status, "gatekeeper_reason"), "GATEKEEPER_REFUSED the server says no");
  }
  // Words without end are cut where a character ends.
  result.set_reason(std::string(255, 'x') + "ä and on");
  EXPECT_EQ(InfoOf(Edit(app, own, "Changed")).metadata().at("gatekeeper_reason"),
            std::string(255, 'x'));
  result.set_missing_capability("edit");
  ExpectUnsupported(Edit(app, own, "Changed"), "edit");
  result.Clear();
  result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
  result.set_reason("no network");
  const grpc::Status status = Edit(app, own, "Changed");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Refusal(status, "gatekeeper_reason"), "GATEKEEPER_RETRY no network");
}

// Two programs that set each other's messages to what the other has just set.
TEST_F(WritingRefusalsTest, ALoopOfEditsIsStopped) {
  const Program app = Writer();
  const std::string own = Sent(app, "The news");
  int edits = 0;
  grpc::Status status;
  while ((status = Edit(app, own, "Breaking: the news")).ok() && edits < 20) {
    ++edits;
    // The figure makes it another edit, and the same words.
    Report(EditEvent("club", "m1", "Breaking: the news " + std::to_string(edits)));
  }
  EXPECT_EQ(ReasonOf(status), "LOOP") << Text(status);
  EXPECT_LE(edits, 3);
  EXPECT_EQ(NoticesOf(harness_, v1::OwnerNotice::KIND_LOOP_STOPPED).size(), 1u);
}

// Where the cause is named, hops count for edits as for messages.
TEST_F(WritingRefusalsTest, AnEditThatHasComeThroughTooManyAppsIsRefused) {
  std::vector<Program> apps;
  std::vector<std::string> own;
  std::vector<std::unique_ptr<EventReader>> readers;
  // Words that do not resemble each other: only what is named counts.
  for (const char* word : {"alpha", "beta", "gamma", "delta"}) {
    apps.push_back(Writer(word));
    own.push_back(Sent(apps.back(), word));
  }
  for (const Program& app : apps) {
    readers.push_back(std::make_unique<EventReader>(app));
    ASSERT_TRUE(readers.back()->WaitLive());
  }
  std::string cause;
  for (size_t i = 0; i < 3; ++i) {
    const grpc::Status status = Edit(apps[i], own[i], apps[i].name + " changed", cause);
    ASSERT_TRUE(status.ok()) << Text(status);
    Settle();
    // The next app sees what this one did, and what came before it.
    EventReader& reader = *readers[i + 1];
    ASSERT_TRUE(reader.WaitForReported(i + 1));
    const v1::Event seen = reader.reported().back();
    ASSERT_TRUE(seen.has_message_edited());
    EXPECT_EQ(seen.message_edited().origin().hops(), i + 1);
    cause = seen.id();
  }
  EXPECT_EQ(ReasonOf(Edit(apps[3], own[3], "delta changed", cause)), "LOOP");
}

}  // namespace
}  // namespace postern::behaviors
