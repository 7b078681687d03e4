// SPDX-License-Identifier: Apache-2.0
#include "tests/behaviors/broker_harness.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/door.h"
#include "permissions/scope.h"

namespace postern::behaviors {
namespace {

// A question each quarter of an hour: below what the broker allows one machine's programs.
constexpr absl::Duration kBetweenQuestions = absl::Minutes(15);
constexpr size_t kBatchEvents = 256;
constexpr size_t kBatchBytes = 512 * 1024;

std::string KeyText(const platform::TlsIdentity& identity) {
  const auto key = identity.key_pem.span();
  return std::string(key.begin(), key.end());
}

Steady::time_point In(absl::Duration duration) {
  return Steady::now() + absl::ToChronoNanoseconds(duration);
}
absl::Duration Until(Steady::time_point time) {
  return absl::FromChrono(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time - Steady::now()));
}

}  // namespace

v1::ErrorInfo InfoOf(const grpc::Status& status) {
  v1::RpcStatus details;
  v1::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) || details.details().empty()) return info;
  EXPECT_EQ(details.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_TRUE(info.ParseFromString(details.details(0).value()));
  EXPECT_EQ(info.domain(), "postern");
  return info;
}
std::string ReasonOf(const grpc::Status& status) { return InfoOf(status).reason(); }
std::string Text(const grpc::Status& status) {
  std::ostringstream text;
  text << status.error_code() << " " << ReasonOf(status) << " " << status.error_message();
  return text.str();
}

std::unique_ptr<grpc::ClientContext> Patiently(absl::Duration patience) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(patience));
  return context;
}

permissions::ConsentAnswer Allow(const permissions::ConsentQuestion& question,
                                 const Allowance& allowance) {
  permissions::ConsentAnswer answer = fakes::ScriptedConsentPrompt::AllowAll(question);
  if (question.kind == permissions::QuestionKind::kEnrollGatekeeper) return answer;
  if (!allowance.scopes.empty()) {
    answer.scopes = {};
    for (const permissions::Scope scope : allowance.scopes) answer.scopes.Add(scope);
  }
  if (!allowance.chats.empty()) {
    answer.chat_choice = permissions::ChatChoice::kListed;
    answer.accounts.clear();
    for (uint32_t i = 0; i < question.chats.size(); ++i) {
      const auto& names = allowance.chats;
      if (std::find(names.begin(), names.end(), question.chats[i].name) != names.end()) {
        answer.chats.push_back(i);
      }
    }
  }
  if (allowance.until.has_value()) {
    answer.validity = {permissions::ValidityKind::kUntil, *allowance.until};
  }
  if (allowance.history_from.has_value()) answer.history_start_time = *allowance.history_from;
  return answer;
}

v1::Manifest AppManifest(const std::string& name, const std::vector<permissions::Scope>& scopes) {
  v1::Manifest manifest;
  manifest.mutable_protocol_version()->set_major(1);
  manifest.set_app_id("org.example.app");
  manifest.set_display_name(name);
  manifest.set_purpose("shows what a test expects");
  manifest.set_role(v1::ROLE_APP);
  for (const permissions::Scope scope : scopes) {
    manifest.add_required_scopes(static_cast<v1::Scope>(scope));
  }
  manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_STAYS_ON_DEVICE);
  return manifest;
}

BrokerHarness::BrokerHarness(broker::Config config, absl::Duration upkeep_interval,
                             absl::Duration detach_grace)
    : upkeep_interval_(upkeep_interval),
      detach_grace_(detach_grace),
      // The machine's time, to the second: it then stands still until a test moves it.
      clock_(absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()))),
      prompt_([this](const permissions::ConsentQuestion& question)
                  -> std::optional<permissions::ConsentAnswer> {
        Person person;
        {
          platform::MutexLock lock(mutex_);
          const auto it = people_.find(question.claimed_name);
          if (it != people_.end()) person = it->second;
        }
        return person ? person(question) : fakes::ScriptedConsentPrompt::AllowAll(question);
      }) {
  broker::RequireTls13();
  // As the daemon does.
  ::signal(SIGPIPE, SIG_IGN);
  char pattern[] = "/tmp/postern_behavior.XXXXXX";
  directory_ = mkdtemp(pattern);
  data_dir_ = directory_ + "/data";
  std::filesystem::create_directories(data_dir_);
  ::chmod(data_dir_.c_str(), 0700);
  socket_path_ = directory_ + "/postern.sock";
  Start(std::move(config));
}

