// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <dlfcn.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <future>
#include <thread>
#include <utility>

#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/app_starter.h"
#include "broker/attachment_index.h"
#include "broker/attachment_limits.h"
#include "broker/attachment_service.h"
#include "broker/attachment_store.h"
#include "broker/attachment_transfers.h"
#include "broker/backfills.h"
#include "broker/chat_service.h"
#include "broker/consent_desk.h"
#include "broker/consent_preview.h"
#include "broker/contact_links.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/enrollment_service.h"
#include "broker/erasure_book.h"
#include "broker/event_log.h"
#include "broker/event_service.h"
#include "broker/export_service.h"
#include "broker/forward_service.h"
#include "broker/gatekeeper_service.h"
#include "broker/grant_service.h"
#include "broker/health_service.h"
#include "broker/history.h"
#include "broker/incoming_times.h"
#include "broker/keys.h"
#include "broker/lease_table.h"
#include "broker/limits.h"
#include "broker/live_streams.h"
#include "broker/loop_guard.h"
#include "broker/message_expiry.h"
#include "broker/message_index.h"
#include "broker/message_reader.h"
#include "broker/message_search.h"
#include "broker/message_sender.h"
#include "broker/message_service.h"
#include "broker/method_gate.h"
#include "broker/owner_notices.h"
#include "broker/owner_service.h"
#include "broker/owner_sight.h"
#include "broker/parts.h"
#include "broker/presence_guard.h"
#include "broker/program_watch.h"
#include "broker/pseudonym_book.h"
#include "broker/purge.h"
#include "broker/request_ledger.h"
#include "broker/retention.h"
#include "broker/seal_book.h"
#include "broker/search_index.h"
#include "broker/send_limits.h"
#include "broker/session_grants.h"
#include "broker/shutdown.h"
#include "broker/store.h"
#include "broker/store_anchor.h"
#include "broker/subscription_store.h"
#include "broker/trusted_clock.h"
#include "broker/unimplemented_methods.h"
#include "broker/upkeep.h"
#include "broker/upload_book.h"
#include "permissions/id_cipher.h"
#include "platform/mutex.h"
#include "platform/status_macros.h"

#ifndef POSTERN_VERSION
#error "the build names the version"
#endif

namespace postern::broker {
namespace {

constexpr std::string_view kEpochKey = "log_epoch";
// Retention looks at the whole log: seldom.
constexpr absl::Duration kRetentionInterval = absl::Hours(6);

// Returns the number that tells this database's ids and cursors from those of any other.
absl::StatusOr<uint64_t> LogEpoch(Store& store) {
  uint64_t epoch = 0;
  RETURN_IF_ERROR(store.Write([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(Statement row, database.Prepare("SELECT value FROM meta WHERE key = ?"));
    row.BindAll(kEpochKey);
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found && row.Bytes(0).size() == sizeof(epoch)) {
      std::memcpy(&epoch, row.Bytes(0).data(), sizeof(epoch));
      return absl::OkStatus();
    }
    std::array<uint8_t, sizeof(epoch)> random;
    platform::FillRandom(random);
    std::memcpy(&epoch, random.data(), sizeof(epoch));
    return database.Run(
        "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", kEpochKey,
        Blob{std::string_view(reinterpret_cast<const char*>(random.data()), random.size())});
  }));
  return epoch;
}

// Applies what the owner keeps, now and then.
class RetentionThread {
 public:
  RetentionThread(EventLog& log, RetentionPolicy policy, const platform::Clock& clock)
      : log_(log), clock_(clock) {
    policies_.fallback = policy;
    const bool keeps_all =
        policy.age == absl::InfiniteDuration() && policy.bytes == RetentionPolicy().bytes;
    if (!keeps_all) thread_ = std::thread([this] { Loop(); });
  }
  ~RetentionThread() {
    stopping_.store(true);
    {
      platform::MutexLock lock(mutex_);
      stop_.NotifyAll();
    }
    if (thread_.joinable()) thread_.join();
  }
  RetentionThread(const RetentionThread&) = delete;
  RetentionThread& operator=(const RetentionThread&) = delete;

