// SPDX-License-Identifier: Apache-2.0
// What is skipped, of chats that become known while the translator follows: none of it is
// translated.
#include "clients/translator/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sdk/temporary_folder.h"

namespace postern::translator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::NiceMock;
using testing::Not;

constexpr char kSpanish[] = "La tortuga llega siempre con retraso a la estación.";
constexpr char kOther[] = "El camión lleva cajas de naranjas al mercado.";

// What happens, and the event that tells of it.
using Step = std::function<v1::Event()>;

class Stream final : public sdk::Subscription {
 public:
  explicit Stream(std::vector<Step> steps) : steps_(std::move(steps)) {}
  absl::StatusOr<v1::Event> Next(absl::Duration) override {
    if (at_ == steps_.size()) return absl::PermissionDeniedError("the test is over");
    return steps_[at_++]();
  }
  absl::Status Acknowledge() override { return absl::OkStatus(); }
  std::string cursor() const override { return std::to_string(at_); }
  void Cancel() override {}

 private:
  const std::vector<Step> steps_;
  size_t at_ = 0;
};

// A broker that says which chats are open.
class Broker : public sdk::Client {
 public:
  std::map<std::string, std::string> chats;  // names, by id
  absl::Status refuses;
  int listed = 0;

  absl::StatusOr<sdk::Page<v1::Chat>> ListChats(const std::string&,
                                                const sdk::PageOptions&) override {
    ++listed;
    if (!refuses.ok()) return refuses;
    sdk::Page<v1::Chat> page;
    for (const auto& [id, name] : chats) {
      v1::Chat& chat = page.items.emplace_back();
      chat.set_id(id);
      chat.set_name(name);
    }
    return page;
  }
  MOCK_METHOD(std::unique_ptr<sdk::Subscription>, Subscribe, (sdk::SubscribeOptions), (override));
  MOCK_METHOD(std::unique_ptr<sdk::EventSession>, Run,
              (sdk::SubscribeOptions, sdk::EventSession::Handler, sdk::EventSession::EndHandler,
               sdk::AcknowledgeMode),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::SendMessageResponse>, SendMessage, (v1::SendMessageRequest),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::EditMessageResponse>, EditMessage, (v1::EditMessageRequest),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::DeleteMessageResponse>, DeleteMessage, (v1::DeleteMessageRequest),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::SetReactionResponse>, SetReaction, (v1::SetReactionRequest),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::VotePollResponse>, VotePoll, (v1::VotePollRequest), (override));
  MOCK_METHOD(absl::StatusOr<v1::MarkReadResponse>, MarkRead, (v1::MarkReadRequest), (override));
  MOCK_METHOD(absl::StatusOr<v1::SetTypingResponse>, SetTyping, (v1::SetTypingRequest), (override));
  MOCK_METHOD(absl::StatusOr<v1::CreateDraftResponse>, CreateDraft, (v1::CreateDraftRequest),
              (override));
  MOCK_METHOD(absl::StatusOr<v1::GetSelfResponse>, GetSelf, (), (override));
  MOCK_METHOD(absl::StatusOr<sdk::Page<v1::Account>>, ListAccounts, (const sdk::PageOptions&),
              (override));
  MOCK_METHOD(absl::StatusOr<sdk::Page<v1::Message>>, ListMessages,
              (const std::string&, const sdk::PageOptions&), (override));
  MOCK_METHOD(absl::StatusOr<v1::Message>, GetMessage, (const std::string&), (override));
  MOCK_METHOD(const std::string&, principal, (), (const, override));
  sdk::Stubs& stubs() override { std::abort(); }  // the interpreter has no need of them
};

class Listener final : public Engine {
 public:
  absl::StatusOr<std::string> Translate(const std::string& text, const Language&,
                                        const Language&) override {
    heard.push_back(text);
    return "translated";
  }
  void Rest() override {}

  std::vector<std::string> heard;
};

class InterpreterTest : public testing::Test {
 protected:
  InterpreterTest() { broker_.chats["chat-2"] = "Work"; }

  // Starts with the chats that are open now, and follows. Returns what went to the engine.
  std::vector<std::string> Follow(const std::vector<std::string>& skip, std::vector<Step> steps) {
    Config config;
    config.languages = {{"en"}};
    config.skip = skip;
    Screen screen;
    Listener engine;
    LanguageGuess guess([](const std::string&) { return std::vector<v1::Message>(); });
    ChatNames names;
    EXPECT_TRUE(names.Load(broker_).ok());
    Loops loops(broker_, names, screen);
    Answers answers(broker_, engine, {"en"}, screen);
    SkippedChats skipped(skip, folder_.path() + "/skipped", screen);
    ON_CALL(broker_, Subscribe).WillByDefault([&](const sdk::SubscribeOptions&) {
      return std::make_unique<Stream>(steps);
    });
    testing::internal::CaptureStderr();
    Interpreter interpreter(
        {broker_, engine, guess, names, loops, answers, skipped, screen, config});
    EXPECT_TRUE(absl::IsPermissionDenied(interpreter.Run()));
    notes_ = testing::internal::GetCapturedStderr();
    return engine.heard;
  }