void BrokerHarness::Start(broker::Config config) {
  broker::BrokerOptions options{clock_,    secrets_,     prompt_, std::move(config),
                                data_dir_, socket_path_, {}};
  options.upkeep_interval = upkeep_interval_;
  options.detach_grace = detach_grace_;
  options.session = &session_;
  options.start_unit = units_.starter();
  options.notifier = &notifier_;
  options.reader_stall_max = reader_stall_max_;
  options.stop = [this] { stop_asked_ = true; };
  auto broker = broker::Broker::Start(std::move(options));
  if (!broker.ok()) {
    ADD_FAILURE() << broker.status();
    std::abort();
  }
  broker_ = *std::move(broker);
}

void BrokerHarness::Restart(broker::Config config) {
  broker_.reset();
  Start(std::move(config));
}

void BrokerHarness::Save() {
  broker_.reset();
  std::filesystem::remove_all(saved_dir());
  std::filesystem::copy(data_dir_, saved_dir(), std::filesystem::copy_options::recursive);
  Start({});
}

void BrokerHarness::RestartFromSaved() {
  broker_.reset();
  std::filesystem::remove_all(data_dir_);
  std::filesystem::copy(saved_dir(), data_dir_, std::filesystem::copy_options::recursive);
  Start({});
}

void BrokerHarness::RestartAsAfterCrash() {
  const std::string copy = directory_ + "/crashed";
  std::filesystem::copy(data_dir_, copy, std::filesystem::copy_options::recursive);
  const auto anchor = secrets_.Lookup("database-anchor");
  // What it still writes while it ends goes where nobody looks.
  broker_.reset();
  std::filesystem::remove_all(data_dir_);
  std::filesystem::rename(copy, data_dir_);
  if (anchor.ok()) EXPECT_TRUE(secrets_.Store("database-anchor", anchor->span()).ok());
  Start({});
}

void BrokerHarness::ResumeAll() {
  const Program owner = Owner();
  v1::ListGrantsResponse grants;
  grpc::Status status = owner->owner->ListGrants(Patiently().get(), {}, &grants);
  EXPECT_TRUE(status.ok()) << Text(status);
  for (const v1::OwnedGrant& grant : grants.grants()) {
    if (grant.grant().state() != v1::Grant::STATE_SUSPENDED) continue;
    v1::ResumeGrantRequest request;
    request.set_request_id(NewRequestId());
    request.set_grant_id(grant.grant().id());
    v1::ResumeGrantResponse response;
    status = owner->owner->ResumeGrant(Patiently().get(), request, &response);
    EXPECT_TRUE(status.ok()) << Text(status);
  }
}

BrokerHarness::~BrokerHarness() {
  broker_.reset();
  std::filesystem::remove_all(directory_);
}

void BrokerHarness::Decide(const std::string& name, Person person) {
  platform::MutexLock lock(mutex_);
  people_[name] = std::move(person);
}

std::string BrokerHarness::broker_certificate() const {
  std::ifstream file(data_dir_ + "/broker.pem");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string BrokerHarness::NewRequestId() {
  platform::MutexLock lock(mutex_);
  return "request-" + std::to_string(++request_ids_);
}

Program BrokerHarness::ConnectWith(const std::string& name,
                                   std::shared_ptr<platform::TlsIdentity> identity) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = broker_certificate();
  options.pem_private_key = KeyText(*identity);
  options.pem_cert_chain = identity->certificate_pem;
  grpc::ChannelArguments arguments;
  // gRPC would share one connection between channels that look equal.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  Program program;
  program.name = name;
  program.principal =
      permissions::Principal{*platform::SpkiSha256OfPem(identity->certificate_pem)}.ToHex();
  program.identity = std::move(identity);
  program.stubs = std::make_shared<sdk::Stubs>(
      grpc::CreateCustomChannel("unix:" + socket_path_, grpc::SslCredentials(options), arguments));
  return program;
}

Program BrokerHarness::Connect(const std::string& name) {
  auto identity = platform::MakeTlsIdentity({"app", false}, clock_.Now());
  EXPECT_TRUE(identity.ok()) << identity.status();
  return ConnectWith(name, std::make_shared<platform::TlsIdentity>(*std::move(identity)));
}

