// SPDX-License-Identifier: Apache-2.0
#include "tests/settings/stage.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "broker/door.h"
#include "broker/limits.h"
#include "platform/tls_identity.h"

namespace postern::settings_test {
namespace {

using behaviors::ChatEvent;
using behaviors::MessageEvent;
using behaviors::Patiently;
using behaviors::Text;
using enum permissions::Scope;

constexpr int kDays = 14;
// Of waiting until people are told.
constexpr int kStepsMax = 30;
// Below what one machine's programs may ask.
constexpr absl::Duration kBetweenQuestions = absl::Minutes(20);
// Of the person, about one question.
constexpr absl::Duration kThinkingMax = absl::Seconds(60);

void MakeFolder(const std::string& path) {
  std::filesystem::create_directories(path);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

}  // namespace

Stage::Stage(const fakes::SessionBus& session, absl::Time start)
    : profile_(&session),
      clock_(start),
      prompt_([this](const permissions::ConsentQuestion& question) {
        platform::MutexLock lock(mutex_);
        while (thinking_ && decided_.WaitFor(mutex_, kThinkingMax)) {
        }
        return std::optional(allowance_.has_value()
                                 ? behaviors::Allow(question, *allowance_)
                                 : fakes::ScriptedConsentPrompt::Refusal(question));
      }) {
  broker::RequireTls13();
  ::signal(SIGPIPE, SIG_IGN);
  MakeFolder(profile_.data_dir());
  MakeFolder(profile_.runtime_dir() + "/postern");
  secrets_ = platform::MakeSecretServiceStore(profile_.data_dir());
  broker::BrokerOptions options{
      clock_, *secrets_, prompt_, {}, profile_.data_dir(), profile_.socket(), {}};
  options.session = &session_;
  options.notifier = &notifier_;
  auto broker = broker::Broker::Start(std::move(options));
  if (!broker.ok()) {
    ADD_FAILURE() << broker.status();
    std::abort();
  }
  broker_ = *std::move(broker);
}

Stage::~Stage() { StopBroker(); }

void Stage::StopBroker() {
  live_.clear();
  adapter_.reset();
  apps_.clear();
  broker_.reset();
}

void Stage::AnswerWith(std::optional<Allowance> allowance) {
  platform::MutexLock lock(mutex_);
  allowance_ = std::move(allowance);
  thinking_ = false;
  decided_.NotifyAll();
}

void Stage::Think() {
  platform::MutexLock lock(mutex_);
  thinking_ = true;
}

Program Stage::Connect(const std::string& name, platform::TlsIdentity identity) {
  Program program;
  program.name = name;
  program.identity = std::make_shared<platform::TlsIdentity>(std::move(identity));
  program.principal =
      permissions::Principal{*platform::SpkiSha256OfPem(program.identity->certificate_pem)}.ToHex();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = daemon_test::ReadFile(profile_.data_dir() + "/broker.pem");
  const auto key = program.identity->key_pem.span();
  options.pem_private_key = std::string(key.begin(), key.end());
  options.pem_cert_chain = program.identity->certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  program.stubs = std::make_shared<sdk::Stubs>(grpc::CreateCustomChannel(
      "unix:" + profile_.socket(), grpc::SslCredentials(options), arguments));
  return program;
}

void Stage::Enroll(const Program& program, const v1::Manifest& manifest,
                   const Allowance& allowance) {
  clock_.Advance(kBetweenQuestions);
  AnswerWith(allowance);
  v1::EnrollRequest request;
  *request.mutable_manifest() = manifest;
  const auto context = Patiently();
  const auto stream = program->enrollment->Enroll(context.get(), request);
  v1::EnrollResponse response;
  while (stream->Read(&response)) {
  }
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(response.state(), v1::EnrollResponse::STATE_GRANTED) << Text(status);
}

Program Stage::App(const std::string& name, const std::string& purpose, const std::string& service,
                   const std::vector<Scope>& scopes, const Allowance& allowance) {
  Program app = Connect(name, *platform::MakeTlsIdentity({"app", false}, clock_.Now()));
  v1::Manifest manifest = behaviors::AppManifest(name, scopes);
  manifest.set_app_id("org.example." + std::to_string(apps_.size()));
  manifest.set_purpose(purpose);
  if (!service.empty()) {
    manifest.mutable_data_destination()->set_kind(v1::DataDestination::KIND_LEAVES_DEVICE);
    manifest.mutable_data_destination()->set_service(service);
  }
  Enroll(app, manifest, allowance);
  apps_[name] = app;
  return app;
}

Program Stage::Owner() {
  platform::TlsIdentity identity;
  identity.key_pem = *secrets_->Lookup("owner-key");
  identity.certificate_pem =
      *platform::MakeCertificate(identity.key_pem, {"owner", false}, clock_.Now());
  return Connect("owner", std::move(identity));
}

std::vector<v1::Grant> Stage::GrantsOf(const std::string& name) {
  v1::ListGrantsRequest request;
  request.set_principal(apps_.at(name).principal);
  request.set_include_ended(true);
  v1::ListGrantsResponse response;
  const grpc::Status status = Owner()->owner->ListGrants(Patiently().get(), request, &response);
  EXPECT_TRUE(status.ok()) << Text(status);
  std::vector<v1::Grant> grants;
  for (const v1::OwnedGrant& owned : response.grants()) grants.push_back(owned.grant());
  return grants;
}

bool Stage::paused() {
  v1::GetStatusResponse response;
  EXPECT_TRUE(Owner()->owner->GetStatus(Patiently().get(), {}, &response).ok());
  return response.paused();
}

void Stage::Fill() { Fill(absl::Now(), kDays); }

void Stage::Fill(absl::Time now, int days) {
  v1::Manifest gatekeeper = behaviors::AppManifest("AliceChat", {});
  gatekeeper.set_role(v1::ROLE_GATEKEEPER);
  gatekeeper.set_app_id("org.example.alicechat");
  gatekeeper.set_purpose("Brings your chats in");
  gatekeeper.add_networks("alicechat");
  const Program adapter =
      Connect("AliceChat", *platform::MakeTlsIdentity({"app", false}, clock_.Now()));
  Enroll(adapter, gatekeeper, {});
  adapter_ = std::make_unique<Adapter>(adapter);
  ASSERT_TRUE(adapter_->welcome());
  const std::vector<std::pair<std::string, std::string>> chats = {{"family", "Family"},
                                                                  {"dinner", "Friday dinner"},
                                                                  {"work", "Work"},
                                                                  {"books", "Book club"},
                                                                  {"landlord", "House 12"}};
  std::vector<v1::Event> created;
  for (const auto& [id, name] : chats) created.push_back(ChatEvent(id, name));
  ASSERT_TRUE(adapter_->PushDurably(created));

  App("Translator", "Shows messages in your language", "translate.example",
      {kChatsRead, kMessagesRead, kMessagesHistory, kReactionsRead, kMessagesSend},
      {.chats = {"Family", "Friday dinner", "House 12"},
       .until = absl::Now() + absl::Hours(24 * 12)});
  App("Customer notes", "Files what customers ask for", "", {kChatsRead, kMessagesRead},
      {.chats = {"Work"}});
  App("Assistant", "Reminds you of what you promised", "",
      {kChatsRead, kMessagesRead, kMessagesSend}, {});
  App("Statistics", "Counts who writes when", "", {kMessagesMetadata}, {});
  App("Old backup", "Keeps a copy", "backup.example", {kChatsRead, kMessagesRead}, {});

  std::map<std::string, std::unique_ptr<EventReader>> readers;
  for (const auto& [name, program] : apps_) {
    readers[name] = std::make_unique<EventReader>(program);
    ASSERT_TRUE(readers[name]->WaitLive());
  }
  const char* const lines[] = {"Are you coming on Friday?",   "I'll bring the salad.",
                               "The meeting moved to three.", "Who has the book?",
                               "The water is off tomorrow.",  "Thank you!"};
  int message = 0;
  const absl::Time first = clock_.Now();
  // Morning, noon, afternoon and evening of each day, more on some days than on others.
  for (int day = 0; day < days; ++day) {
    for (int part = 0; part < 4; ++part) {
      const absl::Time due = first + (now - first) * (day * 4 + part + 1) / (days * 4 + 1);
      clock_.Advance(due - clock_.Now());
      if (day == std::max(0, days - 3) && part == 0) {
        v1::RevokeAppRequest request;
        request.set_request_id("out");
        request.set_principal(apps_.at("Old backup").principal);
        v1::RevokeAppResponse response;
        ASSERT_TRUE(Owner()->owner->RevokeApp(Patiently().get(), request, &response).ok());
        readers.erase("Old backup");
      }
      std::vector<v1::Event> events;
      const int count = 2 + (day * 7 + part * 5) % 9;
      for (int i = 0; i < count; ++i, ++message) {
        events.push_back(
            MessageEvent(chats[static_cast<size_t>(message * 3 + part) % chats.size()].first,
                         "m" + std::to_string(message), lines[message % 6]));
      }
      const std::string last = "day " + std::to_string(day) + ", part " + std::to_string(part);
      for (const auto& [id, name] : chats) {
        events.push_back(MessageEvent(id, "last " + id + std::to_string(day * 4 + part), last));
      }
      ASSERT_TRUE(adapter_->PushDurably(events));
      for (const auto& [name, reader] : readers) {
        if (name != "Statistics") ASSERT_TRUE(reader->WaitForText(last)) << name;
      }
      if ((day + part) % 3 != 0) continue;
      for (const char* sender : {"Translator", "Assistant"}) {
        v1::SendMessageRequest send;
        send.set_request_id(std::string(sender) + std::to_string(day * 4 + part));
        send.set_chat_id(behaviors::ChatIdOf(apps_.at(sender), "Family"));
        send.set_text("Of course.");
        v1::SendMessageResponse sent;
        const grpc::Status status =
            apps_.at(sender)->message->SendMessage(Patiently().get(), send, &sent);
        EXPECT_TRUE(status.ok()) << Text(status);
      }
    }
  }
  clock_.Advance(now - clock_.Now());
  AnswerWith(Allowance());
  // What was read last is counted before the readers leave; two stay: in use now.
  for (const char* name : {"Customer notes", "Statistics"}) {
    readers.erase(name);
    apps_.at(name).stubs.reset();
  }
  live_ = std::move(readers);
  ASSERT_TRUE(PeopleAreTold());
}

// The people are told by a thread of the broker's, some time after what it is about; that time goes
// by in steps, for nobody says when the thread began to count.
bool Stage::PeopleAreTold() {
  for (int step = 0; step < kStepsMax; ++step) {
    clock_.Advance(broker::kNoticeDelay);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (std::chrono::steady_clock::now() < deadline) {
      v1::ListDisclosuresResponse told;
      if (!Owner()->owner->ListDisclosures(Patiently().get(), {}, &told).ok()) return false;
      if (std::any_of(told.disclosures().begin(), told.disclosures().end(),
                      [](const v1::ChatDisclosure& disclosure) {
                        return disclosure.name() == "Family" && disclosure.notice_posted();
                      })) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace postern::settings_test