 private:
  void Loop() {
    while (!stopping_.load()) {
      const auto result =
          RunRetention(log_, policies_, clock_.Now(), [this] { return stopping_.load(); });
      if (!result.ok() && !stopping_.load()) {
        spdlog::error("event=retention_failed code={}", static_cast<int>(result.status().code()));
      }
      platform::MutexLock lock(mutex_);
      if (!stopping_.load()) stop_.WaitFor(mutex_, kRetentionInterval);
    }
  }

  EventLog& log_;
  const platform::Clock& clock_;
  RetentionPolicies policies_;
  std::atomic<bool> stopping_{false};
  platform::Mutex mutex_;
  platform::ConditionVariable stop_;
  std::thread thread_;
};

// Lets tools list the contract. gRPC's reflection library registers itself with every server of a
// process that has it loaded, so it is loaded only where the owner asked for it, and never
// unloaded.
absl::Status LoadReflection() {
  if (::dlopen(POSTERN_REFLECTION_LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE) == nullptr) {
    return absl::FailedPreconditionError(
        "[door] reflection is on and gRPC's reflection library is not installed; install it (on "
        "Debian it comes with libgrpc++1.51) or turn reflection off");
  }
  return absl::OkStatus();
}

std::string_view RefusalName(Door::Refusal refusal) {
  switch (refusal) {
    case Door::Refusal::kOtherUser:
      return "other_user";
    case Door::Refusal::kUnidentified:
      return "unidentified";
    case Door::Refusal::kNoSlot:
      return "no_slot";
    case Door::Refusal::kHandshake:
      return "handshake";
    case Door::Refusal::kCertificate:
      return "certificate";
    case Door::Refusal::kTooManyOfKey:
      return "too_many_of_key";
    case Door::Refusal::kTooManyUnknown:
      return "too_many_unknown";
    case Door::Refusal::kOtherProgram:
      return "other_program";
  }
  return "unknown";
}

}  // namespace

// In order of construction; destroyed the other way round.
struct Broker::Running {
  std::unique_ptr<TrustedClock> clock;
  Shutdown shutdown;
  std::unique_ptr<Store> store;
  std::unique_ptr<OwnerNotices> notices;
  std::unique_ptr<AccessHistory> accesses;
  std::unique_ptr<EventLog> log;
  std::unique_ptr<MessageIndex> index;
  std::unique_ptr<History> history;
  std::unique_ptr<SearchIndex> words;
  std::unique_ptr<MessageSearch> search;
  std::unique_ptr<RetentionThread> retention;
  std::unique_ptr<permissions::IdMaker> ids;
  std::unique_ptr<PseudonymBook> pseudonyms;
  std::unique_ptr<AppRegistry> apps;
  std::unique_ptr<SealBook> seals;
  std::unique_ptr<Directory> directory;
  std::unique_ptr<SubscriptionStore> subscriptions;
  std::unique_ptr<Deliveries> deliveries;
  std::unique_ptr<ErasureBook> erasures;
  std::unique_ptr<RequestLedger> requests;
  std::unique_ptr<SendLimits> limits;
  std::unique_ptr<LoopGuard> loops;
  std::unique_ptr<IncomingTimes> incoming;
  std::unique_ptr<StoreAnchor> anchor;
  AdapterTable adapters;
  std::unique_ptr<AttachmentIndex> files;
  std::unique_ptr<AttachmentStore> attachments;
  std::unique_ptr<AttachmentTransfers> transfers;
  std::unique_ptr<UploadBook> uploads;
  std::unique_ptr<DisclosureBook> disclosures;
  std::unique_ptr<ProgramWatch> programs;
  std::unique_ptr<Door> door;
  std::unique_ptr<LeaseTable> leases;
  std::unique_ptr<SessionGrants> session_grants;
  std::unique_ptr<MethodGate> gate;
  std::unique_ptr<LiveStreams> streams;
  std::unique_ptr<ConsentPreviews> previews;
  std::unique_ptr<ConsentDesk> consent;
  std::unique_ptr<OwnerSight> sight;
  std::unique_ptr<PresenceGuard> presence;
  std::unique_ptr<Purge> purge;
  std::unique_ptr<Parts> parts;
  std::unique_ptr<MessageSender> sender;
  std::unique_ptr<MessageReader> reader;
  std::unique_ptr<Backfills> backfills;
  std::unique_ptr<Upkeep> upkeep;
  std::unique_ptr<MessageExpiry> expiry;
  std::unique_ptr<AppStarter> starter;

