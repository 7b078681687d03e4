// SPDX-License-Identifier: Apache-2.0
#include "broker/kept_parts.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "broker/keys.h"
#include "platform/status_macros.h"

namespace postern::broker {
namespace {

// What else the secret store holds: who this broker is, whose tools are the owner's.
struct DoorKeys {
  platform::TlsIdentity identity;
  permissions::Principal owner;
  // What the secret store remembers of the database (store_anchor.h).
  absl::StatusOr<platform::SecretBytes> remembered;
};

absl::StatusOr<DoorKeys> ReadDoorKeys(platform::SecretStore& secrets,
                                      const BrokerOptions& options) {
  DoorKeys keys;
  ASSIGN_OR_RETURN(keys.identity,
                   BrokerIdentity(secrets, options.data_dir + "/broker.pem", options.clock.Now()));
  ASSIGN_OR_RETURN(keys.owner, OwnerPrincipal(secrets, options.clock.Now()));
  keys.remembered = StoreAnchor::Read(secrets);
  return keys;
}

// 'event' names what a look could not do. The next look makes up for it.
void Note(const char* event, const absl::Status& looked) {
  if (looked.ok()) return;
  spdlog::error("event={} code={}", event, static_cast<int>(looked.code()));
}

}  // namespace

absl::StatusOr<platform::TlsIdentity> KeptParts::Open(const BrokerOptions& options) {
  clock = std::make_unique<TrustedClock>(options.clock);
  const bool database_exists = Store::Exists(options.data_dir);
  StoreOptions store_options;
  store_options.directory = options.data_dir;
  store_options.clock = clock.get();
  store_options.create = database_exists ? Create::kNever : Create::kIfMissing;
  const std::unique_ptr<platform::SecretStore> session = options.secrets.OpenSession();
  platform::SecretStore& secrets = session != nullptr ? *session : options.secrets;
  ASSIGN_OR_RETURN(store_options.key, DatabaseKey(secrets, database_exists));
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
  ASSIGN_OR_RETURN(pseudonyms, PseudonymBook::Open(*store));
  ASSIGN_OR_RETURN(apps, AppRegistry::Open(*store, [this](const std::string& warning) {
                     warnings.push_back(warning);
                     return TellSuspended(warning);
                   }));
  apps->SetHistory(*accesses);
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
  news = std::make_unique<GrantNews>(
      GrantNews::World{.log = *log, .apps = *apps, .clock = clock->confirmed()});
  apps->SetGrantsHook([this](const permissions::Principal& app) {
    // Streams that wait learn of it first.
    log->WakeAll();
    Note("erasures_unasked", erasures->Look(app));
    Note("grant_untold", news->Look(app));
  });
  ASSIGN_OR_RETURN(disclosures, DisclosureBook::Open({.store = *store,
                                                      .log = *log,
                                                      .apps = *apps,
                                                      .directory = *directory,
                                                      .adapters = adapters,
                                                      .clock = *clock,
                                                      .dates = clock->confirmed(),
                                                      .looked = [this] {
                                                        Note("erasures_unasked", erasures->Look());
                                                        Note("grant_untold", news->Look());
                                                      }}));
  ASSIGN_OR_RETURN(requests, RequestLedger::Open(*store, clock->confirmed()));
  // Budgets go by what is sure: a clock set ahead must not fill them anew.
  ASSIGN_OR_RETURN(limits, SendLimits::Open(*store, clock->confirmed()));
  loops = std::make_unique<LoopGuard>(*clock);
  incoming = std::make_unique<IncomingTimes>(*log, *index, *directory, clock->confirmed());
  // Last, and made where there are none: a start that is refused has left nothing behind.
  ASSIGN_OR_RETURN(DoorKeys door_keys, ReadDoorKeys(secrets, options));
  apps->SetOwner(door_keys.owner);
  anchor = std::make_unique<StoreAnchor>(options.secrets, *store, *log, *accesses);
  RETURN_IF_ERROR(CheckAnchor(door_keys.remembered));
  // Before anybody can be given or lose anything: what a crash left untold.
  Note("erasures_unasked", erasures->Look());
  news->Begin();
  return std::move(door_keys.identity);
}

absl::Status KeptParts::TellSuspended(const std::string& text) {
  notices->Tell(v1::OwnerNotice::KIND_GRANTS_SUSPENDED, text);
  return notices->Keep();
}

absl::Status KeptParts::CheckAnchor(const absl::StatusOr<platform::SecretBytes>& remembered) {
  ASSIGN_OR_RETURN(const StoreAnchor::Finding finding, anchor->Check(remembered));
  const std::string text(FindingText(finding));
  if (text.empty()) return absl::OkStatus();
  spdlog::error("event=database_older text=\"{}\"", text);
  RETURN_IF_ERROR(TellSuspended(text));
  RETURN_IF_ERROR(apps->SuspendAll("older_database").status());
  RETURN_IF_ERROR(apps->ForgetGatekeepers("older_database"));
  return anchor->Settle();
}

absl::Status KeptParts::OpenSeals() {
  const auto on_change = [this] {
    apps->RaiseEpoch();
    log->WakeAll();
  };
  bool damaged = false;
  ASSIGN_OR_RETURN(seals, SealBook::Open(*store, on_change, damaged));
  if (!damaged) return absl::OkStatus();
  std::string warning =
      "what you sealed was changed from outside, so all apps are paused: look at `postern seal "
      "list`, seal again what is missing, then `postern resume`";
  RETURN_IF_ERROR(TellSuspended(warning));
  warnings.push_back(std::move(warning));
  // First the pause, so that a crash in between leaves apps out.
  RETURN_IF_ERROR(apps->SetPaused(true));
  return seals->Mend();
}

}  // namespace postern::broker
