// SPDX-License-Identifier: Apache-2.0
// The whole broker in this process, on a socket of its own, with programs around it: each with its
// own key, over the real mTLS door and the generated stubs. Only the keyring, the clock and the
// person are fakes. Every wait has a deadline; nothing sleeps.
#pragma once

#include <absl/time/time.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "broker/broker.h"
#include "clients/sdk/stubs.h"
#include "permissions/consent_question.h"
#include "platform/mutex.h"
#include "platform/tls_identity.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_session_watch.h"
#include "tests/fakes/fake_unit_starter.h"
#include "tests/fakes/memory_secret_store.h"
#include "tests/fakes/recording_notifier.h"
#include "tests/fakes/scripted_consent_prompt.h"
#include "tests/sanitized.h"

namespace postern::behaviors {

using Steady = std::chrono::steady_clock;
using Person = fakes::ScriptedConsentPrompt::Person;

// Long enough for a machine that is busy with other tests; a test that needs it has failed.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// Bounds of time are those of the product; a sanitizer makes it about ten times slower.
inline constexpr int kSlowdown = kSanitized ? 10 : 1;

// The ErrorInfo of a refusal; empty when it carries none.
v1::ErrorInfo InfoOf(const grpc::Status& status);
std::string ReasonOf(const grpc::Status& status);
// "code REASON message", for failure messages.
std::string Text(const grpc::Status& status);

// A context that ends after kPatience.
std::unique_ptr<grpc::ClientContext> Patiently(absl::Duration patience = kPatience);

// One program: a key, and a connection of its own.
struct Program {
  std::string name;
  std::shared_ptr<platform::TlsIdentity> identity;
  std::string principal;
  std::shared_ptr<sdk::Stubs> stubs;

  sdk::Stubs* operator->() const { return stubs.get(); }
};

// What a person ticks.
struct Allowance {
  // Empty: all that is asked.
  std::vector<permissions::Scope> scopes;
  // Names of chats; empty: all, and new ones.
  std::vector<std::string> chats;
  std::optional<absl::Time> until;
  std::optional<absl::Time> history_from;
};
permissions::ConsentAnswer Allow(const permissions::ConsentQuestion& question,
                                 const Allowance& allowance);

v1::Manifest AppManifest(const std::string& name, const std::vector<permissions::Scope>& scopes);

class BrokerHarness {
 public:
  // 'upkeep_interval' is how often the broker does what it does now and then, 'detach_grace' how
  // long a client is gone before apps hear of it, both in time that passes.
  explicit BrokerHarness(broker::Config config = {},
                         absl::Duration upkeep_interval = broker::kUpkeepInterval,
                         absl::Duration detach_grace = broker::kDetachGrace);
  ~BrokerHarness();
  BrokerHarness(const BrokerHarness&) = delete;
  BrokerHarness& operator=(const BrokerHarness&) = delete;

  // Stops the broker, and starts one on the same data. Programs must connect again.
  void Restart(broker::Config config = {});
  // Restarts on a copy of what was stored earlier, as somebody who puts a backup back. Grants are
  // suspended then; ResumeAll ends that.
  void Save();
  void RestartFromSaved();
  // Until Restart.
  void Stop() { broker_.reset(); }
  // Restarts on what is stored at this moment, as after a crash.
  void RestartAsAfterCrash();
  void ResumeAll();

  // What the person answers to the program that calls itself 'name'. Without one: yes to all.
  void Decide(const std::string& name, Person person);
  std::vector<permissions::ConsentQuestion> asked() const { return prompt_.asked(); }
  // Has 'watcher' see each question, and try drafts, before it is answered.
  void WatchQuestions(fakes::ScriptedConsentPrompt::Watcher watcher) {
    prompt_.Watch(std::move(watcher));
  }
  // From now on nobody can be asked: there is neither a display nor a terminal.
  void LeaveAlone() { prompt_.LeaveAlone(); }