  std::unique_ptr<EnrollmentService> enrollment_service;
  std::unique_ptr<GrantService> grant_service;
  std::unique_ptr<ChatService> chat_service;
  std::unique_ptr<EventService> event_service;
  std::unique_ptr<MessageService> message_service;
  std::unique_ptr<ForwardService> forward_service;
  std::unique_ptr<AttachmentService> attachment_service;
  std::unique_ptr<ExportService> export_service;
  std::unique_ptr<GatekeeperService> gatekeeper_service;
  std::unique_ptr<OwnerService> owner_service;
  std::unique_ptr<HealthService> health_service;

  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> warnings;
  bool stopped = false;

  absl::Status Open(BrokerOptions& options, platform::TlsIdentity& identity);
  absl::Status OpenSeals();
  void LookAtErasures();
  // Suspends all grants, and has gatekeepers ask anew, when the database is older than the secret
  // store remembers.
  absl::Status CheckAnchor(const absl::StatusOr<platform::SecretBytes>& remembered);
  absl::Status OpenDoor(BrokerOptions& options, platform::TlsIdentity identity);
  absl::Status Serve(BrokerOptions& options);
};

// What else the secret store holds: who this broker is, whose tools are the owner's.
struct DoorKeys {
  platform::TlsIdentity identity;
  permissions::Principal owner;
  // What the secret store remembers of the database (store_anchor.h).
  absl::StatusOr<platform::SecretBytes> remembered;
};

absl::StatusOr<DoorKeys> ReadDoorKeys(const BrokerOptions& options) {
  DoorKeys keys;
  ASSIGN_OR_RETURN(keys.identity, BrokerIdentity(options.secrets, options.data_dir + "/broker.pem",
                                                 options.clock.Now()));
  ASSIGN_OR_RETURN(keys.owner, OwnerPrincipal(options.secrets, options.clock.Now()));
  keys.remembered = StoreAnchor::Read(options.secrets);
  return keys;
}

