// SPDX-License-Identifier: Apache-2.0
// Who may call what, and what things are called to whom.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "permissions/method_access.h"
#include "tests/behaviors/any_method.h"

namespace postern::behaviors {
namespace {

using enum permissions::Scope;
using permissions::ConsentAnswer;
using permissions::ConsentQuestion;

// The same for the methods without a scope whose requests have more fields than ids.
std::map<std::string, std::string> OtherRequests() {
  const std::string id = "'" + std::string(kNothing) + "'";
  const std::string request = "request_id: 'r1' ";
  return {
      {"EnrollmentService/Enroll",
       "manifest { app_id: 'org.example.app' display_name: 'Odd' purpose: 'to test' "
       "required_scopes: SCOPE_CHATS_READ "
       "data_destination { kind: KIND_STAYS_ON_DEVICE } }"},
      {"GrantService/RequestGrant", request + "scopes: SCOPE_MESSAGES_READ"},
      {"GrantService/ReleaseGrant", request + "grant_id: " + id},
      {"EventService/Subscribe", ""},
      {"OwnerService/ListApps", ""},
      {"OwnerService/ListGrants", ""},
      {"OwnerService/NarrowGrant", request + "grant_id: " + id},
      {"OwnerService/ListOwnedAccounts", ""},
      {"OwnerService/ListOwnedChats", ""},
      {"OwnerService/ListOwnedContacts", ""},
      {"OwnerService/ListSeals", ""},
      {"OwnerService/Seal", request + "chat_id: " + id},
      {"OwnerService/ListAccessHistory", ""},
      {"OwnerService/ViewAsApp", "principal: '" + std::string(64, 'a') + "'"},
      {"OwnerService/ListDisclosures", ""},
      {"OwnerService/SetNoticePolicy", request + "account_id: " + id},
      {"OwnerService/ListErasures", ""},
  };
}

using Field = google::protobuf::FieldDescriptor;
// From a request to one of its fields, however deep.
using Path = std::vector<const Field*>;

// Adds the paths to all fields below 'type' that 'wanted' takes. Requests have no cycles.
void FindFields(const google::protobuf::Descriptor& type, bool (*wanted)(const Field&), Path& path,
                std::vector<Path>& found) {
  for (int i = 0; i < type.field_count(); ++i) {
    path.push_back(type.field(i));
    if (wanted(*type.field(i))) found.push_back(path);
    if (type.field(i)->cpp_type() == Field::CPPTYPE_MESSAGE) {
      FindFields(*type.field(i)->message_type(), wanted, path, found);
    }
    path.pop_back();
  }
}

// The message that holds the last field of 'path'; made where it is not there.
google::protobuf::Message& HolderOf(google::protobuf::Message& request, const Path& path) {
  google::protobuf::Message* holder = &request;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const google::protobuf::Reflection& fields = *holder->GetReflection();
    holder = path[i]->is_repeated() ? fields.AddMessage(holder, path[i])
                                    : fields.MutableMessage(holder, path[i]);
  }
  return *holder;
}

class IdentityTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(adapter_.PushDurably({ChatEvent("club"), ChatEvent("secret")}));
  }
  size_t Grants() {
    v1::ListGrantsRequest request;
    request.set_include_ended(true);
    v1::ListGrantsResponse response;
    EXPECT_TRUE(harness_.Owner()->owner->ListGrants(Patiently().get(), request, &response).ok());
    return static_cast<size_t>(response.grants_size());
  }
  size_t Apps() {
    v1::ListAppsResponse response;
    EXPECT_TRUE(harness_.Owner()->owner->ListApps(Patiently().get(), {}, &response).ok());
    return static_cast<size_t>(response.apps_size());
  }

  BrokerHarness harness_;
  Program gatekeeper_ = harness_.Gatekeeper();
  Adapter adapter_{gatekeeper_};
};