  v1::Event In(const std::string& chat_id) {
    v1::Event event;
    event.set_id("event-" + std::to_string(++events_));
    event.set_chat_id(chat_id);
    return event;
  }
  Step Written(const std::string& chat_id, const std::string& text) {
    return [=, this] {
      v1::Event event = In(chat_id);
      v1::Message& message = *event.mutable_message_created()->mutable_message();
      message.set_id("message-of-" + event.id());
      message.set_sender_contact_id("maria");
      message.set_text(text);
      return event;
    };
  }
  Step Renamed(const std::string& chat_id, const std::string& name) {
    return [=, this] {
      broker_.chats[chat_id] = name;
      v1::Event event = In(chat_id);
      event.mutable_chat_changed()->mutable_chat()->set_name(name);
      return event;
    };
  }
  // The user opens a chat: nothing tells what it is called.
  Step Opened(const std::string& chat_id, const std::string& name) {
    return [=, this] {
      broker_.chats[chat_id] = name;
      v1::Event event = In(chat_id);
      event.mutable_disclosure_changed();
      return event;
    };
  }

  NiceMock<Broker> broker_;
  std::string notes_;

 private:
  const sdk::TemporaryFolder folder_;
  int events_ = 0;
};

TEST_F(InterpreterTest, AChatThatIsOpenedWhileItRunsIsSkippedByItsName) {
  const Step first_heard_of = [this] {
    broker_.chats["chat-1"] = "friday DINNER";
    return Written("chat-1", kSpanish)();
  };
  EXPECT_THAT(Follow({"Friday dinner"}, {first_heard_of, Written("chat-2", kOther)}),
              ElementsAre(kOther));
}

TEST_F(InterpreterTest, AChatThatIsOpenedUnderAnotherNameIsTranslated) {
  EXPECT_THAT(Follow({"Friday dinner"}, {Opened("chat-1", "Home"), Written("chat-1", kSpanish)}),
              ElementsAre(kSpanish));
}

TEST_F(InterpreterTest, WhatIsRenamedBeforeItsFirstMessageStaysSkipped) {
  const Step created = [this] {
    broker_.chats["chat-3"] = "Friday dinner";
    v1::Event event = In("chat-3");
    event.mutable_chat_created()->mutable_chat()->set_name("Friday dinner");
    return event;
  };
  EXPECT_THAT(Follow({"Friday dinner"},
                     {Opened("chat-1", "Friday dinner"), Renamed("chat-1", "Saturday lunch"),
                      Renamed("chat-2", "Friday dinner"), Renamed("chat-2", "Sunday brunch"),
                      created, Renamed("chat-3", "Monday"), Written("chat-1", kSpanish),
                      Written("chat-2", kSpanish), Written("chat-3", kSpanish)}),
              IsEmpty());
}

TEST_F(InterpreterTest, WhenItsGrantChangesTheNamesAreReadBeforeAnybodyRenames) {
  const Step widened = [this] {
    broker_.chats["chat-1"] = "Friday dinner";
    v1::Event event = In("");
    event.mutable_grant_changed()->set_grant_id("grant-1");
    return event;
  };
  EXPECT_THAT(
      Follow({"Friday dinner"}, {widened, Renamed("chat-1", "Home"), Written("chat-1", kSpanish)}),
      IsEmpty());
}

TEST_F(InterpreterTest, AChatWhoseNameCannotBeReadIsLeftAloneUntilItHasOne) {
  const Step refused = [this] {
    broker_.refuses = absl::PermissionDeniedError("not this");
    return Written("chat-1", kSpanish)();
  };
  EXPECT_THAT(Follow({"Friday dinner"}, {refused, Written("chat-1", kSpanish), refused}),
              IsEmpty());
  EXPECT_EQ(broker_.listed, 2);  // at the start, and once for all of its messages
  EXPECT_THAT(notes_, HasSubstr("skip: a chat whose name cannot be read is left alone"));

  broker_.refuses = absl::OkStatus();
  EXPECT_THAT(
      Follow({"Friday dinner"}, {refused, Renamed("chat-1", "Home"), Written("chat-1", kOther)}),
      ElementsAre(kOther));
}

TEST_F(InterpreterTest, WhereNothingIsSkippedAChatNeedsNoName) {
  EXPECT_THAT(Follow({}, {Written("chat-1", kSpanish)}), ElementsAre(kSpanish));
  EXPECT_THAT(notes_, Not(HasSubstr("skip: ")));
}

TEST_F(InterpreterTest, WhatAChatWasCalledBeforeItWasClosedCountsNoMore) {
  const Step closed = [this] {
    broker_.chats["chat-2"] = "Friday dinner";
    v1::Event event = In("");
    event.mutable_erase_asked()->set_cause(v1::EraseAsked::CAUSE_REVOKED);
    event.mutable_erase_asked()->add_chat_ids("chat-2");
    return event;
  };
  EXPECT_THAT(Follow({"Friday dinner"}, {closed, Written("chat-2", kSpanish)}), IsEmpty());
}

TEST_F(InterpreterTest, ANameThatWasLostIsReadAgain) {
  const Step lost = [this] {
    broker_.chats["chat-2"] = "Friday dinner";
    v1::Event event = In("");
    event.mutable_gap();
    return event;
  };
  EXPECT_THAT(Follow({"Friday dinner"}, {lost, Written("chat-2", kSpanish)}), IsEmpty());
}

}  // namespace
}  // namespace postern::translator