absl::Status Broker::Running::Open(BrokerOptions& options, platform::TlsIdentity& identity) {
  clock = std::make_unique<TrustedClock>(options.clock);
  const bool database_exists = Store::Exists(options.data_dir);
  StoreOptions store_options;
  store_options.directory = options.data_dir;
  store_options.clock = clock.get();
  store_options.create = database_exists ? Create::kNever : Create::kIfMissing;
  ASSIGN_OR_RETURN(store_options.key, DatabaseKey(options.secrets, database_exists));
  // The secret store answers in its own time, so the other keys are fetched while the log opens.
  // Not at the first start: a refusal then leaves nothing behind.
  auto keys = std::async(database_exists ? std::launch::async : std::launch::deferred,
                         [&options] { return ReadDoorKeys(options); });
  ASSIGN_OR_RETURN(store, Store::Open(std::move(store_options)));
  RETURN_IF_ERROR(clock->Load(*store));
  ASSIGN_OR_RETURN(notices, OwnerNotices::Open(*store, options.notifier, *clock));
  ASSIGN_OR_RETURN(accesses, AccessHistory::Open(*store, *clock));
  ASSIGN_OR_RETURN(log, EventLog::Open(*store));
  ASSIGN_OR_RETURN(index, MessageIndex::Open(*store, *log));
  history = std::make_unique<History>(*log, *index);
  ASSIGN_OR_RETURN(words, SearchIndex::Open(*store, *log, *index));
  search = std::make_unique<MessageSearch>(*log, *words, *history);
  retention = std::make_unique<RetentionThread>(*log, options.config.retention, clock->confirmed());
  ids = std::make_unique<permissions::IdMaker>(store->DeriveKey("postern internal ids").span());
  ASSIGN_OR_RETURN(const uint64_t epoch, LogEpoch(*store));
  pseudonyms = std::make_unique<PseudonymBook>(store->DeriveKey("postern pseudonyms"), epoch);
  std::string warning;
  ASSIGN_OR_RETURN(apps, AppRegistry::Open(*store, warning));
  apps->SetHistory(*accesses);
  if (!warning.empty()) warnings.push_back(std::move(warning));
  RETURN_IF_ERROR(OpenSeals());
  ASSIGN_OR_RETURN(directory, Directory::Open(*store, *seals));
  ASSIGN_OR_RETURN(files, AttachmentIndex::Open(*store, *log));
  ASSIGN_OR_RETURN(attachments, AttachmentStore::Open(*store, {}));
  transfers = std::make_unique<AttachmentTransfers>(adapters, *attachments);
  uploads = std::make_unique<UploadBook>(*store, clock->confirmed());
  ASSIGN_OR_RETURN(subscriptions, SubscriptionStore::Open(*store));
  ASSIGN_OR_RETURN(deliveries, Deliveries::Open(*store));
  ASSIGN_OR_RETURN(erasures, ErasureBook::Open({.store = *store,
                                                .log = *log,
                                                .apps = *apps,
                                                .directory = *directory,
                                                .deliveries = *deliveries,
                                                .clock = *clock,
                                                .dates = clock->confirmed()}));
  ASSIGN_OR_RETURN(disclosures, DisclosureBook::Open({.store = *store,
                                                      .log = *log,
                                                      .apps = *apps,
                                                      .directory = *directory,
                                                      .adapters = adapters,
                                                      .clock = *clock,
                                                      .dates = clock->confirmed(),
                                                      .looked = [this] { LookAtErasures(); }}));
  ASSIGN_OR_RETURN(requests, RequestLedger::Open(*store, clock->confirmed()));
  // Budgets go by what is sure: a clock set ahead must not fill them anew.
  ASSIGN_OR_RETURN(limits, SendLimits::Open(*store, clock->confirmed()));
  loops = std::make_unique<LoopGuard>(*clock);
  incoming = std::make_unique<IncomingTimes>(*log, *index, *directory, clock->confirmed());
  ASSIGN_OR_RETURN(DoorKeys door_keys, keys.get());
  identity = std::move(door_keys.identity);
  apps->SetOwner(door_keys.owner);
  anchor = std::make_unique<StoreAnchor>(options.secrets, *store, *log, *accesses);
  return CheckAnchor(door_keys.remembered);
}

void Broker::Running::LookAtErasures() {
  if (const absl::Status looked = erasures->Look(); !looked.ok()) {
    spdlog::error("event=erasures_unasked code={}", static_cast<int>(looked.code()));
  }
}

absl::Status Broker::Running::CheckAnchor(const absl::StatusOr<platform::SecretBytes>& remembered) {
  ASSIGN_OR_RETURN(const StoreAnchor::Finding finding, anchor->Check(remembered));
  const std::string text(FindingText(finding));
  if (text.empty()) return absl::OkStatus();
  spdlog::error("event=database_older text=\"{}\"", text);
  notices->Tell(v1::OwnerNotice::KIND_GRANTS_SUSPENDED, text);
  RETURN_IF_ERROR(apps->SuspendAll("older_database").status());
  RETURN_IF_ERROR(apps->ForgetGatekeepers("older_database"));
  return anchor->Settle();
}

absl::Status Broker::Running::OpenSeals() {
  const auto on_change = [this] {
    apps->RaiseEpoch();
    log->WakeAll();
  };
  bool damaged = false;
  ASSIGN_OR_RETURN(seals, SealBook::Open(*store, on_change, damaged));
  if (!damaged) return absl::OkStatus();
  // First the pause, so that a crash in between leaves apps out.
  RETURN_IF_ERROR(apps->SetPaused(true));
  RETURN_IF_ERROR(seals->Mend());
  warnings.push_back(
      "what you sealed was changed from outside, so all apps are paused: look at `postern seal "
      "list`, seal again what is missing, then `postern resume`");
  return absl::OkStatus();
}