TEST_F(IdentityTest, UnknownKeyMayAskToEnrolAndNothingElse) {
  const Program stranger = harness_.Connect("Stranger");
  int methods = 0;
  for (const std::string& method : AllMethods()) {
    if (method == "/postern.v1.EnrollmentService/Enroll") continue;
    const grpc::Status status = Call(stranger, method);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method << Text(status);
    EXPECT_EQ(ReasonOf(status), "ENROLLMENT_REQUIRED") << method << Text(status);
    ++methods;
  }
  EXPECT_GT(methods, 40);
  for (const char* method :
       {"/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/postern.v1.No/Such"}) {
    const grpc::Status status = Call(stranger, method);
    EXPECT_FALSE(status.ok()) << method;
    EXPECT_NE(status.error_code(), grpc::StatusCode::CANCELLED) << method;
  }
}

TEST_F(IdentityTest, EachRoleIsRefusedTheMethodsOfTheOthers) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  const Program owner = harness_.Owner();
  for (const permissions::MethodAccess& row : permissions::AllMethodAccess()) {
    if (!row.full_method.starts_with("/postern.")) continue;
    const std::string method(row.full_method);
    const auto check = [&](const Program& program, uint8_t role) {
      if ((row.callers & role) != 0) return;
      const grpc::Status status = Call(program, method);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
          << program.name << method << Text(status);
      EXPECT_EQ(ReasonOf(status), "ROLE_REQUIRED") << program.name << method << Text(status);
    };
    check(app, permissions::kApps);
    check(gatekeeper_, permissions::kGatekeepers);
    check(owner, permissions::kOwner);
  }
}

// The scope of a method's row is what the handler asks for.
TEST_F(IdentityTest, EachMethodIsRefusedToAnAppWithoutItsScope) {
  const Program app = harness_.App("Onlooker", {kPresenceRead});
  std::map<std::string, std::string> requests = CompleteRequests();
  for (const permissions::MethodAccess& row : permissions::AllMethodAccess()) {
    if (!row.scope.has_value()) continue;
    const std::string method(row.full_method);
    const auto request = requests.extract(ShortName(method));
    ASSERT_FALSE(request.empty()) << "no request for " << method;
    const grpc::Status status = Call(app, method, RequestBytes(method, request.mapped()));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method << Text(status);
    EXPECT_EQ(ReasonOf(status), "SCOPE_REQUIRED") << method << Text(status);
    const v1::ErrorInfo info = InfoOf(status);
    EXPECT_THAT(info.metadata(), testing::Contains(testing::Pair(
                                     "scope", std::string(permissions::ScopeName(*row.scope)))))
        << method;
  }
  EXPECT_THAT(requests, testing::IsEmpty());
}

// A value that nobody knows and a page token of nobody's are malformed, in whatever field: named
// before any word on permission, which none of these calls has.
TEST_F(IdentityTest, UnknownValuesAndPageTokensAreRefusedByNameInEveryRequest) {
  const Program stranger = harness_.Connect("Stranger");
  const Program app = harness_.App("Onlooker", {kPresenceRead});
  const Program owner = harness_.Owner();
  const size_t asked = harness_.asked().size();
  std::map<std::string, std::string> requests = CompleteRequests();
  requests.merge(OtherRequests());
  size_t values = 0, tokens = 0;
  for (const permissions::MethodAccess& row : permissions::AllMethodAccess()) {
    const std::string method(row.full_method);
    // What adapters report is kept and flagged, or refused by its position.
    if (!method.starts_with("/postern.") || row.callers == permissions::kGatekeepers) continue;
    const auto wanted = [](const Field& field) {
      return field.cpp_type() == Field::CPPTYPE_ENUM || field.name() == "page_token";
    };
    std::vector<Path> found;
    Path path;
    FindFields(*RequestOf(method, "")->GetDescriptor(), wanted, path, found);
    if (found.empty()) continue;
    const auto complete = requests.find(ShortName(method));
    ASSERT_NE(complete, requests.end()) << "no request for " << method;
    const Program& caller = (row.callers & permissions::kUnknownKey) != 0 ? stranger
                            : (row.callers & permissions::kApps) != 0     ? app
                                                                          : owner;
    for (const Path& spoilt : found) {
      const auto request = RequestOf(method, complete->second);
      google::protobuf::Message& holder = HolderOf(*request, spoilt);
      const Field& field = *spoilt.back();
      const google::protobuf::Reflection& fields = *holder.GetReflection();
      std::string reason = "INVALID_FIELD";
      if (field.cpp_type() != Field::CPPTYPE_ENUM) {
        fields.SetString(&holder, &field, "x");
        reason = "INVALID_PAGE_TOKEN";
        ++tokens;
      } else {
        field.is_repeated() ? fields.AddEnumValue(&holder, &field, 99)
                            : fields.SetEnumValue(&holder, &field, 99);
        ++values;
      }
      // Of the whole path, as far as it helps to find the field.
      std::vector<std::string> names = {spoilt.front()->name()};
      std::string name;
      for (auto step = spoilt.rbegin(); step != spoilt.rend(); ++step) {
        name = (*step)->name() + (name.empty() ? "" : "." + name);
        names.push_back(name);
      }
      const grpc::Status status = Call(caller, method, request->SerializeAsString());
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT)
          << method << " " << name << Text(status);
      const v1::ErrorInfo info = InfoOf(status);
      EXPECT_EQ(info.reason(), reason) << method << " " << name;
      EXPECT_THAT(info.metadata(),
                  testing::Contains(testing::Pair("field", testing::AnyOfArray(names))))
          << method << " " << name;
    }
  }
  EXPECT_GE(values, 15u);
  EXPECT_GE(tokens, 12u);
  EXPECT_EQ(harness_.asked().size(), asked);
}

