// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <google/protobuf/stubs/logging.h>
#include <grpcpp/server.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "broker/app_starter.h"
#include "broker/attach_news.h"
#include "broker/consent_desk.h"
#include "broker/consent_preview.h"
#include "broker/contact_links.h"
#include "broker/entrance.h"
#include "broker/kept_parts.h"
#include "broker/limits.h"
#include "broker/message_expiry.h"
#include "broker/owner_sight.h"
#include "broker/parts.h"
#include "broker/presence_guard.h"
#include "broker/purge.h"
#include "broker/services.h"
#include "broker/shutdown.h"
#include "broker/upkeep.h"
#include "platform/status_macros.h"

#ifndef POSTERN_VERSION
#error "the build names the version"
#endif

namespace postern::broker {

// In order of construction; destroyed the other way round.
struct Broker::Running {
  Shutdown shutdown;
  KeptParts kept;
  Entrance entrance;

  std::unique_ptr<ConsentPreviews> previews;
  std::unique_ptr<ConsentDesk> consent;
  std::unique_ptr<OwnerSight> sight;
  std::unique_ptr<PresenceGuard> presence;
  std::unique_ptr<Purge> purge;
  std::unique_ptr<Parts> parts;
  Services services;
  std::unique_ptr<grpc::Server> server;

  std::unique_ptr<Upkeep> upkeep;
  std::unique_ptr<MessageExpiry> expiry;
  std::unique_ptr<AppStarter> starter;
  std::unique_ptr<AttachNews> attach_news;
  bool stopped = false;

  // Each needs what those before it made.
  absl::Status OpenDesk(const BrokerOptions& options);
  void GatherParts();
  absl::StatusOr<OwnerService::About> About(const BrokerOptions& options);
  absl::Status StartJobs(const BrokerOptions& options);
  absl::Status Start(BrokerOptions& options);
  void Stop();
};

// Who asks the person, and what goes by whether they are here.
absl::Status Broker::Running::OpenDesk(const BrokerOptions& options) {
  previews = std::make_unique<ConsentPreviews>(*kept.log, *kept.history, *kept.directory,
                                               *kept.pseudonyms, *kept.clock);
  consent = std::make_unique<ConsentDesk>(ConsentDesk::Options{
      .store = *kept.store,
      .apps = *kept.apps,
      .directory = *kept.directory,
      .prompt = options.prompt,
      .accesses = *kept.accesses,
      .notices = *kept.notices,
      // A grant is dated as records are, so that it is told from them what came before it.
      .clock = kept.clock->confirmed(),
      .session = options.session,
      .pidfd_of = [this](ConnectionId connection) { return entrance.door->PidfdOf(connection); },
      .preview = [this](const auto& question,
                        const auto& draft) { return previews->Of(question, draft); }});
  RETURN_IF_ERROR(consent->Open());
  sight = std::make_unique<OwnerSight>(*consent, *kept.clock);
  presence = std::make_unique<PresenceGuard>(PresenceGuard::Options{
      options.session, *kept.apps, *consent, *sight, *entrance.streams, *kept.log});
  purge = std::make_unique<Purge>(Purge::Options{.store = *kept.store,
                                                 .anchor = *kept.anchor,
                                                 .secrets = options.secrets,
                                                 .data_dir = options.data_dir,
                                                 .socket_path = options.socket_path,
                                                 .stop = options.stop});
  return absl::OkStatus();
}

void Broker::Running::GatherParts() {
  parts = std::make_unique<Parts>(Parts{.ids = *kept.ids,
                                        .clock = *kept.clock,
                                        .confirmed_clock = kept.clock->confirmed(),
                                        .store = *kept.store,
                                        .log = *kept.log,
                                        .index = *kept.index,
                                        .history = *kept.history,
                                        .seals = *kept.seals,
                                        .directory = *kept.directory,
                                        .apps = *kept.apps,
                                        .pseudonyms = *kept.pseudonyms,
                                        .subscriptions = *kept.subscriptions,
                                        .requests = *kept.requests,
                                        .limits = *kept.limits,
                                        .loops = *kept.loops,
                                        .incoming = *kept.incoming,
                                        .leases = *entrance.leases,
                                        .adapters = kept.adapters,
                                        .files = *kept.files,
                                        .attachments = *kept.attachments,
                                        .transfers = *kept.transfers,
                                        .uploads = *kept.uploads,
                                        .disclosures = *kept.disclosures,
                                        .streams = *entrance.streams,
                                        .consent = *consent,
                                        .sight = *sight,
                                        .notices = *kept.notices,
                                        .purge = *purge,
                                        .accesses = *kept.accesses,
                                        .anchor = *kept.anchor,
                                        .deliveries = *kept.deliveries,
                                        .erasures = *kept.erasures,
                                        .door = *entrance.door,
                                        .gate = *entrance.gate,
                                        .shutdown = shutdown});
}

absl::StatusOr<OwnerService::About> Broker::Running::About(const BrokerOptions& options) {
  OwnerService::About about;
  about.software_version = POSTERN_VERSION;
  about.secret_store = options.secrets.Describe();
  RETURN_IF_ERROR(kept.store->Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(about.cipher_version, database.QueryText("PRAGMA cipher_version"));
    return absl::OkStatus();
  }));
  about.start_time = kept.clock->Now();
  about.warnings = kept.warnings;
  return about;
}