absl::Status Broker::Running::OpenDoor(BrokerOptions& options, platform::TlsIdentity identity) {
  Door::Options door_options;
  door_options.socket_path = options.socket_path;
  door_options.listener = std::move(options.listener);
  door_options.identity = std::move(identity);
  door_options.served_uid = ::getuid();
  door_options.limits.connections_max = options.config.connections;
  door_options.standing_of = [this](const permissions::Principal& principal) {
    return apps->StandingOf(principal);
  };
  programs = std::make_unique<ProgramWatch>(*apps, *notices);
  door_options.admits = [this](const permissions::Principal& principal, int pidfd) {
    return programs->Admits(principal, pidfd);
  };
  door_options.on_refused = [](Door::Refusal refusal, uid_t uid, pid_t pid) {
    spdlog::warn("event=connection_refused reason={} uid={} pid={}", RefusalName(refusal), uid,
                 pid);
  };
  // A stream whose connection is gone is told by its next look, which comes at once.
  door_options.on_closed = [this](ConnectionId connection,
                                  const permissions::Principal& principal) {
    leases->ConnectionClosed(connection);
    apps->SawNow(principal, clock->Now());
    session_grants->ConnectionClosed(principal);
    log->WakeAll();
    apps->WakeAll();
  };
  const DoorLimits door_limits = door_options.limits;
  ASSIGN_OR_RETURN(door, Door::Open(std::move(door_options)));
  // Made before the door accepts, which it does in Serve.
  leases = std::make_unique<LeaseTable>(LeaseTable::World{
      *apps, *directory, *log, clock->confirmed(),
      [this](ConnectionId connection) { return door->PidfdOf(connection).ok(); }});
  session_grants = std::make_unique<SessionGrants>(
      *apps,
      [this](const permissions::Principal& principal) { return door->ConnectionsOf(principal); });
  RETURN_IF_ERROR(session_grants->EndAll());
  gate = std::make_unique<MethodGate>(
      *door,
      [this](const permissions::Principal& principal) { return apps->StandingOf(principal); },
      door_limits,
      MethodGate::Observer{
          [this](const Caller& caller) {
            if (caller.standing != Standing::kApp && caller.standing != Standing::kGatekeeper) {
              return;
            }
            accesses->CountConnected(caller.principal);
          },
          [this](const Caller& caller, v1::ErrorReason reason) {
            if (caller.standing == Standing::kOwner) return;
            // Keys that nobody allowed are counted as one: there can be any number of them.
            const permissions::Principal who =
                caller.standing == Standing::kUnknown ? permissions::Principal() : caller.principal;
            accesses->Count(who, v1::ACCESS_VERB_REFUSED, {}, ReasonName(reason), 1);
          }});
  streams = std::make_unique<LiveStreams>(LiveStreams::Options{
      [this] { return apps->epoch(); },
      [this](const permissions::Principal& principal) { door->CloseConnections(principal); },
      [this] { log->WakeAll(); }, options.reader_stall_max,
      std::min(kUploadSilenceMax, 2 * options.reader_stall_max)});
  return absl::OkStatus();
}