// What is in the contract, a part does.
TEST_F(IdentityTest, NoMethodOfTheContractIsUnimplemented) {
  const Program app = harness_.App("Reader", {kMessagesRead});
  const Program owner = harness_.Owner();
  const Program* const programs[] = {&app, &gatekeeper_, &owner};
  const uint8_t roles[] = {permissions::kApps, permissions::kGatekeepers, permissions::kOwner};
  std::vector<std::string> methods = AllMethods();
  // Pausing needs no argument, and would change what comes after.
  const auto last =
      std::stable_partition(methods.begin(), methods.end(),
                            [](const std::string& method) { return !method.ends_with("/Pause"); });
  ASSERT_EQ(methods.end() - last, 1);
  for (const std::string& method : methods) {
    const permissions::MethodAccess* row = permissions::FindMethodAccess(method);
    ASSERT_NE(row, nullptr) << method;
    for (int i = 0; i < 3; ++i) {
      if ((row->callers & roles[i]) == 0) continue;
      const grpc::Status status = Call(*programs[i], method);
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << method << Text(status);
    }
  }
}

TEST_F(IdentityTest, OwnersToolsHaveNoMethodThatGrants) {
  // By the contract: only Enroll and RequestGrant lead to a grant, by way of the person.
  const auto* owner = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
      "postern.v1.OwnerService");
  ASSERT_NE(owner, nullptr);
  const std::set<std::string> reviewed = {
      "GetStatus", "ListApps", "ListGrants", "NarrowGrant", "RevokeGrant", "RevokeApp",
      "SuspendGrant", "ResumeGrant", "Pause", "Resume", "ListOwnedAccounts", "ListOwnedChats",
      "Seal", "Unseal", "ListAccessHistory", "Verify", "ListDisclosures", "Purge", "ListSeals",
      "SummarizeAccess", "ViewAsApp", "SetNoticePolicy", "DismissNotices", "ListErasures",
      // A link tells an app that two people it may see are one; it shows it nobody more.
      "ListOwnedContacts", "LinkContacts", "UnlinkContact",
      // Asks the person, in the dialog.
      "ExtendGrant"};
  for (int i = 0; i < owner->method_count(); ++i) {
    EXPECT_TRUE(reviewed.contains(owner->method(i)->name())) << owner->method(i)->name();
  }
}

