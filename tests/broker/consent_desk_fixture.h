// SPDX-License-Identifier: Apache-2.0
// The desk with everything that it works with, but the person, the clock and the session, which are
// the test's.
#pragma once

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/access_history.h"
#include "broker/app_registry.h"
#include "broker/consent_desk.h"
#include "broker/directory.h"
#include "broker/limits.h"
#include "broker/owner_notices.h"
#include "broker/rpc_status.h"
#include "broker/seal_book.h"
#include "platform/mutex.h"
#include "tests/broker/storage_fixture.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_session_watch.h"
#include "tests/fakes/recording_notifier.h"
#include "tests/fakes/scripted_consent_prompt.h"

namespace postern::broker {

inline constexpr absl::Duration kPatience = absl::Seconds(30);

inline permissions::Principal Key(int number) {
  permissions::Principal principal;
  principal.sha256[0] = 1;
  principal.sha256[30] = static_cast<uint8_t>(number >> 8);
  principal.sha256[31] = static_cast<uint8_t>(number);
  return principal;
}

// A window that a test holds in its hands. Thread-safe.
class HeldPrompt final : public ConsentPrompt {
 public:
  using Answer = std::function<ConsentOutcome(const permissions::ConsentQuestion&)>;

  ConsentOutcome Ask(const permissions::ConsentQuestion& question, platform::UniqueFd,
                     const ConsentCancellation& cancellation, const ConsentPreviewer&) override {
    fakes::ExpectReadable(question);
    platform::MutexLock lock(mutex_);
    asked_.push_back(question);
    changed_.NotifyAll();
    while (!answer_ && !cancellation.cancelled()) {
      changed_.WaitFor(mutex_, absl::Milliseconds(5));
    }
    if (cancellation.cancelled()) return {ConsentOutcome::Kind::kCancelled, {}};
    return answer_(question);
  }

  // From now on every question is answered so; none: the window stays open.
  void SetAnswer(Answer answer) {
    platform::MutexLock lock(mutex_);
    answer_ = std::move(answer);
    changed_.NotifyAll();
  }
  std::vector<permissions::ConsentQuestion> asked() const {
    platform::MutexLock lock(mutex_);
    return asked_;
  }
  // Waits until so many questions were shown.
  bool WaitForAsked(size_t count) const {
    const absl::Time deadline = absl::Now() + kPatience;
    platform::MutexLock lock(mutex_);
    while (asked_.size() < count && absl::Now() < deadline) {
      changed_.WaitFor(mutex_, deadline - absl::Now());
    }
    return asked_.size() >= count;
  }

 private:
  mutable platform::Mutex mutex_;
  mutable platform::ConditionVariable changed_;
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  std::vector<permissions::ConsentQuestion> asked_ ABSL_GUARDED_BY(mutex_);
};

inline ConsentOutcome Yes(const permissions::ConsentQuestion& question) {
  return {ConsentOutcome::Kind::kAnswered, fakes::ScriptedConsentPrompt::AllowAll(question)};
}
inline ConsentOutcome No(const permissions::ConsentQuestion& question) {
  return {ConsentOutcome::Kind::kAnswered, fakes::ScriptedConsentPrompt::Refusal(question)};
}
inline ConsentOutcome Nobody(const permissions::ConsentQuestion&) {
  return {ConsentOutcome::Kind::kUnavailable, {}};
}
inline ConsentOutcome Crash(const permissions::ConsentQuestion&) {
  return {ConsentOutcome::Kind::kFailed, {}};
}

class ConsentDeskTest : public testing::Test {
 protected:
  using State = ConsentDesk::State;

  void SetUp() override { Start(); }
  void TearDown() override { Stop(); }