absl::Status Broker::Running::Serve(BrokerOptions& options) {
  previews = std::make_unique<ConsentPreviews>(*log, *history, *directory, *pseudonyms, *clock);
  consent = std::make_unique<ConsentDesk>(ConsentDesk::Options{
      .store = *store,
      .apps = *apps,
      .directory = *directory,
      .prompt = options.prompt,
      .accesses = *accesses,
      .notices = *notices,
      // A grant is dated as records are, so that it is told from them what came before it.
      .clock = clock->confirmed(),
      .session = options.session,
      .pidfd_of = [this](ConnectionId connection) { return door->PidfdOf(connection); },
      .preview = [this](const auto& question,
                        const auto& draft) { return previews->Of(question, draft); }});
  RETURN_IF_ERROR(consent->Open());
  sight = std::make_unique<OwnerSight>(*consent, *clock);
  presence = std::make_unique<PresenceGuard>(
      PresenceGuard::Options{options.session, *apps, *consent, *sight, *streams, *log});
  purge = std::make_unique<Purge>(Purge::Options{.store = *store,
                                                 .anchor = *anchor,
                                                 .secrets = options.secrets,
                                                 .data_dir = options.data_dir,
                                                 .socket_path = options.socket_path,
                                                 .stop = options.stop});
  parts = std::make_unique<Parts>(Parts{.ids = *ids,
                                        .clock = *clock,
                                        .confirmed_clock = clock->confirmed(),
                                        .store = *store,
                                        .log = *log,
                                        .index = *index,
                                        .history = *history,
                                        .seals = *seals,
                                        .directory = *directory,
                                        .apps = *apps,
                                        .pseudonyms = *pseudonyms,
                                        .subscriptions = *subscriptions,
                                        .requests = *requests,
                                        .limits = *limits,
                                        .loops = *loops,
                                        .incoming = *incoming,
                                        .leases = *leases,
                                        .adapters = adapters,
                                        .files = *files,
                                        .attachments = *attachments,
                                        .transfers = *transfers,
                                        .uploads = *uploads,
                                        .disclosures = *disclosures,
                                        .streams = *streams,
                                        .consent = *consent,
                                        .sight = *sight,
                                        .notices = *notices,
                                        .purge = *purge,
                                        .accesses = *accesses,
                                        .anchor = *anchor,
                                        .deliveries = *deliveries,
                                        .erasures = *erasures,
                                        .door = *door,
                                        .gate = *gate,
                                        .shutdown = shutdown});
  if (const absl::Status told = TellLinks(*parts); !told.ok()) {
    spdlog::error("event=links_untold code={}", static_cast<int>(told.code()));
  }
  enrollment_service = std::make_unique<EnrollmentService>(*parts);
  grant_service = std::make_unique<GrantService>(*parts);
  ASSIGN_OR_RETURN(backfills, Backfills::Open(*parts));
  chat_service = std::make_unique<ChatService>(*parts, *backfills);
  event_service = std::make_unique<EventService>(*parts);
  ASSIGN_OR_RETURN(sender, MessageSender::Open(*parts));
  reader = std::make_unique<MessageReader>(*parts, *search);
  message_service = std::make_unique<MessageService>(*parts, *reader, *sender);
  forward_service = std::make_unique<ForwardService>(*parts);
  attachment_service = std::make_unique<AttachmentService>(*parts);
  export_service = std::make_unique<ExportService>(*parts);
  gatekeeper_service = std::make_unique<GatekeeperService>(*parts, *ids);
  OwnerService::About about;
  about.software_version = POSTERN_VERSION;
  about.secret_store = options.secrets.Describe();
  RETURN_IF_ERROR(store->Read([&](Database& database) -> absl::Status {
    ASSIGN_OR_RETURN(about.cipher_version, database.QueryText("PRAGMA cipher_version"));
    return absl::OkStatus();
  }));
  about.start_time = clock->Now();
  about.warnings = warnings;
  owner_service = std::make_unique<OwnerService>(*parts, std::move(about));
  health_service = std::make_unique<HealthService>(*parts);

  if (options.config.reflection) RETURN_IF_ERROR(LoadReflection());
  grpc::ServerBuilder builder;
  door->Configure(builder);
  builder.RegisterService(enrollment_service.get());
  builder.RegisterService(grant_service.get());
  builder.RegisterService(chat_service.get());
  builder.RegisterService(event_service.get());
  builder.RegisterService(message_service.get());
  builder.RegisterService(gatekeeper_service.get());
  builder.RegisterService(owner_service.get());
  builder.RegisterService(health_service.get());
  builder.RegisterService(attachment_service.get());
  builder.RegisterService(forward_service.get());
  builder.RegisterService(export_service.get());
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(ExplainUnimplemented(*gate));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  server = builder.BuildAndStart();
  if (server == nullptr) return absl::InternalError("gRPC did not start");
  disclosures->Start();
  upkeep = std::make_unique<Upkeep>(Upkeep::Options{
      *store, *clock, *accesses, *apps, *notices, *anchor,
      [this](const permissions::Principal& principal) { return door->ConnectionsOf(principal); },
      options.upkeep_interval,
      [this] {
        sender->TellOverdue();
        backfills->EndSilent();
      },
      [this]() -> absl::Status {
        const absl::Status caught_up = files->CatchUp(kIndexWait);
        if (!caught_up.ok() && !absl::IsDeadlineExceeded(caught_up)) return caught_up;
        RETURN_IF_ERROR(attachments->Sweep());
        export_service->Sweep();
        return uploads->Sweep();
      }});
  ASSIGN_OR_RETURN(expiry, MessageExpiry::Open({.store = *store,
                                                .log = *log,
                                                .index = *index,
                                                .dates = clock->confirmed(),
                                                .wait_max = options.upkeep_interval}));
  starter = std::make_unique<AppStarter>(
      AppStarter::Options{.apps = *apps,
                          .subscriptions = *subscriptions,
                          .directory = *directory,
                          .log = *log,
                          .history = *history,
                          .pseudonyms = *pseudonyms,
                          .notices = *notices,
                          .clock = *clock,
                          .connections_of =
                              [this](const permissions::Principal& principal) {
                                return door->ConnectionsOf(principal);
                              },
                          .start = options.start_unit,
                          .wait_max = options.upkeep_interval});
  return door->Start();
}