TEST_F(IdentityTest, OnlyAnAllowingAnswerGrants) {
  const size_t grants = Grants();
  const size_t apps = Apps();
  struct Case {
    std::string name;
    Person person;
    v1::EnrollResponse::State state;
  };
  const auto altered = [](auto change) {
    return [change](const ConsentQuestion& question) -> std::optional<ConsentAnswer> {
      ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
      change(answer);
      return answer;
    };
  };
  const std::vector<Case> cases = {
      {"Refused", fakes::ScriptedConsentPrompt::Refusal, v1::EnrollResponse::STATE_DENIED},
      {"Expired", altered([](ConsentAnswer& answer) {
         const ConsentAnswer said = answer;
         answer = ConsentAnswer();
         answer.question_id = said.question_id;
         answer.question_sha256 = said.question_sha256;
         answer.decision = permissions::ConsentDecision::kExpired;
       }),
       v1::EnrollResponse::STATE_EXPIRED},
      // What the person cannot have said was said by nobody: no refusal, and no grant.
      {"Other question",
       altered([](ConsentAnswer& answer) { answer.question_id = permissions::NewQuestionId(); }),
       v1::EnrollResponse::STATE_PENDING},
      {"Other text", altered([](ConsentAnswer& answer) { answer.question_sha256[0] ^= 1; }),
       v1::EnrollResponse::STATE_PENDING},
      {"More than asked", altered([](ConsentAnswer& answer) { answer.scopes.Add(kExport); }),
       v1::EnrollResponse::STATE_PENDING},
      {"Nothing ticked", altered([](ConsentAnswer& answer) { answer.scopes = {}; }),
       v1::EnrollResponse::STATE_PENDING},
  };
  for (const Case& wrong : cases) {
    harness_.Decide(wrong.name, wrong.person);
    // A refusal is remembered for a while, and three for a week: each case is another week.
    harness_.clock().Advance(absl::Hours(24 * 8));
    const Program app = harness_.Connect(wrong.name);
    const auto enrolment = harness_.Enroll(app, AppManifest(wrong.name, {kMessagesRead}));
    ASSERT_FALSE(enrolment.states.empty()) << wrong.name << Text(enrolment.status);
    EXPECT_EQ(enrolment.states.back().state(), wrong.state) << wrong.name;
    if (wrong.state == v1::EnrollResponse::STATE_PENDING) {
      EXPECT_EQ(ReasonOf(enrolment.status), "CONSENT_UNAVAILABLE") << Text(enrolment.status);
    }
    EXPECT_EQ(enrolment.states.back().grants_size(), 0) << wrong.name;
    EventReader reader(app);
    EXPECT_EQ(ReasonOf(reader.WaitEnd()), "ENROLLMENT_REQUIRED") << wrong.name;
    EXPECT_EQ(Grants(), grants) << wrong.name;
    EXPECT_EQ(Apps(), apps) << wrong.name;
  }
}

TEST_F(IdentityTest, WhereNobodyCanBeAskedNothingIsGranted) {
  const size_t grants = Grants();
  harness_.LeaveAlone();
  const Program app = harness_.Connect("Headless");
  const auto enrolment = harness_.Enroll(app, AppManifest("Headless", {kMessagesRead}));
  EXPECT_FALSE(enrolment.granted());
  EXPECT_EQ(enrolment.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonOf(enrolment.status), "CONSENT_UNAVAILABLE");
  EXPECT_EQ(Grants(), grants);
  EventReader reader(app);
  EXPECT_EQ(ReasonOf(reader.WaitEnd()), "ENROLLMENT_REQUIRED");
}

TEST_F(IdentityTest, RefusalsAreRememberedForTheProgramWhateverItsKey) {
  harness_.Decide("Nag", fakes::ScriptedConsentPrompt::Refusal);
  for (int i = 0; i < 3; ++i) {
    const auto enrolment =
        harness_.Enroll(harness_.Connect("Nag"), AppManifest("Nag", {kMessagesRead}));
    ASSERT_FALSE(enrolment.states.empty()) << Text(enrolment.status);
  }
  const size_t asked = harness_.asked().size();
  const auto fourth = harness_.Enroll(harness_.Connect("Nag"), AppManifest("Nag", {kMessagesRead}));
  EXPECT_EQ(fourth.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(fourth.status), "CONSENT_SILENCED");
  EXPECT_EQ(harness_.asked().size(), asked);
}

