// SPDX-License-Identifier: Apache-2.0
// A whole broker with a history: several people's chats, several apps that read and sent over days.
// Its clock begins two weeks ago and is moved up to now, so that all rows are real ones. Keys lie
// in the session's keyring and files in a profile, where `postern-settings` finds them as it finds
// posternd's.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "platform/mutex.h"
#include "platform/secret_store.h"
#include "tests/behaviors/broker_harness.h"
#include "tests/daemon/process.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_session_watch.h"
#include "tests/fakes/recording_notifier.h"
#include "tests/fakes/scripted_consent_prompt.h"

namespace postern::settings_test {

using behaviors::Adapter;
using behaviors::Allowance;
using behaviors::EventReader;
using behaviors::Program;
using permissions::Scope;

class Stage {
 public:
  // An empty broker whose clock stands at 'start'.
  Stage(const fakes::SessionBus& session, absl::Time start);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Stops the broker; the profile stays.
  void StopBroker();

  // Adds chats, apps and two weeks of what they did; the clock then stands at now.
  void Fill();
  // The same up to another moment, of so many days.
  void Fill(absl::Time now, int days);
  bool PeopleAreTold();

  // Enrols an app that the person allows 'allowance'; its data leaves the device to 'service'
  // unless that is empty.
  Program App(const std::string& name, const std::string& purpose, const std::string& service,
              const std::vector<Scope>& scopes, const Allowance& allowance);
  Program Owner();
  // The grants of an app, as the owner sees them.
  std::vector<v1::Grant> GrantsOf(const std::string& name);
  bool paused();

  // The person thinks over the next question until AnswerWith says what they answer.
  void Think();
  // How many questions were put.
  size_t asked() const { return prompt_.asked().size(); }
  // How the person answers the next questions; nothing: with a no.
  void AnswerWith(std::optional<Allowance> allowance);
  Adapter& adapter() { return *adapter_; }
  fakes::FakeClock& clock() { return clock_; }
  const daemon_test::Profile& profile() const { return profile_; }
  // By the name they were enrolled under.
  const Program& app(const std::string& name) const { return apps_.at(name); }

 private:
  Program Connect(const std::string& name, platform::TlsIdentity identity);
  void Enroll(const Program& program, const v1::Manifest& manifest, const Allowance& allowance);

  daemon_test::Profile profile_;
  std::unique_ptr<platform::SecretStore> secrets_;
  fakes::FakeClock clock_;
  fakes::FakeSessionWatch session_;
  fakes::RecordingNotifier notifier_;
  platform::Mutex mutex_;
  std::optional<Allowance> allowance_ ABSL_GUARDED_BY(mutex_);
  bool thinking_ ABSL_GUARDED_BY(mutex_) = false;
  platform::ConditionVariable decided_;
  fakes::ScriptedConsentPrompt prompt_;
  std::unique_ptr<broker::Broker> broker_;
  std::map<std::string, Program> apps_;
  std::unique_ptr<Adapter> adapter_;
  // Of the apps that are in use now.
  std::map<std::string, std::unique_ptr<EventReader>> live_;
};

}  // namespace postern::settings_test
