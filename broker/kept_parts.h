// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/access_history.h"
#include "broker/adapter_table.h"
#include "broker/app_registry.h"
#include "broker/attachment_index.h"
#include "broker/attachment_store.h"
#include "broker/attachment_transfers.h"
#include "broker/broker_options.h"
#include "broker/deliveries.h"
#include "broker/directory.h"
#include "broker/disclosure_book.h"
#include "broker/erasure_book.h"
#include "broker/event_log.h"
#include "broker/grant_news.h"
#include "broker/history.h"
#include "broker/incoming_times.h"
#include "broker/loop_guard.h"
#include "broker/message_index.h"
#include "broker/message_search.h"
#include "broker/owner_notices.h"
#include "broker/pseudonym_book.h"
#include "broker/request_ledger.h"
#include "broker/retention_thread.h"
#include "broker/seal_book.h"
#include "broker/search_index.h"
#include "broker/send_limits.h"
#include "broker/store.h"
#include "broker/store_anchor.h"
#include "broker/subscription_store.h"
#include "broker/trusted_clock.h"
#include "broker/upload_book.h"
#include "permissions/id_cipher.h"
#include "platform/secret_bytes.h"
#include "platform/tls_identity.h"

namespace postern::broker {

// What the database holds, and what reads and writes it. In order of construction; destroyed the
// other way round. Nobody calls yet while it opens. It stays where it is: its parts refer to it.
struct KeptParts {
  KeptParts() = default;
  KeptParts(const KeptParts&) = delete;
  KeptParts& operator=(const KeptParts&) = delete;

  // Opens all of them, and the keys from the secret store. Returns whom the door shall be. Errors
  // are Broker::Start's. Call once; use nothing of it when it failed. 'options' must outlive it.
  absl::StatusOr<platform::TlsIdentity> Open(const BrokerOptions& options);

  std::unique_ptr<TrustedClock> clock;
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
  std::unique_ptr<GrantNews> news;
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
  // What the owner must know of how they were found.
  std::vector<std::string> warnings;

 private:
  // Tells the owner that access was suspended, durably: before it is, and before what shows why is
  // gone.
  absl::Status TellSuspended(const std::string& text);
  absl::Status OpenSeals();
  // Suspends all grants, and has gatekeepers ask anew, when the database is older than the secret
  // store remembers.
  absl::Status CheckAnchor(const absl::StatusOr<platform::SecretBytes>& remembered);
};

}  // namespace postern::broker