TEST_F(IdentityTest, WhoHangsUpWhileThePersonThinksGetsNothing) {
  platform::Mutex mutex;
  platform::ConditionVariable changed;
  bool asked = false;
  harness_.Decide("Hasty", [&](const ConsentQuestion&) -> std::optional<ConsentAnswer> {
    platform::MutexLock lock(mutex);
    asked = true;
    changed.NotifyAll();
    return std::nullopt;  // until it is withdrawn
  });
  const size_t grants = Grants();
  const Program app = harness_.Connect("Hasty");
  harness_.clock().Advance(absl::Hours(1));
  {
    const auto context = Patiently();
    v1::EnrollRequest request;
    *request.mutable_manifest() = AppManifest("Hasty", {kMessagesRead});
    const auto stream = app->enrollment->Enroll(context.get(), request);
    v1::EnrollResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_EQ(response.state(), v1::EnrollResponse::STATE_PENDING);
    {
      platform::MutexLock lock(mutex);
      while (!asked) ASSERT_TRUE(changed.WaitFor(mutex, kPatience));
    }
    context->TryCancel();
    stream->Finish();
  }
  // The next question is put only once this one is over, and counts from then.
  const Program owner = harness_.Owner();
  v1::GetStatusResponse status;
  const auto deadline = Steady::now() + absl::ToChronoNanoseconds(kPatience);
  do {
    ASSERT_TRUE(owner->owner->GetStatus(Patiently().get(), {}, &status).ok());
  } while (status.pending_consent_count() > 0 && Steady::now() < deadline);
  const auto next = harness_.Enroll(harness_.Connect("Next"), AppManifest("Next", {kChatsRead}));
  EXPECT_TRUE(next.granted()) << Text(next.status);
  EXPECT_EQ(Grants(), grants + 1);
  EventReader reader(app);
  EXPECT_EQ(ReasonOf(reader.WaitEnd()), "ENROLLMENT_REQUIRED");
}

TEST_F(IdentityTest, SameThingHasAnotherNameForEachApp) {
  const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kMessagesHistory,
                                                  kMessagesSend};
  const Program one = harness_.App("One", scopes);
  const Program two = harness_.App("Two", scopes);
  EventReader first(one);
  EventReader second(two);
  ASSERT_TRUE(first.WaitLive());
  ASSERT_TRUE(second.WaitLive());
  // A name that is not in a random id by chance.
  const std::string remote_id = "message-of-the-club";
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", remote_id, "hello")}));
  ASSERT_TRUE(first.WaitForText("hello"));
  ASSERT_TRUE(second.WaitForText("hello"));
  const v1::Event a = first.reported().back();
  const v1::Event b = second.reported().back();
  const auto ids = [](const v1::Event& event) {
    const v1::Message& message = event.message_created().message();
    return std::vector<std::string>{event.id(), event.account_id(), event.chat_id(), message.id(),
                                    message.sender_contact_id()};
  };
  EXPECT_EQ(a.message_created().message().chat_id(), a.chat_id());
  for (size_t i = 0; i < ids(a).size(); ++i) {
    EXPECT_FALSE(ids(a)[i].empty()) << i;
    EXPECT_NE(ids(a)[i], ids(b)[i]) << i;
  }
  const std::string all = a.SerializeAsString();
  for (const std::string& remote :
       {std::string("club\n"), remote_id, std::string("bob"), std::string("alice")}) {
    EXPECT_EQ(all.find(remote), std::string::npos) << remote;
  }

  // Each with its own id; then each with the other's, and with one that names nothing.
  struct Side {
    const Program& app;
    EventReader& reader;
    const v1::Event& event;
  };
  const Side sides[] = {{one, first, a}, {two, second, b}};
  for (int i = 0; i < 2; ++i) {
    const Side& own = sides[i];
    const Side& other = sides[1 - i];
    SCOPED_TRACE(own.app.name);
    const std::string other_message = other.event.message_created().message().id();
    v1::GetMessageRequest get;
    v1::GetMessageResponse got;
    get.set_message_id(own.event.message_created().message().id());
    EXPECT_TRUE(own.app->message->GetMessage(Patiently().get(), get, &got).ok());
    get.set_message_id(other_message);
    const grpc::Status foreign = own.app->message->GetMessage(Patiently().get(), get, &got);
    get.set_message_id(kNothing);
    const grpc::Status missing = own.app->message->GetMessage(Patiently().get(), get, &got);
    EXPECT_EQ(foreign.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(Text(foreign), Text(missing));
    EXPECT_EQ(foreign.error_details(), missing.error_details());

    for (const std::string& chat : {other.event.chat_id(), std::string(kNothing), other_message}) {
      v1::GetChatRequest get_chat;
      get_chat.set_chat_id(chat);
      v1::GetChatResponse chat_got;
      EXPECT_EQ(own.app->chat->GetChat(Patiently().get(), get_chat, &chat_got).error_code(),
                grpc::StatusCode::NOT_FOUND);
      v1::ListMessagesRequest list;
      list.set_chat_id(chat);
      v1::ListMessagesResponse listed;
      EXPECT_EQ(own.app->message->ListMessages(Patiently().get(), list, &listed).error_code(),
                grpc::StatusCode::NOT_FOUND);
      v1::SendMessageRequest send;
      send.set_request_id(harness_.NewRequestId());
      send.set_chat_id(chat);
      send.set_text("not to be sent");
      v1::SendMessageResponse sent;
      EXPECT_EQ(own.app->message->SendMessage(Patiently().get(), send, &sent).error_code(),
                grpc::StatusCode::NOT_FOUND);
    }
    // Cursors and causes carry a check of their own.
    v1::SubscribeRequest request;
    request.set_cursor(other.reader.frames().back().response.cursor());
    EventReader stolen(own.app, request);
    EXPECT_EQ(ReasonOf(stolen.WaitEnd()), "INVALID_CURSOR");
    v1::SendMessageRequest send;
    send.set_request_id(harness_.NewRequestId());
    send.set_chat_id(own.event.chat_id());
    send.set_text("not to be sent");
    send.set_caused_by_event_id(other.event.id());
    v1::SendMessageResponse sent;
    const grpc::Status caused = own.app->message->SendMessage(Patiently().get(), send, &sent);
    EXPECT_EQ(InfoOf(caused).metadata().at("field"), "caused_by_event_id") << Text(caused);
  }
  EXPECT_TRUE(adapter_.commands().empty());
}