Program BrokerHarness::Reconnect(const Program& program) {
  return ConnectWith(program.name, program.identity);
}

Program BrokerHarness::Owner() {
  auto identity = std::make_shared<platform::TlsIdentity>();
  auto key = secrets_.Lookup("owner-key");
  EXPECT_TRUE(key.ok()) << key.status();
  identity->key_pem = *std::move(key);
  identity->certificate_pem =
      *platform::MakeCertificate(identity->key_pem, {"owner", false}, clock_.Now());
  return ConnectWith("owner", std::move(identity));
}

BrokerHarness::Enrolment BrokerHarness::Enroll(const Program& program,
                                               const v1::Manifest& manifest) {
  clock_.Advance(kBetweenQuestions);
  v1::EnrollRequest request;
  *request.mutable_manifest() = manifest;
  const auto context = Patiently();
  const auto stream = program->enrollment->Enroll(context.get(), request);
  Enrolment enrolment;
  v1::EnrollResponse response;
  while (stream->Read(&response)) enrolment.states.push_back(response);
  enrolment.status = stream->Finish();
  return enrolment;
}

Program BrokerHarness::App(const std::string& name, const std::vector<permissions::Scope>& scopes,
                           const Allowance& allowance) {
  Decide(name, [allowance](const permissions::ConsentQuestion& question) {
    return Allow(question, allowance);
  });
  Program app = Connect(name);
  const Enrolment enrolment = Enroll(app, AppManifest(name, scopes));
  EXPECT_TRUE(enrolment.granted()) << name << ": " << Text(enrolment.status);
  return app;
}