  // A new key; nobody has allowed it anything.
  Program Connect(const std::string& name);
  // Another connection of the same key.
  Program Reconnect(const Program& program);
  // Asks for 'scopes' and waits for the answer: the last state and how the call ended. The clock
  // goes on a little before, since the user is not to be asked often.
  struct Enrolment {
    std::vector<v1::EnrollResponse> states;
    grpc::Status status;
    bool granted() const {
      return !states.empty() && states.back().state() == v1::EnrollResponse::STATE_GRANTED;
    }
  };
  Enrolment Enroll(const Program& program, const v1::Manifest& manifest);
  // Connects, and enrols an app that the person allows 'allowance'.
  Program App(const std::string& name, const std::vector<permissions::Scope>& scopes,
              const Allowance& allowance = {});
  // Asks for more, for a person who allows 'allowance'; the grant.
  v1::Grant Widen(const Program& program, const std::vector<permissions::Scope>& scopes,
                  const Allowance& allowance);
  // Enrols a gatekeeper; see Adapter.
  Program Gatekeeper(const std::string& name = "AliceChat");
  // Has a gatekeeper that the broker has forgotten ask anew, for a person who allows it.
  Program AllowAgain(const Program& gatekeeper);
  // A connection with the owner's key.
  Program Owner();

  fakes::FakeClock& clock() { return clock_; }
  fakes::MemorySecretStore& secrets() { return secrets_; }
  fakes::FakeSessionWatch& session() { return session_; }
  // The service manager that starts apps.
  fakes::FakeUnitStarter& units() { return units_; }
  fakes::RecordingNotifier& notifier() { return notifier_; }
  // How long readers may stall, from the next start on.
  void SetReaderStall(absl::Duration stall_max) { reader_stall_max_ = stall_max; }
  const std::string& socket_path() const { return socket_path_; }
  // Whether the broker asked to be stopped.
  bool stop_asked() const { return stop_asked_; }
  // Where the broker keeps its files, and where Save keeps a copy of them.
  const std::string& data_dir() const { return data_dir_; }
  std::string saved_dir() const { return directory_ + "/saved"; }
  std::string broker_certificate() const;
  // A name that no call before had.
  std::string NewRequestId();

 private:
  // A person who may also not be there.
  class Prompt final : public broker::ConsentPrompt {
   public:
    explicit Prompt(Person person) : present_(std::move(person)) {}
    broker::ConsentOutcome Ask(const permissions::ConsentQuestion& question,
                               platform::UniqueFd pidfd,
                               const broker::ConsentCancellation& cancellation,
                               const broker::ConsentPreviewer& preview) override {
      fakes::ScriptedConsentPrompt& prompt = alone_ ? absent_ : present_;
      return prompt.Ask(question, std::move(pidfd), cancellation, preview);
    }
    std::vector<permissions::ConsentQuestion> asked() const { return present_.asked(); }
    void Watch(fakes::ScriptedConsentPrompt::Watcher watcher) {
      present_.Watch(std::move(watcher));
    }
    void LeaveAlone() { alone_ = true; }

   private:
    std::atomic<bool> alone_{false};
    fakes::ScriptedConsentPrompt present_;
    fakes::ScriptedConsentPrompt absent_;
  };

  Program ConnectWith(const std::string& name, std::shared_ptr<platform::TlsIdentity> identity);
  void Start(broker::Config config);

  const absl::Duration upkeep_interval_;
  const absl::Duration detach_grace_;
  fakes::FakeClock clock_;
  fakes::MemorySecretStore secrets_;
  fakes::FakeSessionWatch session_;
  fakes::FakeUnitStarter units_;
  fakes::RecordingNotifier notifier_;
  absl::Duration reader_stall_max_ = broker::kReaderStallMax;
  std::atomic<bool> stop_asked_{false};
  platform::Mutex mutex_;
  std::map<std::string, Person> people_ ABSL_GUARDED_BY(mutex_);
  int request_ids_ ABSL_GUARDED_BY(mutex_) = 0;
  Prompt prompt_;
  std::string directory_;
  std::string data_dir_;
  std::string socket_path_;
  std::unique_ptr<broker::Broker> broker_;
};

// A gatekeeper adapter on the raw stream. Its positions count from 1.
class Adapter {
 public:
  using Handler = std::function<std::optional<v1::CommandResult>(const v1::Command&)>;
  static v1::AttachHello Hello(const std::string& account = "alice");

  // Attaches anew, as soon as the broker has seen the one before go.
  static std::unique_ptr<Adapter> Again(const Program& program);
  // Attaches and waits for the welcome, or for the refusal: see WaitEnd().
  explicit Adapter(const Program& program, v1::AttachHello hello = Hello());
  ~Adapter();