TEST_F(IdentityTest, ListsHaveAnotherOrderForEachApp) {
  std::vector<v1::Event> chats;
  for (int i = 0; i < 20; ++i) chats.push_back(ChatEvent("chat " + std::to_string(i)));
  ASSERT_TRUE(adapter_.PushDurably(chats));
  const auto names = [](const Program& app) {
    std::vector<std::string> listed, ids;
    v1::ListChatsRequest request;
    request.set_page_size(7);
    do {
      v1::ListChatsResponse page;
      const grpc::Status status = app->chat->ListChats(Patiently().get(), request, &page);
      EXPECT_TRUE(status.ok()) << Text(status);
      for (const v1::Chat& chat : page.chats()) {
        listed.push_back(chat.name());
        ids.push_back(chat.id());
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    return listed;
  };
  const auto one = names(harness_.App("One", {kChatsRead}));
  const auto two = names(harness_.App("Two", {kChatsRead}));
  EXPECT_THAT(one, testing::UnorderedElementsAreArray(two));
  EXPECT_GE(one.size(), 20u);
  // Once in 20! it may be the same.
  EXPECT_NE(one, two);
}

TEST_F(IdentityTest, WhatAnAppMayNotSeeLooksAsIfItWereNotThere) {
  const std::vector<permissions::Scope> scopes = {kChatsRead, kMessagesRead, kMessagesHistory,
                                                  kMessagesSend, kReactionsWrite};
  const Program all = harness_.App("All", scopes);
  const Program some = harness_.App("Some", scopes, {.chats = {"club"}});
  EventReader reader(all);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("secret", "m1", "hush")}));
  ASSERT_TRUE(reader.WaitForReported(1));
  EXPECT_EQ(ChatIdOf(some, "secret"), "");
  EXPECT_NE(ChatIdOf(some, "club"), "");
  // The two are one app to the id maker only under one key: so "Some" is widened and narrowed
  // again.
  const v1::Grant more = harness_.Widen(some, scopes, {.chats = {"secret"}});
  const std::string chat = ChatIdOf(some, "secret");
  ASSERT_NE(chat, "");
  v1::ListMessagesRequest list;
  list.set_chat_id(chat);
  v1::ListMessagesResponse listed;
  ASSERT_TRUE(some->message->ListMessages(Patiently().get(), list, &listed).ok());
  ASSERT_EQ(listed.messages_size(), 1);
  const std::string message = listed.messages(0).id();
  v1::ReleaseGrantRequest release;
  release.set_request_id("release");
  release.set_grant_id(more.id());
  v1::ReleaseGrantResponse released;
  ASSERT_TRUE(some->grant->ReleaseGrant(Patiently().get(), release, &released).ok());

  // It knows the ids now, and they are worth nothing.
  const std::string nothing = "AAAAAAAAAAAAAAAAAAAAAA";
  const auto outcomes = [&](const std::string& chat_id, const std::string& message_id) {
    std::vector<grpc::Status> statuses;
    v1::GetChatRequest get_chat;
    get_chat.set_chat_id(chat_id);
    v1::GetChatResponse chat_got;
    statuses.push_back(some->chat->GetChat(Patiently().get(), get_chat, &chat_got));
    v1::ListParticipantsRequest participants;
    participants.set_chat_id(chat_id);
    v1::ListParticipantsResponse participants_got;
    statuses.push_back(
        some->chat->ListParticipants(Patiently().get(), participants, &participants_got));
    list.set_chat_id(chat_id);
    statuses.push_back(some->message->ListMessages(Patiently().get(), list, &listed));
    v1::GetMessageRequest get;
    get.set_message_id(message_id);
    v1::GetMessageResponse got;
    statuses.push_back(some->message->GetMessage(Patiently().get(), get, &got));
    v1::SetReactionRequest react;
    react.set_request_id(harness_.NewRequestId());
    react.set_message_id(message_id);
    react.set_emoji("+1");
    v1::SetReactionResponse reacted;
    statuses.push_back(some->message->SetReaction(Patiently().get(), react, &reacted));
    v1::SendMessageRequest send;
    send.set_request_id(harness_.NewRequestId());
    send.set_chat_id(chat_id);
    send.set_text("not to be sent");
    v1::SendMessageResponse sent;
    statuses.push_back(some->message->SendMessage(Patiently().get(), send, &sent));
    return statuses;
  };
  const std::vector<grpc::Status> forbidden = outcomes(chat, message);
  const std::vector<grpc::Status> missing = outcomes(nothing, nothing);
  for (size_t i = 0; i < forbidden.size(); ++i) {
    EXPECT_EQ(forbidden[i].error_code(), grpc::StatusCode::NOT_FOUND) << i << Text(forbidden[i]);
    EXPECT_EQ(Text(forbidden[i]), Text(missing[i])) << i;
    EXPECT_EQ(forbidden[i].error_details(), missing[i].error_details()) << i;
  }
  EXPECT_TRUE(adapter_.commands().empty());
}

