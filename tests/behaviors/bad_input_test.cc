// SPDX-License-Identifier: Apache-2.0
// What is wrong is answered to who sent it, with its place; nobody else is hurt.
#include <gmock/gmock.h>
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>

#include "broker/attachment_limits.h"
#include "tests/behaviors/broker_harness.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;

// Of the right form, and naming nothing.
constexpr char kNothing[] = "AAAAAAAAAAAAAAAAAAAAAA";

class BadInputTest : public testing::Test {
 protected:
  void SetUp() override {
    // A client that builds bad bytes is warned by protobuf, which is none of the broker's business.
    google::protobuf::SetLogHandler(nullptr);
    ASSERT_TRUE(adapter_->PushDurably({ChatEvent("club"), ChatEvent("other")}));
  }
  // An app that reads and sends everywhere, and its stream.
  Program Trusted(const std::string& name = "Trusted") {
    return harness_.App(name, {kChatsRead, kMessagesRead, kMessagesHistory, kMessagesSend,
                               kReactionsRead, kReactionsWrite});
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  std::unique_ptr<Adapter> adapter_ = std::make_unique<Adapter>(gatekeeper_);
};

void ExpectInvalid(const grpc::Status& status, const std::string& field,
                   const std::string& reason = "INVALID_FIELD") {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
      << field << ": " << Text(status);
  const v1::ErrorInfo info = InfoOf(status);
  EXPECT_EQ(info.reason(), reason) << field;
  const auto named = info.metadata().find("field");
  ASSERT_NE(named, info.metadata().end()) << field << ": " << Text(status);
  EXPECT_EQ(named->second, field);
}

TEST_F(BadInputTest, MalformedRequestIsToldItsFieldBeforeAnyWordOnPermission) {
  // It may see typing notices: every call below would be refused for its scope, were it well
  // formed.
  const Program app = harness_.App("Typist", {kTypingRead});
  const auto bad_chats = [&](auto change) {
    v1::ListChatsRequest request;
    change(request);
    v1::ListChatsResponse response;
    return app->chat->ListChats(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_chats([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_chats([](auto& r) { r.set_page_size(-1); }), "page_size");
  ExpectInvalid(bad_chats([](auto& r) { r.set_page_token("no such page"); }), "page_token",
                "INVALID_PAGE_TOKEN");
  ExpectInvalid(bad_chats([](auto& r) { r.set_account_id("alice"); }), "account_id");

  const auto bad_participants = [&](auto change) {
    v1::ListParticipantsRequest request;
    request.set_chat_id(kNothing);
    change(request);
    v1::ListParticipantsResponse response;
    return app->chat->ListParticipants(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_participants([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_participants([](auto& r) { r.set_chat_id("club"); }), "chat_id");
  ExpectInvalid(bad_participants([](auto& r) { r.set_page_size(-5); }), "page_size");
  ExpectInvalid(bad_participants([](auto& r) { r.set_page_token("x"); }), "page_token",
                "INVALID_PAGE_TOKEN");

  const auto bad_list = [&](auto change) {
    v1::ListMessagesRequest request;
    request.set_chat_id(kNothing);
    change(request);
    v1::ListMessagesResponse response;
    return app->message->ListMessages(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_list([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_list([](auto& r) { r.clear_chat_id(); }), "chat_id");
  ExpectInvalid(bad_list([](auto& r) { r.set_page_size(-1); }), "page_size");
  ExpectInvalid(bad_list([](auto& r) { r.set_page_token("x"); }), "page_token",
                "INVALID_PAGE_TOKEN");

  v1::GetMessageRequest get;
  get.set_message_id(std::string(100'000, 'm'));
  v1::GetMessageResponse got;
  ExpectInvalid(app->message->GetMessage(Patiently().get(), get, &got), "message_id");
  get.set_message_id(kNothing);
  EXPECT_EQ(ReasonOf(app->message->GetMessage(Patiently().get(), get, &got)), "SCOPE_REQUIRED");

  const auto bad_send = [&](auto change) {
    v1::SendMessageRequest request;
    request.set_request_id("r");
    request.set_chat_id(kNothing);
    request.set_text("hello");
    change(request);
    v1::SendMessageResponse response;
    return app->message->SendMessage(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_send([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_send([](auto& r) { r.clear_request_id(); }), "request_id");
  ExpectInvalid(bad_send([](auto& r) { r.set_request_id(std::string(129, 'r')); }), "request_id");
  ExpectInvalid(bad_send([](auto& r) { r.clear_text(); }), "text");
  ExpectInvalid(bad_send([](auto& r) { r.set_text(std::string(65'537, 't')); }), "text");
  ExpectInvalid(bad_send([](auto& r) { r.set_chat_id("club"); }), "chat_id");
  ExpectInvalid(bad_send([](auto& r) { r.set_reply_to_message_id("m1"); }), "reply_to_message_id");
  ExpectInvalid(bad_send([](auto& r) { r.set_caused_by_event_id("1"); }), "caused_by_event_id");
  ExpectInvalid(bad_send([](auto& r) { r.add_attachment_ids("club"); }), "attachment_ids");
  ExpectInvalid(bad_send([](auto& r) { r.add_spans()->set_length(6); }), "spans");
  ExpectInvalid(bad_send([](auto& r) {
                  r.add_spans()->set_style(static_cast<v1::FormattingSpan::Style>(99));
                }),
                "spans");
  ExpectInvalid(bad_send([](auto& r) { r.add_mentions()->set_start(0xFFFFFFFF); }), "mentions");

  const auto bad_reaction = [&](auto change) {
    v1::SetReactionRequest request;
    request.set_request_id("r");
    request.set_message_id(kNothing);
    request.set_emoji("+1");
    change(request);
    v1::SetReactionResponse response;
    return app->message->SetReaction(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_reaction([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_reaction([](auto& r) { r.clear_emoji(); }), "emoji");
  ExpectInvalid(bad_reaction([](auto& r) { r.set_emoji(std::string(65, 'e')); }), "emoji");
  ExpectInvalid(bad_reaction([](auto& r) { r.set_message_id("m1"); }), "message_id");
  ExpectInvalid(bad_reaction([](auto& r) { r.clear_request_id(); }), "request_id");

  const auto bad_subscribe = [&](auto change) {
    v1::SubscribeRequest request;
    change(request);
    EventReader reader(app, request);
    return reader.WaitEnd();
  };
  ExpectInvalid(bad_subscribe([](auto& r) { r.set_subscription("a b"); }), "subscription");
  ExpectInvalid(bad_subscribe([](auto& r) { r.set_subscription(std::string(65, 's')); }),
                "subscription");
  ExpectInvalid(
      bad_subscribe([](auto& r) { r.set_start(static_cast<v1::SubscribeRequest::Start>(99)); }),
      "start");
  ExpectInvalid(bad_subscribe([](auto& r) { r.set_cursor(kNothing); }), "cursor", "INVALID_CURSOR");

  v1::AcknowledgeRequest acknowledge;
  v1::AcknowledgeResponse acknowledged;
  ExpectInvalid(app->event->Acknowledge(Patiently().get(), acknowledge, &acknowledged),
                "subscription");
  acknowledge.set_subscription("main");
  ExpectInvalid(app->event->Acknowledge(Patiently().get(), acknowledge, &acknowledged), "cursor",
                "INVALID_CURSOR");

  const auto bad_request = [&](auto change) {
    v1::RequestGrantRequest request;
    request.set_request_id("r");
    request.add_scopes(v1::SCOPE_MESSAGES_READ);
    change(request);
    v1::RequestGrantResponse response;
    return app->grant->RequestGrant(Patiently().get(), request, &response);
  };
  const size_t asked = harness_.asked().size();
  ExpectInvalid(bad_request([](auto& r) { r.clear_scopes(); }), "scopes");
  ExpectInvalid(bad_request([](auto& r) { r.add_scopes(static_cast<v1::Scope>(99)); }), "scopes");
  ExpectInvalid(bad_request([](auto& r) { r.add_chat_ids("club"); }), "chat_ids");
  ExpectInvalid(bad_request([](auto& r) { r.clear_request_id(); }), "request_id");
  EXPECT_EQ(harness_.asked().size(), asked);
}

TEST_F(BadInputTest, MalformedRequestOfPeopleChatsAndHistoryIsToldItsField) {
  const Program app = harness_.App("Typist", {kTypingRead});
  const auto bad_contacts = [&](auto change) {
    v1::ListContactsRequest request;
    change(request);
    v1::ListContactsResponse response;
    return app->chat->ListContacts(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_contacts([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_contacts([](auto& r) { r.set_page_size(-1); }), "page_size");
  ExpectInvalid(bad_contacts([](auto& r) { r.set_page_token("x"); }), "page_token",
                "INVALID_PAGE_TOKEN");
  ExpectInvalid(bad_contacts([](auto& r) { r.set_account_id("alice"); }), "account_id");

  const auto bad_resolve = [&](auto change) {
    v1::ResolveContactRequest request;
    request.set_account_id(kNothing);
    request.set_address("tel:+1555");
    change(request);
    v1::ResolveContactResponse response;
    return app->chat->ResolveContact(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_resolve([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_resolve([](auto& r) { r.set_account_id("alice"); }), "account_id");
  ExpectInvalid(bad_resolve([](auto& r) { r.set_address("+1555"); }), "address");
  ExpectInvalid(
      bad_resolve([](auto& r) { r.set_address("tel:" + std::string(broker::kNameBytesMax, '1')); }),
      "address");

  const auto bad_create = [&](auto change) {
    v1::CreateChatRequest request;
    request.set_request_id("r");
    request.set_account_id(kNothing);
    request.set_kind(v1::CHAT_KIND_GROUP);
    request.add_contact_ids(kNothing);
    change(request);
    v1::CreateChatResponse response;
    return app->chat->CreateChat(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_create([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_create([](auto& r) { r.clear_request_id(); }), "request_id");
  ExpectInvalid(bad_create([](auto& r) { r.set_kind(static_cast<v1::ChatKind>(99)); }), "kind");
  ExpectInvalid(bad_create([](auto& r) { r.set_account_id("alice"); }), "account_id");
  ExpectInvalid(bad_create([](auto& r) { r.set_contact_ids(0, "bob"); }), "contact_ids");
  ExpectInvalid(bad_create([](auto& r) { r.add_contact_ids(kNothing); }), "contact_ids");
  ExpectInvalid(bad_create([](auto& r) {
                  for (int i = 0; i < broker::kParticipantsMax; ++i) r.add_contact_ids(kNothing);
                }),
                "contact_ids");
  ExpectInvalid(bad_create([](auto& r) {
                  r.set_kind(v1::CHAT_KIND_DIRECT);
                  r.set_name("x");
                }),
                "name");

  const auto bad_update = [&](auto change) {
    v1::UpdateChatRequest request;
    request.set_request_id("r");
    request.set_chat_id(kNothing);
    request.set_muted(true);
    change(request);
    v1::UpdateChatResponse response;
    return app->chat->UpdateChat(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_update([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_update([](auto& r) { r.clear_request_id(); }), "request_id");
  ExpectInvalid(bad_update([](auto& r) { r.set_chat_id("club"); }), "chat_id");
  ExpectInvalid(bad_update([](auto& r) { r.set_topic(std::string(1025, 't')); }), "topic");
  ExpectInvalid(bad_update([](auto& r) { r.add_remove_contact_ids("bob"); }), "remove_contact_ids");
  ExpectInvalid(bad_update([](auto& r) {
                  r.add_add_contact_ids(kNothing);
                  r.add_add_contact_ids(kNothing);
                }),
                "add_contact_ids");
  ExpectInvalid(bad_update([](auto& r) { r.add_roles()->set_contact_id(kNothing); }), "roles");
  ExpectInvalid(bad_update([](auto& r) { r.set_unpin_message_id("m1"); }), "unpin_message_id");
  ExpectInvalid(bad_update([](auto& r) { r.set_avatar_attachment_id("a1"); }),
                "avatar_attachment_id");
  ExpectInvalid(bad_update([](auto& r) { r.mutable_disappearing_timer()->set_seconds(-1); }),
                "disappearing_timer");

  const auto bad_backfill = [&](auto change) {
    v1::RequestBackfillRequest request;
    request.set_request_id("r");
    request.set_chat_id(kNothing);
    change(request);
    v1::RequestBackfillResponse response;
    return app->chat->RequestBackfill(Patiently().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(bad_backfill([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_backfill([](auto& r) { r.set_request_id(std::string(129, 'r')); }),
                "request_id");
  ExpectInvalid(bad_backfill([](auto& r) { r.set_chat_id("club"); }), "chat_id");

  v1::ConfirmErasedRequest confirm;
  v1::ConfirmErasedResponse confirmed;
  ExpectInvalid(app->event->ConfirmErased(Patiently().get(), confirm, &confirmed), "cursor");
  confirm.set_cursor(kNothing);
  ExpectInvalid(app->event->ConfirmErased(Patiently().get(), confirm, &confirmed), "cursor",
                "INVALID_CURSOR");
  EXPECT_TRUE(adapter_->commands().empty());
}

TEST_F(BadInputTest, MalformedRequestOfFilesIsToldItsField) {
  const Program app = harness_.App("Typist", {kTypingRead});
  const auto bad_download = [&](const std::string& id) {
    const auto context = Patiently();
    v1::DownloadRequest request;
    request.set_attachment_id(id);
    const auto reader = app->attachment->Download(context.get(), request);
    v1::DownloadResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  };
  EXPECT_EQ(ReasonOf(bad_download(kNothing)), "SCOPE_REQUIRED");
  ExpectInvalid(bad_download("photo"), "attachment_id");

  v1::GetUploadRequest get;
  v1::GetUploadResponse got;
  ExpectInvalid(app->attachment->GetUpload(Patiently().get(), get, &got), "request_id");
  get.set_request_id("r");
  EXPECT_EQ(ReasonOf(app->attachment->GetUpload(Patiently().get(), get, &got)), "SCOPE_REQUIRED");

  const auto bad_upload = [&](auto change) {
    const auto context = Patiently();
    v1::UploadResponse response;
    const auto writer = app->attachment->Upload(context.get(), &response);
    v1::UploadRequest request;
    v1::UploadStart& start = *request.mutable_start();
    start.set_request_id("r");
    start.set_chat_id(kNothing);
    start.mutable_attachment()->set_file_name("photo");
    start.mutable_attachment()->set_mime_type("image/png");
    start.mutable_attachment()->set_sha256(std::string(32, 's'));
    change(request);
    if (writer->Write(request)) writer->WritesDone();
    return writer->Finish();
  };
  EXPECT_EQ(ReasonOf(bad_upload([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_upload([](auto& r) { r.set_data("first"); }), "start");
  ExpectInvalid(bad_upload([](auto& r) { r.mutable_start()->clear_request_id(); }), "request_id");
  ExpectInvalid(bad_upload([](auto& r) { r.mutable_start()->set_chat_id("club"); }), "chat_id");
  const auto bad_file = [&](auto change) {
    return bad_upload([&](auto& r) { change(*r.mutable_start()->mutable_attachment()); });
  };
  ExpectInvalid(bad_file([](auto& a) { a.clear_file_name(); }), "attachment.file_name");
  ExpectInvalid(bad_file([](auto& a) { a.set_file_name(std::string(1025, 'n')); }),
                "attachment.file_name");
  ExpectInvalid(bad_file([](auto& a) { a.set_mime_type("png"); }), "attachment.mime_type");
  ExpectInvalid(bad_file([](auto& a) { a.set_sha256("short"); }), "attachment.sha256");
  ExpectInvalid(bad_file([](auto& a) { a.set_alt_text(std::string(1025, 'a')); }),
                "attachment.alt_text");
  const grpc::Status large =
      bad_file([](auto& a) { a.set_size_bytes(broker::kAttachmentSizeMax + 1); });
  EXPECT_EQ(large.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << Text(large);
  EXPECT_EQ(InfoOf(large).metadata().at("limit"), "attachment_size");

  const size_t asked = harness_.asked().size();
  const auto bad_export = [&](auto change) {
    const auto context = Patiently();
    v1::ExportRequest request;
    request.set_request_id("r");
    change(request);
    const auto reader = app->export_service->Export(context.get(), request);
    v1::ExportResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  };
  EXPECT_EQ(ReasonOf(bad_export([](auto&) {})), "SCOPE_REQUIRED");
  ExpectInvalid(bad_export([](auto& r) { r.clear_request_id(); }), "request_id");
  ExpectInvalid(bad_export([](auto& r) { r.add_chat_ids("club"); }), "chat_ids");
  ExpectInvalid(bad_export([](auto& r) {
                  for (int i = 0; i <= broker::kExportChatsMax; ++i) r.add_chat_ids(kNothing);
                }),
                "chat_ids");
  EXPECT_EQ(harness_.asked().size(), asked);
}

TEST_F(BadInputTest, MalformedOwnerRequestIsToldItsField) {
  const Program owner = harness_.Owner();
  v1::ListAppsRequest apps;
  apps.set_page_size(-1);
  v1::ListAppsResponse apps_got;
  ExpectInvalid(owner->owner->ListApps(Patiently().get(), apps, &apps_got), "page_size");
  v1::ListGrantsRequest grants;
  grants.set_principal("me");
  v1::ListGrantsResponse grants_got;
  ExpectInvalid(owner->owner->ListGrants(Patiently().get(), grants, &grants_got), "principal");
  v1::RevokeAppRequest revoke_app;
  revoke_app.set_request_id("r1");
  v1::RevokeAppResponse app_revoked;
  ExpectInvalid(owner->owner->RevokeApp(Patiently().get(), revoke_app, &app_revoked), "principal");
  v1::RevokeGrantRequest revoke;
  revoke.set_request_id("r2");
  v1::RevokeGrantResponse revoked;
  ExpectInvalid(owner->owner->RevokeGrant(Patiently().get(), revoke, &revoked), "grant_id");
  revoke.set_grant_id(kNothing);
  EXPECT_EQ(owner->owner->RevokeGrant(Patiently().get(), revoke, &revoked).error_code(),
            grpc::StatusCode::NOT_FOUND);
  v1::NarrowGrantRequest narrow;
  narrow.set_request_id("r3");
  narrow.set_grant_id(kNothing);
  narrow.add_remove_scopes(static_cast<v1::Scope>(99));
  v1::NarrowGrantResponse narrowed;
  ExpectInvalid(owner->owner->NarrowGrant(Patiently().get(), narrow, &narrowed), "remove_scopes");
}

TEST_F(BadInputTest, BytesThatAreNoRequestHurtOnlyTheirCall) {
  const Program app = Trusted();
  for (const std::string& bytes :
       {std::string("\xFF\xFF\xFF", 3), std::string("\x0A\x02\xC3\x28", 4)}) {
    grpc::GenericStub stub(app->channel);
    const auto context = Patiently();
    grpc::CompletionQueue queue;
    const grpc::Slice slice(bytes);
    const auto call = stub.PrepareUnaryCall(context.get(), "/postern.v1.MessageService/GetMessage",
                                            grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    // gRPC refuses what cannot be decoded before any method is reached, with a code of its own.
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(ReasonOf(status), "");
  }
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "still here")}));
  EXPECT_TRUE(reader.WaitForText("still here"));
}

TEST_F(BadInputTest, EventOverABoundIsRefusedByItsPositionAndTheRestIsTaken) {
  const Program app = Trusted();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  std::vector<v1::Event> events = {MessageEvent("club", "m1", "before")};
  events.push_back(MessageEvent("club", "big", std::string(65 * 1024, 'x')));
  events.push_back(MessageEvent("club", "mentions", "@all"));
  for (int i = 0; i < 10'000; ++i) {
    events.back().mutable_message_created()->mutable_message()->add_mentions()->set_contact_id("c");
  }
  events.push_back(MessageEvent("club", "", "no id"));
  events.push_back(MessageEvent("", "m2", "no chat"));
  events.push_back(MessageEvent(std::string(600, 'c'), "m3", "long id"));
  events.push_back(EditEvent("club", "", "no message"));
  events.emplace_back();
  events.emplace_back().mutable_grant_changed()->set_grant_id("forged");
  events.emplace_back().mutable_request_completed()->set_request_id("forged");
  events.push_back(MessageEvent("club", "m4", "after"));
  std::vector<std::string> bytes;
  for (const v1::Event& event : events) bytes.push_back(event.SerializeAsString());
  bytes.insert(bytes.end() - 1, "this is no event at all");
  bytes.insert(bytes.end() - 1, std::string(300'000, '\x0A'));
  const uint64_t last = adapter_->PushBytes(bytes);
  ASSERT_TRUE(adapter_->WaitDurable(last));
  ASSERT_TRUE(reader.WaitForText("after"));
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"before", "after"}));
  EXPECT_EQ(reader.reported().size(), 2u);

  const uint64_t first = last - bytes.size() + 1;
  std::vector<std::string> told;
  for (const v1::RefusedEvent& refused : adapter_->refused()) {
    told.push_back(std::to_string(refused.position() - first) + " " +
                   v1::ErrorReason_Name(refused.reason()).substr(13) + " " + refused.field());
  }
  EXPECT_EQ(told, (std::vector<std::string>{
                      "1 EVENT_OUT_OF_BOUNDS text", "2 EVENT_OUT_OF_BOUNDS mentions",
                      "3 INVALID_FIELD message.id", "4 INVALID_FIELD chat_id",
                      "5 EVENT_OUT_OF_BOUNDS chat_id", "6 INVALID_FIELD message_id",
                      "7 INVALID_FIELD kind", "8 INVALID_FIELD kind", "9 INVALID_FIELD kind",
                      "10 INVALID_FIELD event", "11 EVENT_OUT_OF_BOUNDS event"}));
}

TEST_F(BadInputTest, PeopleAndChatsOverABoundAreRefused) {
  const std::string long_name(broker::kNameBytesMax + 1, 'n');
  std::vector<v1::Event> events;
  std::vector<std::string> expected;
  const auto contact = [&](const std::string& refusal, auto change) {
    v1::Contact& one = *events.emplace_back().mutable_contact_changed()->mutable_contact();
    one.set_id("bob");
    change(one);
    expected.push_back(refusal);
  };
  contact("INVALID_FIELD contact.id", [](auto& c) { c.clear_id(); });
  contact("EVENT_OUT_OF_BOUNDS contact.display_name",
          [&](auto& c) { c.set_display_name(long_name); });
  contact("INVALID_FIELD contact.addresses", [](auto& c) { c.add_addresses("bob"); });
  contact("EVENT_OUT_OF_BOUNDS contact.addresses", [](auto& c) {
    for (int i = 0; i <= broker::kAddressesMax; ++i) c.add_addresses("tel:" + std::to_string(i));
  });
  const auto member = [&](const std::string& refusal, auto change) {
    for (const bool joined : {true, false}) {
      v1::Event& event = events.emplace_back();
      event.set_chat_id("club");
      v1::Participant& one = joined ? *event.mutable_participant_joined()->mutable_participant()
                                    : *event.mutable_participant_changed()->mutable_participant();
      one.set_contact_id("bob");
      change(one);
      expected.push_back(refusal);
    }
  };
  member("INVALID_FIELD participant.contact_id", [](auto& p) { p.clear_contact_id(); });
  member("EVENT_OUT_OF_BOUNDS participant.display_name",
         [&](auto& p) { p.set_display_name(long_name); });
  const auto chat = [&](const std::string& refusal, auto change) {
    events.push_back(ChatEvent("big"));
    change(*events.back().mutable_chat_created()->mutable_chat());
    expected.push_back(refusal);
  };
  chat("EVENT_OUT_OF_BOUNDS chat.topic", [&](auto& c) { c.set_topic(long_name); });
  chat("EVENT_OUT_OF_BOUNDS chat.participants", [](auto& c) {
    for (int i = 0; i <= broker::kParticipantsMax; ++i) {
      c.add_participants()->set_contact_id(std::to_string(i));
    }
  });
  chat("EVENT_OUT_OF_BOUNDS chat.pinned_message_ids", [](auto& c) {
    for (int i = 0; i <= broker::kPinnedMessagesMax; ++i) {
      c.add_pinned_message_ids(std::to_string(i));
    }
  });
  chat("EVENT_OUT_OF_BOUNDS chat.capabilities",
       [](auto& c) { c.mutable_capabilities()->mutable_delete_age_max()->set_seconds(-1); });
  ASSERT_TRUE(adapter_->PushDurably(events));
  std::vector<std::string> told;
  for (const v1::RefusedEvent& refused : adapter_->refused()) {
    told.push_back(v1::ErrorReason_Name(refused.reason()).substr(13) + " " + refused.field());
  }
  EXPECT_EQ(told, expected);
}

TEST_F(BadInputTest, OddEventIsKeptWithinBoundsAndFlagged) {
  const Program app = Trusted();
  const Program other = Trusted("Other");
  EventReader reader(app);
  EventReader other_reader(other);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(other_reader.WaitLive());
  // Text of bytes that are no UTF-8: put in place of one that is, as long, in the serialised event.
  std::string invalid = MessageEvent("club", "m1", "PLACE").SerializeAsString();
  const std::string bad =
      "a\xFF"
      "b\xC3\x28";
  invalid.replace(invalid.find("PLACE"), 5, bad);
  v1::Event nul = MessageEvent("club", "m2", std::string("a\0b", 3));
  v1::Event path = MessageEvent("club", "m3", "look");
  path.mutable_message_created()->mutable_message()->add_attachments()->set_file_name(
      "../../etc/passwd");
  v1::Event old = MessageEvent("club", "m4", "1970");
  old.mutable_event_time()->set_seconds(1);
  v1::Event future = MessageEvent("club", "m5", "9999");
  future.mutable_event_time()->set_seconds(253402300799);
  v1::Event beyond = MessageEvent("club", "m6", "beyond");
  beyond.mutable_event_time()->set_seconds(std::numeric_limits<int64_t>::min());
  beyond.mutable_event_time()->set_nanos(-5);
  v1::Event ranges = MessageEvent("club", "m7", "short");
  v1::Message& message = *ranges.mutable_message_created()->mutable_message();
  message.add_spans()->set_start(0xFFFFFFFF);
  message.mutable_spans(0)->set_length(0xFFFFFFFF);
  message.add_mentions()->set_length(6);
  message.add_mentions()->set_length(5);
  const uint64_t last = adapter_->PushBytes(
      {invalid, nul.SerializeAsString(), path.SerializeAsString(), old.SerializeAsString(),
       future.SerializeAsString(), beyond.SerializeAsString(), ranges.SerializeAsString(),
       MessageEvent("club", "m8", "the end").SerializeAsString()});
  ASSERT_TRUE(adapter_->WaitDurable(last));
  EXPECT_TRUE(adapter_->refused().empty());
  ASSERT_TRUE(reader.WaitForText("the end"));
  ASSERT_TRUE(other_reader.WaitForText("the end"));

  const std::vector<v1::Event> events = reader.reported();
  ASSERT_EQ(events.size(), 8u);
  const auto flagged = [&](size_t i, v1::EventFlag flag) {
    const auto& flags = events[i].flags();
    return flags.size() == 1 && flags.Get(0) == flag;
  };
  const auto message_of = [&](size_t i) { return events[i].message_created().message(); };
  EXPECT_TRUE(flagged(0, v1::EVENT_FLAG_INVALID_UTF8)) << events[0].ShortDebugString();
  EXPECT_EQ(message_of(0).text(), "");
  EXPECT_EQ(message_of(0).raw_text(), bad);
  EXPECT_TRUE(flagged(1, v1::EVENT_FLAG_CONTAINS_NUL));
  EXPECT_EQ(message_of(1).text(), std::string("a\0b", 3));
  EXPECT_TRUE(flagged(2, v1::EVENT_FLAG_NAME_CLEANED));
  ASSERT_EQ(message_of(2).attachments_size(), 1);
  EXPECT_EQ(message_of(2).attachments(0).file_name().find('/'), std::string::npos);
  for (const size_t i : {3, 4, 5}) {
    EXPECT_TRUE(flagged(i, v1::EVENT_FLAG_TIME_IMPLAUSIBLE)) << events[i].ShortDebugString();
    EXPECT_EQ(events[i].event_time().seconds(), absl::ToUnixSeconds(harness_.clock().Now()));
    EXPECT_EQ(message_of(i).create_time().seconds(), absl::ToUnixSeconds(harness_.clock().Now()));
  }
  EXPECT_TRUE(events[6].flags().empty());
  EXPECT_EQ(message_of(6).spans_size(), 0);
  EXPECT_EQ(message_of(6).mentions_size(), 1);
  EXPECT_EQ(other_reader.reported().size(), 8u);
}

// One bad byte in any string of an event would make the whole frame unreadable to every client.
TEST_F(BadInputTest, BytesThatAreNoTextBreakNoClientWhereverTheyStand) {
  const Program app = Trusted();
  const Program other = Trusted("Other");
  EventReader reader(app);
  EventReader other_reader(other);
  ASSERT_TRUE(reader.WaitLive() && other_reader.WaitLive());
  // Put in place of a text of its length, in the serialised event.
  const std::string place = "PLACE";
  const std::string bad =
      "a\xFF"
      "b\xC3\x28";
  const std::string mended = "a\uFFFDb\uFFFD(";
  v1::Event chat = ChatEvent("bad", place);
  chat.mutable_chat_created()->mutable_chat()->set_topic(place);
  v1::Event sender = MessageEvent("bad", "m1", "one");
  sender.mutable_message_created()->mutable_message()->set_sender_display_name(place);
  v1::Event file = MessageEvent("bad", "m2", "two");
  file.mutable_message_created()->mutable_message()->add_attachments()->set_file_name(place);
  v1::Event edit = EditEvent("bad", "m1", place);
  v1::Event member;
  member.set_chat_id("bad");
  member.mutable_participant_joined()->mutable_participant()->set_contact_id("dave");
  member.mutable_participant_joined()->mutable_participant()->set_display_name(place);
  const v1::Event events[] = {chat, sender, file, edit, ReactionEvent("bad", "m2", place), member};
  std::vector<std::string> bytes;
  for (const v1::Event& event : events) {
    bytes.push_back(event.SerializeAsString());
    for (size_t at; (at = bytes.back().find(place)) != std::string::npos;) {
      bytes.back().replace(at, place.size(), bad);
    }
  }
  bytes.push_back(MessageEvent("bad", "m3", "end").SerializeAsString());
  ASSERT_TRUE(adapter_->WaitDurable(adapter_->PushBytes(bytes)));
  EXPECT_TRUE(adapter_->refused().empty());
  for (EventReader* one : {&reader, &other_reader}) {
    ASSERT_TRUE(one->WaitForText("end"));
    const std::vector<v1::Event> got = one->reported();
    ASSERT_EQ(got.size(), 7u);
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_THAT(got[i].flags(), testing::Contains(v1::EVENT_FLAG_INVALID_UTF8))
          << got[i].ShortDebugString();
    }
    EXPECT_EQ(got[0].chat_created().chat().name(), mended);
    EXPECT_EQ(got[0].chat_created().chat().topic(), mended);
    EXPECT_EQ(got[1].message_created().message().sender_display_name(), mended);
    EXPECT_EQ(got[1].message_created().message().text(), "one");
    EXPECT_EQ(got[2].message_created().message().attachments(0).file_name(), mended);
    EXPECT_EQ(got[3].message_edited().raw_text(), bad);
    EXPECT_EQ(got[4].reaction_set().emoji(), mended);
    EXPECT_EQ(got[5].participant_joined().participant().display_name(), mended);
    EXPECT_TRUE(got[6].flags().empty());
  }
  // What is asked for is readable, too, also after a restart.
  adapter_.reset();
  for (const bool restarted : {false, true}) {
    if (restarted) harness_.Restart();
    const Program now = harness_.Reconnect(app);
    v1::ListMessagesRequest list;
    list.set_chat_id(ChatIdOf(now, mended));
    v1::ListMessagesResponse listed;
    const grpc::Status status = now->message->ListMessages(Patiently().get(), list, &listed);
    ASSERT_TRUE(status.ok()) << Text(status);
    EXPECT_EQ(listed.messages_size(), 3);
    v1::ListParticipantsRequest people;
    people.set_chat_id(list.chat_id());
    v1::ListParticipantsResponse members;
    EXPECT_TRUE(now->chat->ListParticipants(Patiently().get(), people, &members).ok());
    EXPECT_EQ(members.participants_size(), 1);
  }
}

TEST_F(BadInputTest, SameEventTwiceIsOneAndLateOnesKeepTheOrderOfArrival) {
  const Program app = Trusted();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  const std::string first = MessageEvent("club", "m1", "one").SerializeAsString();
  const std::string second = MessageEvent("club", "m2", "two").SerializeAsString();
  v1::Event late = MessageEvent("club", "m3", "late");
  late.mutable_event_time()->set_seconds(absl::ToUnixSeconds(harness_.clock().Now()) - 7200);
  const uint64_t at = adapter_->Push({MessageEvent("club", "m0", "zero")});
  adapter_->PushAt(at + 1, first);
  adapter_->PushAt(at + 1, first);  // the same position
  adapter_->PushAt(at + 5, first);  // another position, the same message
  adapter_->PushAt(at + 6, second);
  adapter_->PushAt(at + 3, second);  // a position that was passed
  adapter_->PushAt(at + 7, late.SerializeAsString());
  adapter_->PushAt(at + 8, late.SerializeAsString());
  ASSERT_TRUE(adapter_->WaitDurable(at + 8));
  adapter_->Push({MessageEvent("club", "m9", "end")});
  ASSERT_TRUE(reader.WaitForText("end"));
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"zero", "one", "two", "late", "end"}));

  // An adapter that comes back with what was acknowledged already, under its old positions and new
  // ones.
  adapter_->End();
  adapter_ = Adapter::Again(gatekeeper_);
  EXPECT_EQ(adapter_->welcome_position(), at + 9);
  adapter_->PushAt(at + 1, first);
  adapter_->PushAt(at + 10, MessageEvent("club", "m10", "new").SerializeAsString());
  ASSERT_TRUE(reader.WaitForText("new"));
  EXPECT_EQ(reader.texts().size(), 6u);
}

TEST_F(BadInputTest, EditBeforeItsMessageJoinsIt) {
  const Program app = Trusted();
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({EditEvent("club", "m1", "better")}));
  ASSERT_TRUE(reader.WaitForReported(1));
  const std::string id = reader.reported()[0].message_edited().message_id();
  ASSERT_FALSE(id.empty());
  // It stands alone: there is no message yet.
  v1::GetMessageRequest get;
  get.set_message_id(id);
  v1::GetMessageResponse got;
  EXPECT_EQ(app->message->GetMessage(Patiently().get(), get, &got).error_code(),
            grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "good")}));
  ASSERT_TRUE(reader.WaitForText("good"));
  EXPECT_EQ(reader.reported()[1].message_created().message().id(), id);
  grpc::Status status = app->message->GetMessage(Patiently().get(), get, &got);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(got.message().text(), "better");
  EXPECT_TRUE(got.message().has_edit_time());
  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(app, "club"));
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(app->message->ListMessages(Patiently().get(), list, &listed).ok());
  ASSERT_EQ(listed.messages_size(), 1);
  EXPECT_EQ(listed.messages(0).text(), "better");

  // Another person's edit of the same id changes nothing.
  v1::Event forged = EditEvent("club", "m1", "worse");
  forged.mutable_message_edited()->set_sender_contact_id("mallory");
  ASSERT_TRUE(adapter_->PushDurably({forged}));
  ASSERT_TRUE(app->message->GetMessage(Patiently().get(), get, &got).ok());
  EXPECT_EQ(got.message().text(), "better");
}

TEST_F(BadInputTest, CursorOfAnotherAppOrOfNoOneIsRefusedAndOneTooOldSaysWhereToGoOn) {
  const Program app = Trusted();
  const Program other = Trusted("Other");
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  const std::string cursor = reader.frames()[0].response.cursor();
  v1::SubscribeRequest named;
  named.set_subscription("main");
  ASSERT_TRUE(EventReader(app, named).WaitLive());
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  ASSERT_TRUE(reader.WaitForText("one"));
  const std::string event_id = reader.reported()[0].id();
  for (const std::string& wrong : {cursor, event_id, std::string(kNothing), std::string("1")}) {
    v1::SubscribeRequest request;
    request.set_cursor(wrong);
    EventReader stolen(wrong == event_id ? app : other, request);
    ExpectInvalid(stolen.WaitEnd(), "cursor", "INVALID_CURSOR");
    v1::AcknowledgeRequest acknowledge;
    acknowledge.set_subscription("main");
    acknowledge.set_cursor(wrong);
    v1::AcknowledgeResponse response;
    ExpectInvalid((wrong == event_id ? app : other)
                      ->event->Acknowledge(Patiently().get(), acknowledge, &response),
                  "cursor", "INVALID_CURSOR");
  }
  // Its own works.
  v1::SubscribeRequest own;
  own.set_cursor(cursor);
  {
    EventReader again(app, own);
    EXPECT_TRUE(again.WaitForText("one"));
  }

  // A month later all of that has passed by, and a new message was kept.
  reader.Cancel();
  adapter_.reset();
  harness_.clock().Advance(absl::Hours(24 * 30));
  harness_.Restart();
  adapter_ = std::make_unique<Adapter>(harness_.Reconnect(gatekeeper_));
  ASSERT_TRUE(adapter_->PushDurably({MessageEvent("club", "m2", "two")}));
  adapter_.reset();
  broker::Config config;
  config.retention.age = absl::Hours(24);
  harness_.Restart(config);
  const Program back = harness_.Reconnect(app);
  grpc::Status end;
  const auto deadline = Steady::now() + absl::ToChronoSeconds(kPatience);
  while (Steady::now() < deadline) {
    // Retention works behind the start.
    EventReader old(back, own);
    if (!old.WaitLive()) {
      end = old.WaitEnd();
      break;
    }
  }
  EXPECT_EQ(end.error_code(), grpc::StatusCode::OUT_OF_RANGE) << Text(end);
  EXPECT_EQ(ReasonOf(end), "CURSOR_TOO_OLD");
  const v1::ErrorInfo info = InfoOf(end);
  ASSERT_TRUE(info.metadata().contains("oldest_cursor"));
  own.set_cursor(info.metadata().at("oldest_cursor"));
  EventReader from_there(back, own);
  EXPECT_TRUE(from_there.WaitForText("two"));

  // Who left its place to the broker is told that something is lost, and then what is left.
  EventReader resumed(back, named);
  ASSERT_TRUE(resumed.WaitForText("two"));
  const std::vector<v1::Event> events = resumed.reported();
  EXPECT_EQ(events.front().gap().cause(), v1::Gap::CAUSE_RETENTION)
      << events.front().ShortDebugString();
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const auto& e) { return e.has_gap(); }),
            1);
  EXPECT_EQ(resumed.texts(), std::vector<std::string>{"two"});
}

TEST_F(BadInputTest, CursorFromTheFutureOfAnOlderCopyIsRefused) {
  const Program app = Trusted();
  adapter_.reset();
  harness_.Save();
  adapter_ = Adapter::Again(harness_.Reconnect(gatekeeper_));
  std::string cursor;
  {
    EventReader reader(harness_.Reconnect(app));
    ASSERT_TRUE(reader.WaitLive());
    // More than what Postern itself tells of the grants that are resumed below.
    ASSERT_TRUE(
        adapter_->PushDurably({MessageEvent("club", "m1", "one"), MessageEvent("club", "m2", "two"),
                               MessageEvent("club", "m3", "three")}));
    ASSERT_TRUE(reader.WaitForText("three"));
    cursor = reader.frames().back().response.cursor();
  }
  adapter_.reset();
  harness_.RestartFromSaved();
  harness_.ResumeAll();
  const Program back = harness_.Reconnect(app);
  v1::SubscribeRequest request;
  request.set_cursor(cursor);
  EventReader reader(back, request);
  ExpectInvalid(reader.WaitEnd(), "cursor", "INVALID_CURSOR");
  // Nor does it move a place ahead of what there is.
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_subscription("main");
  acknowledge.set_cursor(cursor);
  v1::AcknowledgeResponse acknowledged;
  ExpectInvalid(back->event->Acknowledge(Patiently().get(), acknowledge, &acknowledged), "cursor",
                "INVALID_CURSOR");
  v1::ConfirmErasedRequest confirm;
  confirm.set_cursor(cursor);
  v1::ConfirmErasedResponse confirmed;
  ExpectInvalid(back->event->ConfirmErased(Patiently().get(), confirm, &confirmed), "cursor",
                "INVALID_CURSOR");
}

// Fields of a later minor version have no name here: whoever sets them is served all the same, and
// what is in them reaches nobody.
TEST_F(BadInputTest, FieldsOfANewerMinorVersionAreIgnored) {
  constexpr char kUnknown[] = "said in a field of tomorrow";
  const auto add = [&](google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(9'999, kUnknown);
  };
  const Program app = Trusted();
  v1::SubscribeRequest subscribe;
  subscribe.mutable_protocol_version()->set_major(1);
  subscribe.mutable_protocol_version()->set_minor(7);
  add(subscribe);
  EventReader reader(app, subscribe);
  ASSERT_TRUE(reader.WaitLive());
  v1::Event event = MessageEvent("club", "m1", "today");
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  add(event);
  add(*event.mutable_message_created());
  add(message);
  add(*message.add_mentions());
  v1::Event chat = ChatEvent("late");
  add(*chat.mutable_chat_created()->mutable_chat());
  ASSERT_TRUE(adapter_->PushDurably({event, chat, MessageEvent("late", "m2", "end")}));
  EXPECT_TRUE(adapter_->refused().empty());
  ASSERT_TRUE(reader.WaitForText("end"));
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"today", "end"}));

  v1::SendMessageRequest send;
  send.set_request_id("send-1");
  send.set_chat_id(ChatIdOf(app, "late"));
  send.set_text("hello");
  add(send);
  v1::SendMessageResponse sent;
  const grpc::Status status = app->message->SendMessage(Patiently().get(), send, &sent);
  ASSERT_TRUE(status.ok()) << Text(status);
  ASSERT_EQ(adapter_->commands().size(), 1u);
  EXPECT_EQ(adapter_->commands()[0].send_message().text(), "hello");

  v1::ListMessagesRequest list;
  list.set_chat_id(ChatIdOf(app, "club"));
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(app->message->ListMessages(Patiently().get(), list, &listed).ok());
  EXPECT_EQ(listed.messages_size(), 1);
  v1::ListChatsResponse chats;
  ASSERT_TRUE(app->chat->ListChats(Patiently().get(), {}, &chats).ok());
  std::string all = listed.SerializeAsString() + chats.SerializeAsString() +
                    sent.SerializeAsString() + adapter_->commands()[0].SerializeAsString();
  for (const v1::Event& one : reader.events()) all += one.SerializeAsString();
  EXPECT_EQ(all.find(kUnknown), std::string::npos);
}

TEST_F(BadInputTest, AnotherMajorVersionIsToldBothAndANewerMinorIsTaken) {
  const auto expect_mismatch = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << Text(status);
    const v1::ErrorInfo info = InfoOf(status);
    EXPECT_EQ(info.reason(), "VERSION_MISMATCH");
    EXPECT_EQ(info.metadata().at("caller_version"), "2.3");
    EXPECT_EQ(info.metadata().at("broker_version"), "1.0");
  };
  const size_t asked = harness_.asked().size();
  const Program stranger = harness_.Connect("Future");
  v1::Manifest manifest = AppManifest("Future", {kMessagesRead});
  manifest.mutable_protocol_version()->set_major(2);
  manifest.mutable_protocol_version()->set_minor(3);
  expect_mismatch(harness_.Enroll(stranger, manifest).status);
  EXPECT_EQ(harness_.asked().size(), asked);
  manifest.mutable_protocol_version()->set_major(1);
  EXPECT_TRUE(harness_.Enroll(stranger, manifest).granted());

  v1::SubscribeRequest request;
  *request.mutable_protocol_version() = manifest.protocol_version();
  EventReader newer(stranger, request);
  EXPECT_TRUE(newer.WaitLive());
  request.mutable_protocol_version()->set_major(2);
  EventReader other(stranger, request);
  expect_mismatch(other.WaitEnd());

  v1::AttachHello hello = Adapter::Hello("second");
  hello.mutable_protocol_version()->set_major(2);
  hello.mutable_protocol_version()->set_minor(3);
  Adapter refused(gatekeeper_, hello);
  EXPECT_FALSE(refused.welcome());
  expect_mismatch(refused.WaitEnd());
  hello.mutable_protocol_version()->set_major(1);
  Adapter taken(gatekeeper_, hello);
  EXPECT_TRUE(taken.welcome());
}

TEST_F(BadInputTest, ManifestWithWhatThisBrokerDoesNotKnowIsRefused) {
  const size_t asked = harness_.asked().size();
  const auto enroll = [&](auto change) {
    v1::Manifest manifest = AppManifest("Odd", {kMessagesRead});
    change(manifest);
    return harness_.Enroll(harness_.Connect("Odd"), manifest).status;
  };
  ExpectInvalid(enroll([](auto& m) { m.add_required_scopes(static_cast<v1::Scope>(99)); }),
                "required_scopes");
  ExpectInvalid(enroll([](auto& m) { m.add_optional_scopes(v1::SCOPE_UNSPECIFIED); }),
                "optional_scopes");
  ExpectInvalid(enroll([](auto& m) { m.clear_required_scopes(); }), "required_scopes");
  ExpectInvalid(enroll([](auto& m) { m.set_role(v1::ROLE_OWNER); }), "role");
  ExpectInvalid(enroll([](auto& m) { m.set_role(static_cast<v1::Role>(99)); }), "role");
  ExpectInvalid(enroll([](auto& m) { m.clear_data_destination(); }), "data_destination.kind");
  ExpectInvalid(enroll([](auto& m) { m.clear_app_id(); }), "app_id");
  ExpectInvalid(enroll([](auto& m) { m.clear_display_name(); }), "display_name");
  EXPECT_EQ(harness_.asked().size(), asked);
}

TEST_F(BadInputTest, AdapterWhoseHelloGoesOverABoundIsToldItsField) {
  const Program gatekeeper = harness_.Gatekeeper("Other");
  const auto field_of = [&](const std::function<void(v1::AttachHello&)>& change) {
    v1::AttachHello hello = Adapter::Hello("other");
    change(hello);
    Adapter adapter(gatekeeper, hello);
    EXPECT_FALSE(adapter.welcome());
    const grpc::Status end = adapter.WaitEnd();
    EXPECT_EQ(end.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << Text(end);
    EXPECT_EQ(ReasonOf(end), "INVALID_FIELD");
    return InfoOf(end).metadata().at("field");
  };
  EXPECT_EQ(field_of([](auto& hello) { hello.mutable_account()->clear_id(); }), "hello.account.id");
  EXPECT_EQ(field_of([](auto& hello) { hello.mutable_account()->set_network("a b"); }),
            "hello.account.network");
  EXPECT_EQ(
      field_of([](auto& hello) {
        hello.mutable_account()->set_display_name(std::string(broker::kNameBytesMax + 1, 'x'));
      }),
      "hello.account");
  EXPECT_EQ(field_of([](auto& hello) { hello.mutable_account()->set_address("+15551234"); }),
            "hello.account.address");
  EXPECT_EQ(field_of([](auto& hello) {
              auto& can = *hello.mutable_default_capabilities();
              for (int i = 0; i <= broker::kAllowedReactionsMax; ++i)
                can.add_allowed_reactions("x");
            }),
            "hello.default_capabilities");
  EXPECT_EQ(field_of([](auto& hello) {
              hello.mutable_default_capabilities()->add_allowed_reactions(
                  std::string(broker::kEmojiBytesMax + 1, 'x'));
            }),
            "hello.default_capabilities");
  EXPECT_EQ(field_of([](auto& hello) {
              hello.mutable_default_capabilities()->mutable_delete_age_max()->set_nanos(-1);
            }),
            "hello.default_capabilities");
  EXPECT_TRUE(Adapter(gatekeeper, Adapter::Hello("other")).welcome());
}

TEST_F(BadInputTest, SecondAdapterOfAnAccountIsRefusedAndTheFirstGoesOn) {
  const Program rival = harness_.Gatekeeper("Rival");
  v1::AttachHello hello = Adapter::Hello();
  hello.mutable_account()->set_display_name("Mallory's AliceChat");
  Adapter second(rival, hello);
  EXPECT_FALSE(second.welcome());
  const grpc::Status end = second.WaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::ALREADY_EXISTS) << Text(end);
  EXPECT_EQ(ReasonOf(end), "ACCOUNT_ALREADY_SERVED");
  EXPECT_TRUE(adapter_->PushDurably({MessageEvent("club", "m1", "one")}));
  v1::ListOwnedAccountsResponse accounts;
  ASSERT_TRUE(harness_.Owner()->owner->ListOwnedAccounts(Patiently().get(), {}, &accounts).ok());
  ASSERT_EQ(accounts.accounts_size(), 1);
  EXPECT_EQ(accounts.accounts(0).display_name(), "Alice's AliceChat");
  // The account stays the first one's while that is away, and is free once the user took that one
  // out.
  adapter_->End();
  Adapter third(rival);
  EXPECT_FALSE(third.welcome());
  EXPECT_EQ(ReasonOf(third.WaitEnd()), "ACCOUNT_ALREADY_SERVED");
  v1::RevokeAppRequest revoke;
  revoke.set_request_id(harness_.NewRequestId());
  revoke.set_principal(gatekeeper_.principal);
  v1::RevokeAppResponse revoked;
  ASSERT_TRUE(harness_.Owner()->owner->RevokeApp(Patiently().get(), revoke, &revoked).ok());
  EXPECT_TRUE(Adapter::Again(rival)->welcome());
}

// Some accounts at once, since it takes the two of one account to meet.
TEST_F(BadInputTest, OfTwoAdaptersThatComeAtTheSameMomentTheRefusedOneChangesNothing) {
  constexpr int kAccounts = 6;
  struct Try {
    std::string account;
    std::string name;
    std::future<std::unique_ptr<Adapter>> coming;
  };
  std::vector<Try> tries;
  for (int i = 0; i < 2 * kAccounts; ++i) {
    Try& next = tries.emplace_back();
    next.account = "account " + std::to_string(i / 2);
    next.name = "adapter " + std::to_string(i);
    v1::AttachHello hello = Adapter::Hello(next.account);
    hello.mutable_account()->set_display_name(next.name);
    next.coming = std::async(std::launch::async, [this, hello] {
      return std::make_unique<Adapter>(gatekeeper_, hello);
    });
  }
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::set<std::string> attached;
  for (Try& each : tries) {
    adapters.push_back(each.coming.get());
    if (adapters.back()->welcome()) {
      attached.insert(each.name);
      continue;
    }
    EXPECT_EQ(ReasonOf(adapters.back()->WaitEnd()), "ACCOUNT_ALREADY_SERVED");
  }
  EXPECT_EQ(attached.size(), size_t{kAccounts});
  v1::ListOwnedAccountsResponse accounts;
  ASSERT_TRUE(harness_.Owner()->owner->ListOwnedAccounts(Patiently().get(), {}, &accounts).ok());
  std::set<std::string> shown;
  for (const v1::Account& account : accounts.accounts()) {
    if (account.display_name().rfind("adapter ", 0) == 0) shown.insert(account.display_name());
  }
  EXPECT_EQ(shown, attached);
}

TEST_F(BadInputTest, SameRequestIdGetsTheSameAnswerAndIsDoneOnce) {
  const Program app = Trusted();
  v1::SendMessageRequest request;
  request.set_request_id("send-1");
  request.set_chat_id(ChatIdOf(app, "club"));
  request.set_text("hello");
  v1::SendMessageResponse first;
  grpc::Status status = app->message->SendMessage(Patiently().get(), request, &first);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(first.state(), v1::SEND_STATE_SENT);
  ASSERT_EQ(adapter_->commands().size(), 1u);
  EXPECT_EQ(adapter_->commands()[0].send_message().chat_id(), "club");
  EXPECT_EQ(adapter_->commands()[0].send_message().text(), "hello");
  EXPECT_EQ(adapter_->commands()[0].send_message().app_display_name(), "Trusted");

  v1::SendMessageResponse second;
  status = app->message->SendMessage(Patiently().get(), request, &second);
  ASSERT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
  request.set_text("something else");
  status = app->message->SendMessage(Patiently().get(), request, &second);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED) << Text(status);
  EXPECT_EQ(ReasonOf(status), "REQUEST_ID_CONFLICT");
  EXPECT_EQ(adapter_->commands().size(), 1u);

  // Another app's ids are its own.
  const Program other = Trusted("Other");
  request.set_chat_id(ChatIdOf(other, "club"));
  EXPECT_TRUE(other->message->SendMessage(Patiently().get(), request, &second).ok());
  EXPECT_EQ(adapter_->commands().size(), 2u);

  // A refusal for good is an answer, too.
  adapter_->Answer([](const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_FAILED);
    result.set_reason("blocked");
    return result;
  });
  request.set_request_id("send-2");
  const grpc::Status refused = other->message->SendMessage(Patiently().get(), request, &second);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "GATEKEEPER_REFUSED");
  const grpc::Status again = other->message->SendMessage(Patiently().get(), request, &second);
  EXPECT_EQ(Text(again), Text(refused));
  EXPECT_EQ(adapter_->commands().size(), 3u);
}

TEST_F(BadInputTest, RequestThatDidNothingMayBeTriedAgainUnderItsId) {
  const Program app = Trusted();
  v1::SendMessageRequest request;
  request.set_request_id("send-1");
  request.set_chat_id(ChatIdOf(app, "club"));
  request.set_text("hello");
  v1::SendMessageResponse response;
  adapter_->Answer([](const v1::Command&) {
    v1::CommandResult result;
    result.set_state(v1::CommandResult::STATE_FAILED_RETRIABLE);
    return result;
  });
  grpc::Status status = app->message->SendMessage(Patiently().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(status), "GATEKEEPER_RETRY");

  adapter_.reset();
  // Until the broker has seen it go, the command may still have been handed to it: then it is
  // answered once the adapter is back, or is unknown. So wait for its state.
  const Program owner = harness_.Owner();
  const auto deadline = Steady::now() + absl::ToChronoSeconds(kPatience);
  while (Steady::now() < deadline) {
    v1::GetStatusResponse shown;
    ASSERT_TRUE(owner->owner->GetStatus(Patiently().get(), {}, &shown).ok());
    if (shown.accounts(0).state() == v1::ACCOUNT_STATE_DETACHED) break;
  }
  status = app->message->SendMessage(Patiently().get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << Text(status);
  EXPECT_EQ(ReasonOf(status), "GATEKEEPER_OFFLINE");

  adapter_ = Adapter::Again(gatekeeper_);
  ASSERT_TRUE(adapter_->welcome());
  status = app->message->SendMessage(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  EXPECT_EQ(adapter_->commands().size(), 1u);
}

TEST_F(BadInputTest, AppGetsItsOwnSendBackOnlyWhenItAsks) {
  const Program app = Trusted();
  const Program other = Trusted("Other");
  EventReader quiet(app);
  EventReader other_reader(other);
  v1::SubscribeRequest with_own;
  with_own.set_include_own(true);
  EventReader own(app, with_own);
  ASSERT_TRUE(quiet.WaitLive() && other_reader.WaitLive() && own.WaitLive());
  v1::SendMessageRequest request;
  request.set_request_id("send-1");
  request.set_chat_id(ChatIdOf(app, "club"));
  request.set_text("hello");
  v1::SendMessageResponse response;
  ASSERT_TRUE(app->message->SendMessage(Patiently().get(), request, &response).ok());
  const uint64_t at = adapter_->Push({MessageEvent("club", "m0", "zero")});
  adapter_->PushAt(at + 1, MessageEvent("club", "sent-1", "hello").SerializeAsString(),
                   adapter_->commands()[0].command_id());
  adapter_->Push({MessageEvent("club", "m9", "end")});
  for (EventReader* reader : {&quiet, &other_reader, &own}) ASSERT_TRUE(reader->WaitForText("end"));
  EXPECT_EQ(quiet.texts(), (std::vector<std::string>{"zero", "end"}));
  EXPECT_EQ(other_reader.texts(), (std::vector<std::string>{"zero", "hello", "end"}));
  EXPECT_EQ(own.texts(), (std::vector<std::string>{"zero", "hello", "end"}));
  const v1::Message mine = own.reported()[1].message_created().message();
  EXPECT_TRUE(mine.origin().is_own());
  EXPECT_EQ(mine.id(), response.message_id());
  const v1::Message theirs = other_reader.reported()[1].message_created().message();
  EXPECT_FALSE(theirs.origin().is_own());
  EXPECT_EQ(theirs.origin().app_display_name(), "Trusted");
}

}  // namespace
}  // namespace postern::behaviors