absl::StatusOr<std::unique_ptr<Broker>> Broker::Start(BrokerOptions options) {
  // Protobuf would write the name of each field with bad bytes to stderr; ingest mends them.
  google::protobuf::SetLogHandler(nullptr);
  auto running = std::make_unique<Running>();
  platform::TlsIdentity identity;
  RETURN_IF_ERROR(running->Open(options, identity));
  RETURN_IF_ERROR(running->OpenDoor(options, std::move(identity)));
  std::unique_ptr<Broker> broker(new Broker(std::move(running)));
  RETURN_IF_ERROR(broker->running_->Serve(options));
  return broker;
}

Broker::Broker(std::unique_ptr<Running> running) : running_(std::move(running)) {}

Broker::~Broker() { Stop(); }

void Broker::Stop() {
  if (std::exchange(running_->stopped, true)) return;
  running_->shutdown.Begin();
  running_->log->WakeAll();
  running_->apps->WakeAll();
  running_->leases->Stop();
  // Streams say why before their connections end.
  running_->streams->EndReads();
  running_->streams->WaitUntilEmpty(kShutdownGrace);
  // Stopped and not destroyed: handlers may still look at it.
  if (running_->consent != nullptr) running_->consent->Stop();
  running_->disclosures->Stop();
  if (running_->starter != nullptr) running_->starter->Stop();
  if (running_->expiry != nullptr) running_->expiry->Stop();
  running_->transfers->Stop();
  running_->adapters.Stop();
  if (running_->backfills != nullptr) running_->backfills->Stop();
  if (running_->sender != nullptr) running_->sender->Stop();
  running_->door->Stop();
  if (running_->server != nullptr) {
    running_->server->Shutdown(std::chrono::system_clock::now() +
                               absl::ToChronoMilliseconds(kShutdownGrace));
    running_->server->Wait();
    running_->server.reset();
  }
  if (running_->upkeep != nullptr) running_->upkeep->Stop();
  if (const absl::Status written = running_->deliveries->Flush(); !written.ok()) {
    spdlog::error("event=deliveries_unwritten code={}", static_cast<int>(written.code()));
  }
  if (const absl::Status written = running_->erasures->Flush(); !written.ok()) {
    spdlog::error("event=erasures_unwritten code={}", static_cast<int>(written.code()));
  }
}

std::vector<std::string> Broker::warnings() const { return running_->warnings; }

}  // namespace postern::broker