v1::Grant BrokerHarness::Widen(const Program& program,
                               const std::vector<permissions::Scope>& scopes,
                               const Allowance& allowance) {
  clock_.Advance(kBetweenQuestions);
  Decide(program.name, [allowance](const permissions::ConsentQuestion& question) {
    return Allow(question, allowance);
  });
  v1::RequestGrantRequest request;
  request.set_request_id(NewRequestId());
  for (const permissions::Scope scope : scopes) request.add_scopes(static_cast<v1::Scope>(scope));
  v1::RequestGrantResponse response;
  grpc::Status status = program->grant->RequestGrant(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  // The answer is followed by the app's own watch on its grants.
  const auto context = Patiently();
  const auto watch = program->grant->WatchGrants(context.get(), {});
  v1::WatchGrantsResponse shown;
  v1::GetGrantRequestRequest get;
  get.set_grant_request_id(response.grant_request().id());
  v1::GetGrantRequestResponse got;
  while (watch->Read(&shown)) {
    status = program->grant->GetGrantRequest(Patiently().get(), get, &got);
    EXPECT_TRUE(status.ok()) << Text(status);
    // The grant is in force a moment before the question counts as answered, and nothing more is
    // shown then; how many grants are shown says nothing where others have ended.
    const auto deadline = In(kPatience);
    while (status.ok() && got.grant_request().state() == v1::GrantRequest::STATE_PENDING &&
           Steady::now() < deadline) {
      status = program->grant->GetGrantRequest(Patiently().get(), get, &got);
    }
    if (got.grant_request().state() != v1::GrantRequest::STATE_PENDING) break;
  }
  context->TryCancel();
  watch->Finish();
  EXPECT_EQ(got.grant_request().state(), v1::GrantRequest::STATE_GRANTED);
  return got.grant_request().grant();
}

Program BrokerHarness::Gatekeeper(const std::string& name) { return AllowAgain(Connect(name)); }

Program BrokerHarness::AllowAgain(const Program& gatekeeper) {
  Program program = Reconnect(gatekeeper);
  v1::Manifest manifest = AppManifest(program.name, {});
  manifest.set_role(v1::ROLE_GATEKEEPER);
  manifest.add_networks("alicechat");
  const Enrolment enrolment = Enroll(program, manifest);
  EXPECT_TRUE(enrolment.granted()) << Text(enrolment.status);
  return program;
}

v1::AttachHello Adapter::Hello(const std::string& account) {
  v1::AttachHello hello;
  hello.mutable_protocol_version()->set_major(1);
  hello.mutable_account()->set_id(account);
  hello.mutable_account()->set_network("alicechat");
  hello.mutable_account()->set_display_name("Alice's AliceChat");
  hello.mutable_account()->set_self_contact_id("self");
  return hello;
}

std::unique_ptr<Adapter> Adapter::Again(const Program& program) {
  const auto deadline = In(kPatience);
  while (true) {
    auto adapter = std::make_unique<Adapter>(program);
    if (adapter->welcome() || Steady::now() > deadline) return adapter;
  }
}

Adapter::Adapter(const Program& program, v1::AttachHello hello) : program_(program) {
  stream_ = program_->gatekeeper->Attach(context_.get());
  v1::AttachRequest request;
  *request.mutable_hello() = std::move(hello);
  stream_->Write(request);
  v1::AttachResponse response;
  if (stream_->Read(&response) && response.has_welcome()) {
    welcome_ = true;
    welcome_position_ = position_ = response.welcome().durable_position();
  }
  thread_ = std::thread([this] { Loop(); });
}

Adapter::~Adapter() {
  End();
  thread_.join();
}

void Adapter::Loop() {
  v1::AttachResponse response;
  while (stream_->Read(&response)) {
    if (response.has_event_ack()) {
      platform::MutexLock lock(mutex_);
      durable_ = response.event_ack().durable_position();
      for (const v1::RefusedEvent& event : response.event_ack().refused_events()) {
        refused_.push_back(event);
      }
      changed_.NotifyAll();
      continue;
    }
    if (response.has_disclosure()) {
      platform::MutexLock lock(mutex_);
      disclosures_.push_back(response.disclosure());
      changed_.NotifyAll();
      continue;
    }
    if (!response.has_command()) continue;
    Handler handler;
    size_t count = 0;
    {
      platform::MutexLock lock(mutex_);
      commands_.push_back(response.command());
      count = commands_.size();
      handler = handler_;
      changed_.NotifyAll();
    }
    std::optional<v1::CommandResult> result;
    if (handler) {
      result = handler(response.command());
    } else if (response.command().kind_case() != v1::Command::KIND_NOT_SET) {
      // A question by id alone has no answer of its own: whoever waits for one gives it.
      result.emplace();
      result->set_state(v1::CommandResult::STATE_SENT);
      result->set_message_id("sent-" + std::to_string(count));
    }
    if (!result.has_value()) continue;
    v1::AttachRequest request;
    *request.mutable_command_result() = *result;
    request.mutable_command_result()->set_command_id(response.command().command_id());
    platform::MutexLock lock(write_mutex_);
    stream_->Write(request);
  }
  const grpc::Status status = stream_->Finish();
  platform::MutexLock lock(mutex_);
  end_ = status;
  changed_.NotifyAll();
}

void Adapter::Answer(Handler handler) {
  platform::MutexLock lock(mutex_);
  handler_ = std::move(handler);
}

std::vector<v1::Command> Adapter::commands() {
  platform::MutexLock lock(mutex_);
  return commands_;
}

bool Adapter::WaitForCommands(size_t count, absl::Duration timeout) {
  const auto deadline = In(timeout);
  platform::MutexLock lock(mutex_);
  while (commands_.size() < count && !end_.has_value() && Steady::now() < deadline) {
    changed_.WaitFor(mutex_, Until(deadline));
  }
  return commands_.size() >= count;
}

std::vector<v1::Disclosure> Adapter::disclosures() {
  platform::MutexLock lock(mutex_);
  return disclosures_;
}

bool Adapter::WaitForDisclosures(size_t count, absl::Duration timeout) {
  const auto deadline = In(timeout);
  platform::MutexLock lock(mutex_);
  while (disclosures_.size() < count && !end_.has_value() && Steady::now() < deadline) {
    changed_.WaitFor(mutex_, Until(deadline));
  }
  return disclosures_.size() >= count;
}

void Adapter::Say(const v1::AttachRequest& request) {
  platform::MutexLock lock(write_mutex_);
  stream_->Write(request);
}

uint64_t Adapter::Push(const std::vector<v1::Event>& events) {
  std::vector<std::string> bytes;
  bytes.reserve(events.size());
  for (const v1::Event& event : events) bytes.push_back(event.SerializeAsString());
  return PushBytes(bytes);
}

uint64_t Adapter::PushBytes(const std::vector<std::string>& events) {
  platform::MutexLock lock(write_mutex_);
  v1::AttachRequest request;
  size_t bytes = 0;
  for (const std::string& event : events) {
    v1::EventBatch& batch = *request.mutable_event_batch();
    if (batch.events_size() > 0 &&
        (batch.events_size() >= static_cast<int>(kBatchEvents) || bytes > kBatchBytes)) {
      stream_->Write(request);
      batch.clear_events();
      bytes = 0;
    }
    v1::SourcedEvent& sourced = *batch.add_events();
    sourced.set_position(++position_);
    sourced.set_event(event);
    bytes += event.size();
  }
  stream_->Write(request);
  return position_;
}

void Adapter::PushAt(uint64_t position, const std::string& event, const std::string& command_id) {
  platform::MutexLock lock(write_mutex_);
  v1::AttachRequest request;
  v1::SourcedEvent& sourced = *request.mutable_event_batch()->add_events();
  sourced.set_position(position);
  sourced.set_event(event);
  sourced.set_command_id(command_id);
  position_ = std::max(position_, position);
  stream_->Write(request);
}

bool Adapter::WaitDurable(uint64_t position, absl::Duration timeout) {
  const auto deadline = In(timeout);
  platform::MutexLock lock(mutex_);
  while (durable_ < position && !end_.has_value() && Steady::now() < deadline) {
    changed_.WaitFor(mutex_, Until(deadline));
  }
  return durable_ >= position;
}

std::vector<v1::RefusedEvent> Adapter::refused() {
  platform::MutexLock lock(mutex_);
  return refused_;
}

grpc::Status Adapter::WaitEnd() {
  const auto deadline = In(kPatience);
  platform::MutexLock lock(mutex_);
  while (!end_.has_value() && Steady::now() < deadline) changed_.WaitFor(mutex_, Until(deadline));
  return end_.value_or(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the stream goes on"));
}

grpc::Status Adapter::End() {
  {
    platform::MutexLock lock(mutex_);
    if (!end_.has_value()) context_->TryCancel();
  }
  return WaitEnd();
}

namespace {

// Whether an adapter reported it. The rest is what Postern tells an app of itself.
bool IsReported(const v1::Event& event) {
  return !event.has_disclosure_changed() && !event.has_grant_changed() &&
         !event.has_erase_asked() && !event.has_lease_changed() && !event.has_request_completed();
}

}  // namespace

EventReader::EventReader(const Program& program, v1::SubscribeRequest request)
    : program_(program), request_(std::move(request)), thread_([this] { Loop(); }) {}

EventReader::~EventReader() {
  context_.TryCancel();
  thread_.join();
}

void EventReader::Loop() {
  const auto stream = program_->event->Subscribe(&context_, request_);
  v1::SubscribeResponse response;
  while (stream->Read(&response)) {
    const auto now = Steady::now();
    platform::MutexLock lock(mutex_);
    event_count_ += static_cast<size_t>(response.events_size());
    reported_count_ += static_cast<size_t>(
        std::count_if(response.events().begin(), response.events().end(), IsReported));
    frames_.push_back({std::move(response), now});
    changed_.NotifyAll();
  }
  const grpc::Status status = stream->Finish();
  platform::MutexLock lock(mutex_);
  end_time_ = Steady::now();
  end_ = status;
  changed_.NotifyAll();
}

bool EventReader::WaitLive() {
  const auto deadline = In(kPatience);
  platform::MutexLock lock(mutex_);
  while (frames_.empty() && !end_.has_value() && Steady::now() < deadline) {
    changed_.WaitFor(mutex_, Until(deadline));
  }
  return !frames_.empty();
}

bool EventReader::WaitForCount(size_t EventReader::*count, size_t enough, absl::Duration timeout) {
  const auto deadline = In(timeout);
  platform::MutexLock lock(mutex_);
  while (this->*count < enough && !end_.has_value() && Steady::now() < deadline) {
    changed_.WaitFor(mutex_, Until(deadline));
  }
  return this->*count >= enough;
}

bool EventReader::WaitForEvents(size_t count, absl::Duration timeout) {
  return WaitForCount(&EventReader::event_count_, count, timeout);
}

bool EventReader::WaitForReported(size_t count, absl::Duration timeout) {
  return WaitForCount(&EventReader::reported_count_, count, timeout);
}

bool EventReader::WaitForText(const std::string& text, absl::Duration timeout) {
  const auto deadline = In(timeout);
  size_t looked_at = 0;
  platform::MutexLock lock(mutex_);
  while (true) {
    for (; looked_at < frames_.size(); ++looked_at) {
      for (const v1::Event& event : frames_[looked_at].response.events()) {
        if (event.message_created().message().text() == text) return true;
      }
    }
    if (end_.has_value() || Steady::now() >= deadline) return false;
    changed_.WaitFor(mutex_, Until(deadline));
  }
}

grpc::Status EventReader::WaitEnd(absl::Duration timeout) {
  const auto deadline = In(timeout);
  platform::MutexLock lock(mutex_);
  while (!end_.has_value() && Steady::now() < deadline) changed_.WaitFor(mutex_, Until(deadline));
  return end_.value_or(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the stream goes on"));
}

bool EventReader::ended() {
  platform::MutexLock lock(mutex_);
  return end_.has_value();
}

Steady::time_point EventReader::end_time() {
  platform::MutexLock lock(mutex_);
  return end_time_;
}

grpc::Status EventReader::Cancel() {
  context_.TryCancel();
  return WaitEnd();
}

std::vector<v1::Event> EventReader::events() {
  std::vector<v1::Event> events;
  platform::MutexLock lock(mutex_);
  for (const Frame& frame : frames_) {
    events.insert(events.end(), frame.response.events().begin(), frame.response.events().end());
  }
  return events;
}

std::vector<v1::Event> EventReader::reported() {
  std::vector<v1::Event> reported = events();
  std::erase_if(reported, [](const v1::Event& event) { return !IsReported(event); });
  return reported;
}

std::vector<std::string> EventReader::texts() {
  std::vector<std::string> texts;
  for (const v1::Event& event : events()) {
    if (event.has_message_created()) texts.push_back(event.message_created().message().text());
  }
  return texts;
}

std::vector<EventReader::Frame> EventReader::frames() {
  platform::MutexLock lock(mutex_);
  return frames_;
}

v1::Event ChatEvent(const std::string& chat, const std::string& name) {
  v1::Event event;
  v1::Chat& created = *event.mutable_chat_created()->mutable_chat();
  created.set_id(chat);
  created.set_kind(v1::CHAT_KIND_GROUP);
  created.set_name(name.empty() ? chat : name);
  return event;
}

v1::Event MessageEvent(const std::string& chat, const std::string& id, const std::string& text) {
  v1::Event event;
  event.set_chat_id(chat);
  v1::Message& message = *event.mutable_message_created()->mutable_message();
  message.set_id(id);
  message.set_sender_contact_id("bob");
  message.set_sender_display_name("Bob");
  message.set_text(text);
  return event;
}

v1::Event EditEvent(const std::string& chat, const std::string& message, const std::string& text) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_message_edited()->set_message_id(message);
  event.mutable_message_edited()->set_sender_contact_id("bob");
  event.mutable_message_edited()->set_text(text);
  return event;
}

v1::Event DeleteEvent(const std::string& chat, const std::string& message) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_message_deleted()->set_message_id(message);
  event.mutable_message_deleted()->set_contact_id("bob");
  event.mutable_message_deleted()->set_for_everyone(true);
  return event;
}

v1::Event ReactionEvent(const std::string& chat, const std::string& message,
                        const std::string& emoji) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_reaction_set()->set_message_id(message);
  event.mutable_reaction_set()->set_contact_id("carol");
  event.mutable_reaction_set()->set_emoji(emoji);
  return event;
}

v1::Event TypingEvent(const std::string& chat) {
  v1::Event event;
  event.set_chat_id(chat);
  event.mutable_typing()->set_contact_id("bob");
  event.mutable_typing()->set_active(true);
  return event;
}

v1::SubscribeRequest FromOldest(const std::string& subscription) {
  v1::SubscribeRequest request;
  request.set_subscription(subscription);
  request.set_start(v1::SubscribeRequest::START_OLDEST);
  return request;
}

std::string ChatIdOf(const Program& app, const std::string& name) {
  v1::ListChatsRequest request;
  request.set_page_size(500);
  v1::ListChatsResponse response;
  const grpc::Status status = app->chat->ListChats(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  for (const v1::Chat& chat : response.chats()) {
    if (chat.name() == name) return chat.id();
  }
  return {};
}

}  // namespace postern::behaviors