  void Start() {
    store_ = *OpenStore(folder_.path());
    notices_ = *OwnerNotices::Open(*store_, &notifier_, clock_);
    accesses_ = *AccessHistory::Open(*store_, clock_);
    apps_ = *AppRegistry::Open(*store_, [](const std::string&) { return absl::OkStatus(); });
    apps_->SetOwner(owner().principal);
    bool damaged = false;
    seals_ = *SealBook::Open(
        *store_, [] {}, damaged);
    directory_ = *Directory::Open(*store_, *seals_);
    desk_ = std::make_unique<ConsentDesk>(ConsentDesk::Options{.store = *store_,
                                                               .apps = *apps_,
                                                               .directory = *directory_,
                                                               .prompt = prompt_,
                                                               .accesses = *accesses_,
                                                               .notices = *notices_,
                                                               .clock = clock_,
                                                               .session = &session_,
                                                               .pidfd_of = {},
                                                               .preview = {}});
    ASSERT_TRUE(desk_->Open().ok());
    session_.Watch([this] { desk_->SessionChanged(); });
  }
  void Stop() {
    session_.Watch(nullptr);
    desk_.reset();
    directory_.reset();
    seals_.reset();
    apps_.reset();
    accesses_.reset();
    notices_.reset();
    store_.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

  static Caller owner() {
    Caller caller;
    caller.principal = Key(0xffff);
    caller.standing = Standing::kOwner;
    return caller;
  }

  // This very process, so that all share one origin.
  static platform::UniqueFd OwnPidfd() {
    return platform::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  }

  static ConsentDesk::Request EnrolmentOf(int key, const std::string& name = "Reader") {
    ConsentDesk::Request request;
    request.question.kind = permissions::QuestionKind::kEnrollApp;
    request.question.principal = Key(key);
    request.question.claimed_name = name;
    request.question.purpose = "reads";
    request.question.app_id = "org.example.reader";
    request.question.required_scopes.Add(permissions::Scope::kMessagesRead);
    request.question.destination.kind = permissions::DestinationKind::kStaysOnDevice;
    request.app.set_principal(Key(key).ToHex());
    request.app.set_claimed_name(name);
    request.app.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
    request.pidfd = OwnPidfd();
    return request;
  }

  // Asks and waits for the end of it.
  ConsentDesk::Status AskAndWait(ConsentDesk::Request request) {
    const permissions::Principal principal = request.question.principal;
    const absl::StatusOr<std::string> id = desk_->Ask(std::move(request));
    EXPECT_TRUE(id.ok()) << id.status();
    return id.ok() ? WaitEnd(principal, *id) : ConsentDesk::Status();
  }
  ConsentDesk::Status WaitEnd(const permissions::Principal& principal, const std::string& id) {
    const absl::Time deadline = absl::Now() + kPatience;
    ConsentDesk::Status status = *desk_->Find(principal, id);
    while (status.state == State::kPending && absl::Now() < deadline) {
      status = *desk_->Wait(principal, id, absl::Seconds(1));
    }
    return status;
  }

  // An app that the person has allowed, a good while ago.
  permissions::Grant Enrolled(int key, const std::string& name = "Reader") {
    prompt_.SetAnswer(Yes);
    const ConsentDesk::Status status = AskAndWait(EnrolmentOf(key, name));
    EXPECT_EQ(status.state, State::kGranted);
    clock_.Advance(absl::Hours(2));
    return status.grant.value_or(permissions::Grant());
  }

  std::vector<v1::OwnerNotice> NoticesOf(v1::OwnerNotice::Kind kind) const {
    std::vector<v1::OwnerNotice> found;
    for (const v1::OwnerNotice& notice : notices_->Open()) {
      if (notice.kind() == kind) found.push_back(notice);
    }
    return found;
  }
  // The words of the rows with 'verb', oldest first.
  std::vector<std::string> RowsOf(v1::AccessVerb verb) {
    AccessFilter filter;
    filter.verbs = 1u << verb;
    std::vector<std::string> words;
    const auto page = accesses_->List(filter, 0, 1000);
    EXPECT_TRUE(page.ok());
    for (const AccessRow& row : page->rows) words.insert(words.begin(), row.reason);
    return words;
  }

  ScratchFolder folder_;
  fakes::FakeClock clock_{absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()))};
  fakes::FakeSessionWatch session_;
  fakes::RecordingNotifier notifier_;
  HeldPrompt prompt_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<OwnerNotices> notices_;
  std::unique_ptr<AccessHistory> accesses_;
  std::unique_ptr<AppRegistry> apps_;
  std::unique_ptr<SealBook> seals_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<ConsentDesk> desk_;
};

}  // namespace postern::broker