// What is done without anybody calling.
absl::Status Broker::Running::StartJobs(const BrokerOptions& options) {
  kept.disclosures->Start();
  upkeep = std::make_unique<Upkeep>(Upkeep::Options{
      *kept.store, *kept.clock, *kept.accesses, *kept.apps, *kept.notices, *kept.anchor,
      [this](const permissions::Principal& principal) {
        return entrance.door->ConnectionsOf(principal);
      },
      options.upkeep_interval,
      [this] {
        services.sender->TellOverdue();
        services.backfills->EndSilent();
      },
      [this]() -> absl::Status {
        const absl::Status caught_up = kept.files->CatchUp(kIndexWait);
        if (!caught_up.ok() && !absl::IsDeadlineExceeded(caught_up)) return caught_up;
        RETURN_IF_ERROR(kept.attachments->Sweep());
        services.exports->Sweep();
        return kept.uploads->Sweep();
      }});
  ASSIGN_OR_RETURN(expiry, MessageExpiry::Open({.store = *kept.store,
                                                .log = *kept.log,
                                                .index = *kept.index,
                                                .dates = kept.clock->confirmed(),
                                                .wait_max = options.upkeep_interval}));
  starter = std::make_unique<AppStarter>(
      AppStarter::Options{.apps = *kept.apps,
                          .subscriptions = *kept.subscriptions,
                          .directory = *kept.directory,
                          .log = *kept.log,
                          .history = *kept.history,
                          .pseudonyms = *kept.pseudonyms,
                          .notices = *kept.notices,
                          .clock = *kept.clock,
                          .connections_of =
                              [this](const permissions::Principal& principal) {
                                return entrance.door->ConnectionsOf(principal);
                              },
                          .start = options.start_unit,
                          .wait_max = options.upkeep_interval});
  attach_news = std::make_unique<AttachNews>(AttachNews::Options{.log = *kept.log,
                                                                 .directory = *kept.directory,
                                                                 .adapters = kept.adapters,
                                                                 .dates = kept.clock->confirmed(),
                                                                 .grace = options.detach_grace});
  return absl::OkStatus();
}

absl::Status Broker::Running::Start(BrokerOptions& options) {
  RETURN_IF_ERROR(OpenDesk(options));
  GatherParts();
  if (const absl::Status told = TellLinks(*parts); !told.ok()) {
    spdlog::error("event=links_untold code={}", static_cast<int>(told.code()));
  }
  ASSIGN_OR_RETURN(OwnerService::About about, About(options));
  RETURN_IF_ERROR(services.Open(*parts, *kept.search, std::move(about)));
  ASSIGN_OR_RETURN(server, services.Serve(*entrance.door, options.config.reflection));
  RETURN_IF_ERROR(StartJobs(options));
  return entrance.door->Start();
}

void Broker::Running::Stop() {
  if (std::exchange(stopped, true)) return;
  shutdown.Begin();
  // Every stream ends now, and none of that is news of an account.
  if (attach_news != nullptr) attach_news->Stop();
  kept.log->WakeAll();
  kept.apps->WakeAll();
  entrance.leases->Stop();
  // Streams say why before their connections end.
  entrance.streams->EndReads();
  entrance.streams->WaitUntilEmpty(kShutdownGrace);
  // Stopped and not destroyed: handlers may still look at it.
  if (consent != nullptr) consent->Stop();
  kept.disclosures->Stop();
  if (starter != nullptr) starter->Stop();
  if (expiry != nullptr) expiry->Stop();
  kept.transfers->Stop();
  kept.adapters.Stop();
  if (services.backfills != nullptr) services.backfills->Stop();
  if (services.sender != nullptr) services.sender->Stop();
  entrance.door->Stop();
  if (server != nullptr) {
    server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kShutdownGrace));
    server->Wait();
    server.reset();
  }
  if (upkeep != nullptr) upkeep->Stop();
  if (const absl::Status written = kept.deliveries->Flush(); !written.ok()) {
    spdlog::error("event=deliveries_unwritten code={}", static_cast<int>(written.code()));
  }
  if (const absl::Status written = kept.erasures->Flush(); !written.ok()) {
    spdlog::error("event=erasures_unwritten code={}", static_cast<int>(written.code()));
  }
}

absl::StatusOr<std::unique_ptr<Broker>> Broker::Start(BrokerOptions options) {
  // Protobuf would write the name of each field with bad bytes to stderr; ingest mends them.
  google::protobuf::SetLogHandler(nullptr);
  auto running = std::make_unique<Running>();
  ASSIGN_OR_RETURN(platform::TlsIdentity identity, running->kept.Open(options));
  RETURN_IF_ERROR(running->entrance.Open(options, std::move(identity), running->kept));
  std::unique_ptr<Broker> broker(new Broker(std::move(running)));
  RETURN_IF_ERROR(broker->running_->Start(options));
  return broker;
}

Broker::Broker(std::unique_ptr<Running> running) : running_(std::move(running)) {}

Broker::~Broker() { Stop(); }

void Broker::Stop() { running_->Stop(); }

std::vector<std::string> Broker::warnings() const { return running_->kept.warnings; }

}  // namespace postern::broker