  bool welcome() const { return welcome_; }
  uint64_t welcome_position() const { return welcome_position_; }
  // How commands are answered; nothing: no answer. Without one: sent.
  void Answer(Handler handler);
  std::vector<v1::Command> commands();
  // Waits until so many commands have come.
  bool WaitForCommands(size_t count, absl::Duration timeout = kPatience);
  // What the client was told of who sees which chat, in order.
  std::vector<v1::Disclosure> disclosures();
  bool WaitForDisclosures(size_t count, absl::Duration timeout = kPatience);
  // Says something other than events and answers.
  void Say(const v1::AttachRequest& request);

  // Sends events under the next positions, in batches; returns the last position.
  uint64_t Push(const std::vector<v1::Event>& events);
  uint64_t PushBytes(const std::vector<std::string>& events);
  void PushAt(uint64_t position, const std::string& event, const std::string& command_id = {});
  // Waits until everything up to 'position' is durable.
  bool WaitDurable(uint64_t position, absl::Duration timeout = kPatience);
  bool PushDurably(const std::vector<v1::Event>& events) { return WaitDurable(Push(events)); }
  std::vector<v1::RefusedEvent> refused();

  // Hangs up and returns how the stream ended. Returns at once when it has ended already.
  grpc::Status End();
  // Waits for the broker to end the stream.
  grpc::Status WaitEnd();

 private:
  void Loop();

  Program program_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();
  std::unique_ptr<grpc::ClientReaderWriter<v1::AttachRequest, v1::AttachResponse>> stream_;
  bool welcome_ = false;
  uint64_t welcome_position_ = 0;
  uint64_t position_ = 0;
  platform::Mutex write_mutex_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  Handler handler_ ABSL_GUARDED_BY(mutex_);
  uint64_t durable_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<v1::RefusedEvent> refused_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Command> commands_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::Disclosure> disclosures_ ABSL_GUARDED_BY(mutex_);
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// An event stream, read by a thread of its own until it ends.
class EventReader {
 public:
  struct Frame {
    v1::SubscribeResponse response;
    Steady::time_point time;
  };

  EventReader(const Program& program, v1::SubscribeRequest request = {});
  // Cancels.
  ~EventReader();

  // Waits for the first frame, which says that the stream lives, or for the stream's end.
  bool WaitLive();
  // Waits until so many events have come; false at the stream's end or at the time-out.
  bool WaitForEvents(size_t count, absl::Duration timeout = kPatience);
  // The same, of the events that reported() gives.
  bool WaitForReported(size_t count, absl::Duration timeout = kPatience);
  // Waits for an event that holds 'text' as the text of a message.
  bool WaitForText(const std::string& text, absl::Duration timeout = kPatience);
  // How the stream ended; DEADLINE_EXCEEDED when it did not.
  grpc::Status WaitEnd(absl::Duration timeout = kPatience);
  bool ended();
  Steady::time_point end_time();
  grpc::Status Cancel();

  // Every event that came, also those by which Postern itself tells the app of its grants and of
  // who sees a chat. Those come at moments of their own: count reported() where the number matters.
  std::vector<v1::Event> events();
  // The events of chats that an adapter reported, in order.
  std::vector<v1::Event> reported();
  // The texts of the messages that came, in order.
  std::vector<std::string> texts();
  std::vector<Frame> frames();

 private:
  void Loop();
  // Waits until the member 'count', which mutex_ guards, is 'enough' or more.
  bool WaitForCount(size_t EventReader::*count, size_t enough, absl::Duration timeout);

  Program program_;
  v1::SubscribeRequest request_;
  grpc::ClientContext context_;
  platform::Mutex mutex_;
  platform::ConditionVariable changed_;
  std::vector<Frame> frames_ ABSL_GUARDED_BY(mutex_);
  size_t event_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t reported_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);
  Steady::time_point end_time_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Events as an adapter sends them: with the network's ids.
v1::Event ChatEvent(const std::string& chat, const std::string& name = {});
v1::Event MessageEvent(const std::string& chat, const std::string& id, const std::string& text);
v1::Event EditEvent(const std::string& chat, const std::string& message, const std::string& text);
v1::Event DeleteEvent(const std::string& chat, const std::string& message);
v1::Event ReactionEvent(const std::string& chat, const std::string& message,
                        const std::string& emoji);
v1::Event TypingEvent(const std::string& chat);

// A stream of all that is kept, as far as the app may see it.
v1::SubscribeRequest FromOldest(const std::string& subscription = {});

// The id that an app knows a chat by, found by its name; empty when it sees none of that name.
std::string ChatIdOf(const Program& app, const std::string& name);

}  // namespace postern::behaviors