TEST_F(IdentityTest, AppThatWasStartedBeforeItWasAllowedGoesOnOnTheSameChannel) {
  const Program app = harness_.Connect("Early");
  EventReader refused(app);
  EXPECT_EQ(ReasonOf(refused.WaitEnd()), "ENROLLMENT_REQUIRED");
  const auto enrolment = harness_.Enroll(app, AppManifest("Early", {kMessagesRead}));
  ASSERT_EQ(enrolment.states.size(), 2u);
  EXPECT_EQ(enrolment.states[0].state(), v1::EnrollResponse::STATE_PENDING);
  EXPECT_EQ(enrolment.states[1].state(), v1::EnrollResponse::STATE_GRANTED);
  EXPECT_EQ(enrolment.states[1].principal(), app.principal);
  ASSERT_EQ(enrolment.states[1].grants_size(), 1);
  EXPECT_EQ(enrolment.states[1].grants(0).scopes(0), v1::SCOPE_MESSAGES_READ);
  EventReader reader(app);
  ASSERT_TRUE(reader.WaitLive());
  ASSERT_TRUE(adapter_.PushDurably({MessageEvent("club", "m1", "hello")}));
  EXPECT_TRUE(reader.WaitForText("hello"));
  // Who is in is not asked about again.
  const size_t asked = harness_.asked().size();
  EXPECT_TRUE(harness_.Enroll(app, AppManifest("Early", {kMessagesRead})).granted());
  EXPECT_EQ(harness_.asked().size(), asked);
}

}  // namespace
}  // namespace postern::behaviors
